"""Frames for tests, made byte by byte."""

import struct
from ipaddress import IPv4Address

from podnet_lab.kernel.echo import echo_request
from podnet_lab.packets.encapsulations import Opener
from podnet_lab.packets.frames import frame
from podnet_lab.packets.hop import CapturedFrame

EVERYBODY = "ff:ff:ff:ff:ff:ff"
NONCE = bytes(range(8))
A, B, GW, UP, UP2, GW2 = (f"02:00:00:00:00:0{n}" for n in range(1, 7))


def ethernet(source, target, kind=0x0800):
    return bytes.fromhex(target.replace(":", "") + source.replace(":", "")) + kind.to_bytes(2, "big")


def ipv4(source, target, protocol, body, ttl=64):
    addresses = IPv4Address(source).packed + IPv4Address(target).packed
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, ttl, protocol, 0) + addresses + body


def echo(macs=(A, GW), ttl=64, reply=False, nonce=NONCE):
    body = echo_request(nonce, 1)
    return ethernet(*macs) + ipv4("10.244.1.2", "10.244.2.2", 1, (b"\0" if reply else b"\x08") + body[1:], ttl)


def tcp(source, target, ports, number, acknowledged, flags, ttl=64):
    body = struct.pack("!HHIIBBHHH", *ports, number, acknowledged, 0x50, flags, 0, 0, 0)
    return ethernet(A, GW) + ipv4(source, target, 6, body, ttl)


def arp(source, target, ip, wanted, answer=False):
    """A question of the MAC *source* (at *ip*), sent to *target*: who has *wanted*? Or the answer, with *wanted* whose it is for."""
    sender = bytes.fromhex(source.replace(":", "")) + IPv4Address(ip).packed
    return (
        ethernet(source, target, 0x0806)
        + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1 + answer)
        + sender
        + bytes(6)
        + IPv4Address(wanted).packed
    )


def udp(macs, source, target, ports, body, ttl=64):
    return ethernet(*macs) + ipv4(source, target, 17, struct.pack("!HHHH", *ports, 8 + len(body), 0) + body, ttl)


NODE1, NODE2 = "192.168.1.11", "192.168.1.12"


def vxlan(inside, vni=1, port=8472, macs=(UP, UP2), ttl=64, flags=8):
    """A frame in a tunnel from node1 to node2."""
    return udp(macs, NODE1, NODE2, (40000, port), bytes([flags, 0, 0, 0]) + vni.to_bytes(3, "big") + b"\0" + inside, ttl)


def error(packet, kind=3, code=0, source="10.244.1.1", target="10.244.1.2", macs=(GW, A)):
    """An ICMP error about the packet in an Ethernet frame."""
    return ethernet(*macs) + ipv4(source, target, 1, struct.pack("!BBHI", kind, code, 0, 0) + packet[14:])


def seen(node, dev, out, time, data, namespace=None):
    return CapturedFrame(node, namespace, dev, out, time, data, len(data), Opener({}).open(frame(data)))
