"""
What the kernel's tunl0 does, for a TUN device of that name: IPv4 packets go in packets of their own to the hosts that routes name.

Run on a node: ``python3 forward_ipip.py tunl0 [READY]``, with nothing but Python's own library; the file READY is written once it
holds the device. What comes out of the device goes, as it is, into a packet of protocol 4 (RFC 2003) to the gateway of its route,
which the kernel is asked for each time; what comes in by protocol 4 loses its first header, and goes into the device.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import sys
from functools import cache

DEVICE, *READY = sys.argv[1:]
IPIP, BUFFER = 4, 65535
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
RTM_GETROUTE, NLM_F_REQUEST, NLMSG_ERROR, RTA_DST, RTA_OIF, RTA_GATEWAY = 26, 1, 2, 1, 4, 5
IP_TTL, IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 2, 10, 0

say = cache(lambda text: print(text, flush=True))  # each once: what is lost is lost again and again


def device():
    """Hold the TUN device: packets without anything before them."""
    held = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(held, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return held


def protocol_4():
    """A socket for packets of this protocol; as they get one header more, they may be cut on their way."""
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, IPIP)
    made.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    return made


def gateway(target):
    """The gateway of the kernel's route to four bytes of an address; None if it has none, or one that leads elsewhere."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 0, 0, 0, 0, 0) + struct.pack("=HH4s", 8, RTA_DST, target)
    kernel.send(struct.pack("=IHHII", 16 + len(body), RTM_GETROUTE, NLM_F_REQUEST, 0, 0) + body)
    answer, found, at = kernel.recv(BUFFER), {}, 28
    if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
        return None
    while at + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        found[kind] = answer[at + 4 : at + length]
        at += max(length + 3 & ~3, 4)
    leads_here = struct.unpack("=I", found.get(RTA_OIF, bytes(4)))[0] == socket.if_nametoindex(DEVICE)
    return socket.inet_ntoa(found[RTA_GATEWAY]) if leads_here and RTA_GATEWAY in found else None


def send(packet):
    """Put a packet into another, whose time to live is the same, and send that to the gateway."""
    if packet[0] >> 4 != 4:
        return
    to, ttl = socket.inet_ntoa(packet[16:20]), struct.pack("=i", packet[8])
    if (host := gateway(packet[16:20])) is None:
        say(f"to {to}: no route with a gateway leads out of {DEVICE}")
        return
    try:
        wire.sendmsg([packet], [(socket.IPPROTO_IP, IP_TTL, ttl)], 0, (host, 0))
    except OSError as refused:
        say(f"to {to} by {host}: {refused.strerror}")


def receive(packet):
    """Take a packet out of the one that it came in."""
    inside = packet[(packet[0] & 0xF) * 4 :]
    if inside and inside[0] >> 4 == 4:
        with contextlib.suppress(OSError):  # the device is down, or this is no whole packet
            os.write(tun, inside)


tun, wire = device(), protocol_4()
kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
for path in READY:
    with open(path, "w") as file:
        file.write(DEVICE)
while True:
    for ready in select.select([tun, wire], [], [])[0]:
        if ready is tun:
            send(os.read(tun, BUFFER))
        else:
            receive(wire.recv(BUFFER))
