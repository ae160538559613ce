"""What a new node is made of: its own /run, /etc, /sys and /var/lib/cni, a host name, a baseline of settings, a cable to the outside."""

from __future__ import annotations

import contextlib
import os
import socket

from podnet_lab.devices.veth import codec as veth
from podnet_lab.kernel import encode, namespaces, wrappers
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.own_cni_state import own_cni_state
from podnet_lab.kernel.own_etc import one_user, own_etc
from podnet_lab.kernel.sysctl import write_sysctl

EXTERNAL_BRIDGE = "external"
"""The bridge in the lab's own namespace that plays the external network."""

UPLINK = "eth0"
"""A node's interface on the external network."""

BASELINE = {
    "forwarding": 0,
    "rp_filter": 0,
    "arp_ignore": 0,
    "arp_announce": 0,
    "arp_filter": 0,
    "arp_notify": 1,  # a bridge takes its MAC from its ports: if a new one changes it, the Pods are told
    "proxy_arp": 0,
    "send_redirects": 0,  # a Pod that was told of a shorter way than its gateway would go past its node's rules
    "accept_local": 0,
    "route_localnet": 0,
}
"""
net.ipv4.conf.*: what a node starts with.

A new network namespace copies these from the host's (net/ipv4/devinet.c), where Docker or a distribution may have
changed them, and the lesson would start at a different place on every machine.
"""


BRIDGE_NETFILTER = "bridge/bridge-nf-call-iptables"
"""
Whether what a bridge passes on meets the rules of IPv4; there only where the module br_netfilter is.

A node starts without it, so that the lesson does not depend on what else runs on a machine. Each network namespace has
its own (since Linux 5.3; before that, none but the host's has any).
"""


def mount_private_run_and_sys() -> None:
    """Give this process's mount namespace an empty /run with a /run/netns, and a /sys that shows its own interfaces."""
    namespaces.mount("tmpfs", "/run", "tmpfs")
    namespaces.mount("sysfs", "/sys", "sysfs")
    namespaces.prepare()


def apply_settings() -> None:
    """Bring this namespace's IPv4 settings to the baseline, for interfaces that are and that will be."""
    write_sysctl("ipv4/ip_forward", 0)
    if os.path.exists(f"/proc/sys/net/{BRIDGE_NETFILTER}"):
        write_sysctl(BRIDGE_NETFILTER, 0)
    for name in os.listdir("/proc/sys/net/ipv4/conf"):
        for key, value in BASELINE.items():
            write_sysctl(f"ipv4/conf/{name}/{key}", value)


def become_node(name: str) -> None:
    """Make this process, alone in new network, mount and UTS namespaces, the node *name*."""
    mount_private_run_and_sys()
    own_etc()
    own_cni_state()
    wrappers.install(one_user())
    socket.sethostname(name)
    apply_settings()
    sock = Socket()
    sock.request([encode.link_set("lo", up=True)])
    sock.close()


def external_network() -> None:
    """Make the bridge that plays the external network; the lab's own namespace has no address on it."""
    mount_private_run_and_sys()
    sock = Socket()
    sock.request([encode.link_add(EXTERNAL_BRIDGE, "bridge"), encode.link_set(EXTERNAL_BRIDGE, up=True)])
    sock.close()


def connect_uplink(node: str, pid: int) -> None:
    """Cable the node of process *pid* to the external bridge, anew if it was: its end is eth0, ours has the node's name."""
    sock = Socket()
    try:
        with contextlib.suppress(Refused):  # none is left of an older cable, unless its other end was moved elsewhere
            sock.request([encode.link_remove(node)])
        sock.request([encode.link_add(node, "veth", veth.encode({"peer": UPLINK, "peer_pid": pid}, None))])
        sock.request([encode.link_set(node, up=True, master=sock.index(EXTERNAL_BRIDGE))])
    finally:
        sock.close()


def remove_uplink() -> None:
    """Delete whatever has the name of the node's interface to the external network."""
    sock = Socket()
    try:
        with contextlib.suppress(Refused):  # there may be none
            sock.request([encode.link_remove(UPLINK)])
    finally:
        sock.close()


def uplink(address: str, dev: str = UPLINK) -> None:
    """Give this node's end of that cable its address, and switch it on."""
    sock = Socket()
    try:
        sock.request([encode.address(True, address, sock.index(dev)), encode.link_set(dev, up=True)])
    finally:
        sock.close()
