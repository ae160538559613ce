"""
What a snapshot leaves out of a namespace, and an explanation asks for where a packet's path goes. Pure.

A snapshot of hundreds of Pods stays lean; this is read of the few on one path (`podnet_lab.kernel.close_look`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.model.nftables import Ruleset


@dataclass(frozen=True, slots=True)
class RouteQuery:
    """
    A packet for whose way the kernel's own routing is asked (``ip route get``): one that came in by *iif*, or ("") is sent from here.

    A *source* of None is a sender's that has not chosen its address; *protocol* is IP's number; a *port* or *mark* of 0 is none;
    *tos* is the type of service, without the two bits of ECN.
    """

    to: IPv4Address
    source: IPv4Address | None = None
    iif: str = ""
    protocol: int = 1
    port: int = 0
    mark: int = 0
    tos: int = 0


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """
    The kernel's own answer: *error* is its errno (0: none), else *kind* "unicast", "local", "broadcast" … and the way.

    *via6* is a next hop that is an IPv6 address. *source* is the address that a sender would choose, *mtu* and *hop_limit* what
    the route itself sets (0: nothing); *encapsulated*: a lightweight tunnel takes the packet.
    """

    error: int = 0
    kind: str = "unicast"
    via: IPv4Address | None = None
    via6: str = ""
    dev: str = ""
    source: IPv4Address | None = None
    mtu: int = 0
    hop_limit: int = 0
    encapsulated: bool = False


@dataclass(frozen=True, slots=True)
class XfrmPolicy:
    """An IPsec policy (``ip xfrm policy``); of several the one with the lowest *priority* holds. *other*: its selector asks for more."""

    direction: str
    action: str
    priority: int
    source: IPv4Network
    to: IPv4Network
    protocol: int = 0
    dev: str = ""
    transforms: int = 0
    other: bool = False


@dataclass(frozen=True, slots=True)
class DeviceLook:
    """
    What hangs on an interface beside its addresses.

    *queues* as (kind, whether somebody put it there), the number of tc *filters*, how an *xdp* program is attached (0: none is),
    and, of a *bridge*, settings that are numbers ("vlan_filtering", "nf_call_iptables", …). *tcx*: the number of BPF programs at
    its "ingress" and "egress".
    """

    queues: tuple[tuple[str, bool], ...] = ()
    filters: int = 0
    xdp: int = 0
    promiscuous: bool = False
    bridge: Mapping[str, int] = field(default_factory=dict)
    tcx: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for what comes to its *address* (0.0.0.0: any) and *port*; with *dev*, by that interface alone."""

    protocol: str
    address: IPv4Address
    port: int
    dev: str = ""


@dataclass(frozen=True, slots=True)
class CloseLook:
    """
    One namespace, looked at closely; *settings* are those of /proc/sys/net that were asked for and that are there.

    *proxied*: addresses that it answers ARP for by a proxy neighbour, as (interface, address). *addresses6* are the IPv6 addresses
    by interface, *neighbours6* the IPv6 neighbours that somebody wrote, as (interface, address, MAC), *unreadable* what could not
    be read, in words. *listeners* are None where the kernel does not tell of them, *rules* all firewalls here, None if not read.
    """

    devices: Mapping[str, DeviceLook] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[XfrmPolicy, ...] = ()
    xfrm_default: Mapping[str, str] = field(default_factory=dict)
    listeners: tuple[Listener, ...] | None = ()
    proxied: tuple[tuple[str, IPv4Address], ...] = ()
    addresses6: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neighbours6: tuple[tuple[str, str, str], ...] = ()
    rules: Ruleset | None = None
    unreadable: tuple[str, ...] = ()

    def setting(self, key: str, default: int = 0) -> int:
        """A setting that is a number, by its path below /proc/sys/net; *default* if it is not there."""
        value = self.settings.get(key, "")
        return int(value) if value.lstrip("-").isdigit() else default
