"""
The inventory: all that can decide what becomes of an IPv4 packet, by its place on the kernel's path; read or not, judged or not.

Pure. What is neither judged nor harmless is *named* by an explanation, which is then unsure. To add an influence: a line in
`INVENTORY`; where it is to be read, a field of `podnet_lab.model.close_look` and of `podnet_lab.kernel.close_look`; and either a
function here that names it, or a judgement in the walk (`podnet_lab.explain.path`). docs/explain.md tells it at length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from podnet_lab.explain import settings
from podnet_lab.model.close_look import CloseLook, DeviceLook

JUDGED, PARTLY, NAMED, NOT_SEEN = "judged", "judged in part, else named", "named", "not seen"
"""
What an explanation makes of an influence: it follows it; follows the usual forms of it and names the rest; names it, as soon as it
is there; or can't see it: that is said of in docs, and only a packet that is really sent shows it.
"""

PLAIN_QUEUES = frozenset({"noqueue", "pfifo_fast", "fq_codel", "fq", "mq", "clsact", "ingress"})
"""Queueing disciplines that let everything pass, as far as a single packet is concerned, where the kernel put them."""

PLAIN_BY_HAND = frozenset({"clsact", "htb", "ingress", "mq", "noqueue", "pfifo_fast", "prio", "sfq"})
"""
The same, also where somebody put them: they may make packets wait, but drop none that comes alone. A slow htb is read as another
kind, and filters are counted apart.
"""


@dataclass(frozen=True)
class Influence:
    """Something that can take, turn or rewrite a packet: *where* on its path, what *reads* it, and what is made of it."""

    name: str
    where: str
    reads: str
    state: str


INVENTORY = (
    Influence("interface up, carrier, MTU, MAC, ARP flag", "device", "snapshot", JUDGED),
    Influence("kinds of interfaces", "device", "snapshot", PARTLY),
    Influence("XDP program", "ingress of a device", "close look", NAMED),
    Influence("tc filter, clsact action", "ingress and egress of a device", "close look", NAMED),
    Influence("tc queueing discipline", "egress of a device", "close look", NAMED),
    Influence("tcx program", "ingress and egress of a device", "close look", NAMED),
    Influence("nftables, families netdev and inet: ingress, egress", "ingress and egress of a device", "close look", PARTLY),
    Influence("nftables, family bridge; ebtables", "bridge", "close look", PARTLY),
    Influence("nftables, families ip and inet; iptables", "prerouting to postrouting", "close look", PARTLY),
    Influence("nftables, family arp; arptables", "neighbour", "close look", PARTLY),
    Influence("bridge-nf-call-iptables, of all bridges or of one", "bridge", "snapshot, close look", JUDGED),
    Influence("bridge port: state, isolated, hairpin, learning, flood, bcast_flood, locked", "bridge", "snapshot", JUDGED),
    Influence("bridge port: neigh_suppress, proxy_arp, vlan_tunnel, mab", "bridge", "snapshot", NAMED),
    Influence("bridge: VLAN filtering", "bridge", "close look", NAMED),
    Influence("bridge: forwarding table, without VLANs", "bridge", "snapshot", JUDGED),
    Influence("vxlan: VNI, port, remotes, forwarding table", "device", "snapshot", PARTLY),
    Influence("ipip: the gateways of routes, local and remote; a TUN device that stands in", "device", "snapshot", PARTLY),
    Influence("policy rules, routes, nexthop objects, local table, rp_filter, forwarding", "routing", "snapshot, kernel asked", JUDGED),
    Influence("lightweight tunnel of a route (encap)", "routing", "kernel asked", NAMED),
    Influence("IPsec policy", "forward, input, output", "close look", PARTLY),
    Influence("neighbour entries, proxy neighbours, proxy_arp", "neighbour", "snapshot, close look", JUDGED),
    Influence("arp_ignore, arp_announce, arp_filter; solicitations", "neighbour", "close look", JUDGED),
    Influence("time to live: ip_default_ttl, hoplimit of a route, nftables", "forward", "close look, kernel asked", JUDGED),
    Influence("learned path MTU", "output", "snapshot", JUDGED),
    Influence("icmp_echo_ignore_all", "input", "snapshot", JUDGED),
    Influence("settings that may decide (podnet_lab.explain.settings)", "everywhere", "close look", NAMED),
    Influence("sockets that listen, of IPv4 and of both", "input", "close look", JUDGED),
    Influence("program of a cgroup", "input, output", "nothing", NOT_SEEN),
    Influence("what other hosts do, and namespaces without a name", "device", "nothing", NAMED),
)
"""Everything that is known to decide; a new kernel's is to be added here first."""


def unjudged_here(look: CloseLook, protocol: str) -> Iterator[str]:
    """What of a whole namespace may decide, is there, and is not judged: in words."""
    yield from settings.unusual(look.settings, protocol)
    yield from (f"{what} can't be read" for what in look.unreadable)
    if protocol != "icmp" and look.listeners is None:
        yield "who listens can't be read"


def unjudged_device(look: CloseLook, dev: str, egress: bool) -> Iterator[str]:
    """What hangs on an interface, where a frame comes in or (*egress*) goes out, and is not judged: in words."""
    device = look.devices.get(dev, DeviceLook())
    if device.filters:
        yield f"{dev} has tc filters"
    if device.tcx.get("egress" if egress else "ingress"):
        yield f"{dev} has a tcx program"
    if not egress and device.xdp:
        yield f"{dev} has an XDP program"
    if egress:
        yield from (f"{dev} has a queueing discipline {kind}" for kind in unusual_queues(device))


def unusual_queues(device: DeviceLook) -> Iterator[str]:
    """The queueing disciplines that may drop or delay even a single packet, by kind."""
    for kind, by_hand in device.queues:
        if kind not in PLAIN_QUEUES | PLAIN_BY_HAND or (by_hand and kind not in PLAIN_BY_HAND):
            yield kind


def unjudged_bridge(look: CloseLook, bridge: str) -> Iterator[str]:
    """Settings of a bridge that may decide, and are not judged: in words."""
    device = look.devices.get(bridge, DeviceLook())
    if device.bridge.get("vlan_filtering"):
        yield f"{bridge} filters VLANs"
    if device.bridge.get("nf_call_arptables"):
        yield f"{bridge} passes ARP through arptables (nf_call_arptables)"


UNJUDGED_FLAGS = ("proxy_arp", "proxy_arp_wifi", "vlan_tunnel", "neigh_suppress", "mab")
"""Flags of a bridge's port that may decide, and are not judged (`podnet_lab.model.Link.port`)."""
