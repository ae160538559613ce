"""
Which part an interface plays in a Pod network: a Pod's cable, a node's bridge, its uplink, its gateways.

Pure, and by structure, not by name: what a student typed with other names is found like what the steps made.
"""

from __future__ import annotations

from ipaddress import IPv4Interface

from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
from podnet_lab.model.snapshot import Snapshot


def pod_addresses(pod: Namespace) -> tuple[IPv4Interface, ...]:
    """The addresses that a Pod can be reached at: all but the loopback's, those that somebody gave to lo last."""
    ordered = sorted(pod.addresses, key=lambda address: address.dev == "lo")
    return tuple(address.interface for address in ordered if not address.interface.is_loopback)


def cable(pod: Namespace) -> Link | None:
    """A Pod's end of its cable, or None: the one with an address, if it has several."""
    ends = [link for link in pod.links.values() if link.kind == "veth"]
    return next((link for link in ends if pod.addresses_of(link.name)), ends[0] if ends else None)


def bridge_of(node: Snapshot) -> Link | None:
    """The bridge that most of the node's cables are plugged into; before any is, one with an address, one that is up."""
    bridges = [link for _, link in sorted(node.own.links.items()) if link.kind == "bridge"]
    return max(bridges, key=lambda link: (len(node.own.ports_of(link.name)), bool(node.own.addresses_of(link.name)), link.up), default=None)


def uplink(node: Snapshot) -> Link | None:
    """The interface to the other nodes: neither a bridge nor the loopback, and its other end can't be seen from here."""
    return next((link for link in node.own.links.values() if link.kind not in ("bridge", "loopback") and link.peer is None), None)


def gateways(node: Snapshot) -> tuple[IPv4Interface, ...]:
    """The addresses of the node's bridge."""
    bridge = bridge_of(node)
    return node.own.addresses_of(bridge.name) if bridge else ()
