"""A packet, or a frame, at one hook of a namespace: what rules may ask about. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

NOT_THERE = object()
"""The value of a field that a packet does not have: an echo request has no port."""


@dataclass(frozen=True)
class Packet:
    """
    A packet at one hook: an echo request, or the first of TCP or UDP to *port*; *reply*: it answers one. None: not known.

    *local_source* and *local_target* say whether the addresses are the namespace's own, *translated* and *source_translated*
    whether its connection's destination and source were rewritten here, *original* is (source, target, port) before that,
    *redirect_to* the address that a redirect here leads to. *mark* is skb's, *ct_mark* the connection's; *untracked*:
    connection tracking leaves it alone (notrack); *state*: the connection's, "" for the usual one (new, or established for a
    reply), "?" where that is not known. *size* is in bytes with the IP header.

    Of a frame at hooks of bridge, netdev and arp: *ethertype* "ip" or "arp", MACs, and for ARP its *operation* ("request",
    "reply"), where *source* and *target* are those of the ARP message. *in_port* and *out_port* are the ports of a bridge that
    passes it on through the hooks of IP (bridge-nf-call-iptables), "" where there is none. *way_back* is the interface that it came
    by, if what is for its source leaves by that, "" if not.
    """

    source: IPv4Address
    target: IPv4Address
    iif: str | None
    oif: str | None
    reply: bool = False
    protocol: str = "icmp"
    port: int | None = None
    local_source: bool = False
    local_target: bool = False
    translated: bool = False
    mark: int = 0
    ttl: int | None = None
    size: int | None = None
    dscp: int = 0
    state: str = ""
    ct_mark: int | None = None
    untracked: bool = False
    source_translated: bool | None = None
    original: tuple[IPv4Address, IPv4Address, int | None] | None = None
    redirect_to: IPv4Address | None = None
    ethertype: str = "ip"
    source_mac: str | None = None
    target_mac: str | None = None
    operation: str = ""
    in_port: str | None = ""
    out_port: str | None = ""
    own_addresses: frozenset[IPv4Address] | None = None
    way_back: str | None = None

    def is_local(self, address: IPv4Address) -> bool | None:
        """Whether an address is the namespace's own, after a rewriting; None where that is not known."""
        return None if self.own_addresses is None else address in self.own_addresses or address.is_loopback


def arp_request(source: IPv4Address, target: IPv4Address, iif: str | None, oif: str | None, source_mac: str | None = None) -> Packet:
    """The frame that asks all for *target*, at a hook of bridge, netdev or arp."""
    return Packet(
        source, target, iif, oif, protocol="", ethertype="arp", operation="request", source_mac=source_mac, target_mac="ff:ff:ff:ff:ff:ff"
    )


def arp_reply(source: IPv4Address, target: IPv4Address, iif: str | None, oif: str | None, source_mac: str | None = None) -> Packet:
    """The frame in which *source* tells *target* its MAC."""
    return Packet(source, target, iif, oif, protocol="", ethertype="arp", operation="reply", source_mac=source_mac)
