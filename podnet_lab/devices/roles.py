"""
Which part an interface plays in a Pod network: a Pod's cable, a node's bridge, its uplink, its tunnel, its gateways.

Pure, and by structure, not by name: what a student typed with other names is found like what the steps made.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.devices.registry import kind_of
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
from podnet_lab.model.route import BIRD, FELIX
from podnet_lab.model.snapshot import Snapshot


def pod_addresses(pod: Namespace) -> tuple[IPv4Interface, ...]:
    """The addresses that a Pod can be reached at: all but the loopback's, those that somebody gave to lo last."""
    ordered = sorted(pod.addresses, key=lambda address: address.dev == "lo")
    return tuple(address.interface for address in ordered if not address.interface.is_loopback)


def cable(pod: Namespace) -> Link | None:
    """A Pod's end of its cable, or None: the one with an address, if it has several."""
    ends = [link for link in pod.links.values() if kind_of(link).paired]
    return next((link for link in ends if pod.addresses_of(link.name)), ends[0] if ends else None)


def bridge_of(node: Snapshot) -> Link | None:
    """The bridge that most of the node's cables are plugged into; before any is, one with an address, one that is up."""
    bridges = [link for _, link in sorted(node.own.links.items()) if kind_of(link).switches]
    return max(bridges, key=lambda link: (len(node.own.ports_of(link.name)), bool(node.own.addresses_of(link.name)), link.up), default=None)


def uplink(node: Snapshot) -> Link | None:
    """
    The interface to the other nodes: of a kind that may be one (a card, a cable), with its other end out of sight.

    Of several, one that has an address, then one that is up: a cable may hang in an unseen namespace.
    """
    candidates = [link for link in node.own.links.values() if kind_of(link).faces_outside and link.peer is None]
    return max(candidates, key=lambda link: (bool(node.own.addresses_of(link.name)), link.up), default=None)


def tunnel_of(node: Snapshot) -> Link | None:
    """The node's end of a tunnel: of several, one that routes lead through, then one with an address, then one that has a *local*."""
    ends = [link for _, link in sorted(node.own.links.items()) if kind_of(link).agreed]
    led_through = {route.dev for route in node.own.routes if route.via is not None}
    rank = lambda link: (link.name in led_through, bool(node.own.addresses_of(link.name)), bool(link.setting("local")))  # noqa: E731
    return max(ends, key=rank, default=None)


def gateways(node: Snapshot) -> tuple[IPv4Interface, ...]:
    """The addresses of the node's bridge."""
    bridge = bridge_of(node)
    return node.own.addresses_of(bridge.name) if bridge else ()


def claimed_blocks(node: Snapshot) -> tuple[IPv4Network, ...]:
    """
    The blocks of addresses that a node without a bridge has for its Pods: it throws away what is for one that no Pod has.

    A blackhole is such a block if it was made by BIRD or by Felix, or if a Pod's address lies in it.
    """
    if bridge_of(node) is not None:
        return ()
    own = [address.ip for pod in node.pods for address in pod_addresses(pod)]
    holes = (route for route in node.own.routes if route.kind == "blackhole" and route.to.prefixlen < 32)
    return tuple(hole.to for hole in holes if hole.protocol in (BIRD, FELIX) or any(ip in hole.to for ip in own))


def pod_subnets(node: Snapshot) -> tuple[IPv4Network, ...]:
    """Where a node's Pods get their addresses from: its bridge's networks, or, without a bridge, its blocks."""
    return tuple(gateway.network for gateway in gateways(node)) or claimed_blocks(node)


def routed_pod(node: Snapshot, address: IPv4Address) -> tuple[Namespace, Link] | None:
    """
    The Pod that has an address to itself (/32), and the node's end of its cable, if that is plugged into nothing.

    Such a Pod needs a route of its own. One with neighbours in its subnet does not: where its node has no bridge, that was lost.
    """
    for pod in node.pods:
        end = next((pod.links[own.dev] for own in pod.addresses if own.interface == IPv4Interface(address) and own.dev in pod.links), None)
        port = node.link(*end.peer) if end is not None and end.peer is not None and end.peer[0] is None else None
        if port is not None and port.master is None and bridge_of(node) is None:
            return pod, port
    return None
