"""One network namespace: what its kernel says of links, addresses, routes, neighbours and settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.model.address import Address
from podnet_lab.model.ipv6 import Ipv6Entry
from podnet_lab.model.link import Link
from podnet_lab.model.neighbour import FdbEntry, Neighbour
from podnet_lab.model.nftables import Ruleset
from podnet_lab.model.route import MAIN_TABLE, USUAL_POLICY, PolicyRule, Route

NO_RULES = Ruleset()


@dataclass(frozen=True, slots=True)
class Ipv4Conf:
    """
    IPv4 settings of one interface, or of ``all`` and ``default`` (net.ipv4.conf.NAME.*).

    *proxy_delay* is in hundredths of a second, and read where *proxy_arp* is on alone (net.ipv4.neigh.NAME.proxy_delay): until then
    it is what a kernel begins with.
    """

    forwarding: bool
    rp_filter: int = 0
    proxy_arp: bool = False
    route_localnet: bool = False
    proxy_delay: int = 80


@dataclass(frozen=True, slots=True)
class Namespace:
    """
    One network namespace as its kernel described it; *rules* is nftables', of a Pod only that there are some.

    *bridged*: whether what its bridges pass on goes through its firewall, too (net.bridge.bridge-nf-call-iptables);
    *silent*: whether it answers no ping (net.ipv4.icmp_echo_ignore_all). *learnt*: how many bytes a packet to an address may
    have, where a router on the way has said so (``ip route show cache``). *ipv6*: what somebody has made of IPv6 by hand.
    """

    name: str | None
    links: Mapping[str, Link] = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    fdb: tuple[FdbEntry, ...] = ()
    conf: Mapping[str, Ipv4Conf] = field(default_factory=dict)
    rules: Ruleset = NO_RULES
    policy: tuple[PolicyRule, ...] = USUAL_POLICY
    bridged: bool = False
    silent: bool = False
    learnt: Mapping[IPv4Address, int] = field(default_factory=dict, compare=False)
    ipv6: tuple[Ipv6Entry, ...] = ()

    @property
    def forwarding(self) -> bool:
        """Whether net.ipv4.ip_forward is 1 here."""
        return "all" in self.conf and self.conf["all"].forwarding

    def addresses_of(self, dev: str) -> tuple[IPv4Interface, ...]:
        """The addresses on *dev*."""
        return tuple(address.interface for address in self.addresses if address.dev == dev)

    def own_address(self, ip: IPv4Address) -> Address | None:
        """The address *ip* of this namespace, with its prefix and interface; None if it has it by a route alone, or not at all."""
        return next((address for address in self.addresses if address.interface.ip == ip), None)

    def ports_of(self, bridge: str) -> tuple[str, ...]:
        """The interfaces that are plugged into *bridge*."""
        return tuple(link.name for link in self.links.values() if link.master == bridge)

    def routes_to(self, to: IPv4Network) -> tuple[Route, ...]:
        """The routes of the main table to exactly *to*."""
        return tuple(route for route in self.routes if route.to == to and route.table == MAIN_TABLE)
