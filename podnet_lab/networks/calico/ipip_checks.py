"""What must be true of a node of Calico's in IPIP mode: of its end of the tunnel, and of the routes through it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from podnet_lab.checks.check import Check, Checks
from podnet_lab.daemons import ipip_forwarder
from podnet_lab.devices.ip_tunnel import TUNL0, is_end, stands_in, takes_any
from podnet_lab.devices.roles import uplink
from podnet_lab.model import Cluster, Link, Snapshot
from podnet_lab.model.route import BIRD
from podnet_lab.networks.calico import names
from podnet_lab.networks.calico.checks import blocks_of, own_blocks


def end_of(node: Snapshot) -> Link | None:
    """A node's end of the tunnel: of several, one that routes lead through, then one with an address, then the kernel's own."""
    ends = [link for _, link in sorted(node.own.links.items()) if is_end(link)]
    led_through = {route.dev for route in node.own.routes if route.via is not None}
    rank = lambda link: (link.name in led_through, bool(node.own.addresses_of(link.name)), link.name == TUNL0)  # noqa: E731
    return max(ends, key=rank, default=None)


def tunnel(node: Snapshot) -> Checks:
    """The node's end leads from any host to any, is up, has its MTU, and one address of /32 from the node's block."""
    link = end_of(node)
    if link is None:
        return Checks([Check(f"{node.node} has a tunnel", "it has no ipip interface, nor a TUN device that is called tunl0")])
    claim = f"{node.node}'s tunnel"
    kind = f"{claim} is " + ("a TUN device, which stands in for the kernel's own" if stands_in(link) else "an ipip interface")
    has = node.own.addresses_of(link.name)
    own = len(has) == 1 and has[0].network.prefixlen == 32 and has[0].ip in names.POOL
    own = own and not any(has[0].ip == pod.interface.ip for space in node.pods for pod in space.addresses)
    found = [
        Check(kind, None if takes_any(link) else f"{link.name} has settings of its own"),
        Check(f"{claim} has an MTU of {names.IPIP_MTU}", None if link.mtu == names.IPIP_MTU else f"{link.name} has {link.mtu}"),
        Check(f"{claim} is up", None if link.up else f"{link.name} is down"),
        Check(f"{claim} has one address of the Pods' range, with /32", None if own else f"{link.name} has {_list(has)}"),
    ]
    if stands_in(link):
        runs = ipip_forwarder.runs(node)
        found.append(Check(f"{node.node} has a program that forwards for it", None if runs else f"no {ipip_forwarder.NAME} runs"))
    return Checks(found)


def _list(has: tuple) -> str:
    return ", ".join(map(str, has)) or "none"


def by_bgp(node: Snapshot, cluster: Cluster) -> Checks:
    """BIRD made a blackhole for the node's block, and for each other one a route through the tunnel, to the node that has it."""
    found = [*own_blocks(node, BIRD), *_address_is_own_blocks(node)]
    for name, other in cluster.items():
        if name != node.node:
            found += _remote(node, other)
    return Checks(found)


def _address_is_own_blocks(node: Snapshot) -> Iterator[Check]:
    link = end_of(node)
    has = node.own.addresses_of(link.name) if link is not None else ()
    near = any(own.ip in block for own in has for block in blocks_of(node))
    yield Check(f"{node.node}'s tunnel has an address of its own block", None if near else f"it has {_list(has)}")


def _remote(node: Snapshot, other: Snapshot) -> Iterator[Check]:
    claim, blocks = f"{node.node} has a route through its tunnel to {other.node}'s block", blocks_of(other)
    if not blocks:
        yield Check(claim, f"{other.node} has claimed none")
    for block in blocks:
        yield Check(f"{claim} {block}", _wrong(node, other, block))


def _wrong(node: Snapshot, other: Snapshot, block: IPv4Network) -> str | None:
    routes, link, far = node.own.routes_to(block), end_of(node), uplink(other)
    if not routes:
        return "it has none"
    at = {own.ip for own in (other.own.addresses_of(far.name) if far is not None else ())}
    route = routes[0]
    right = link is not None and (route.dev, route.onlink, route.protocol) == (link.name, True, BIRD) and route.via in at
    return None if right else f"it has {route}"
