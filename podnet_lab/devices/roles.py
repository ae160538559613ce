"""
Which part an interface plays in a Pod network: a Pod's cable, a node's bridge, its uplink, its gateways.

Pure, and by structure, not by name: what a student typed with other names is found like what the steps made.
"""

from __future__ import annotations

from ipaddress import IPv4Interface

from podnet_lab.devices.registry import kind_of
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
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


def gateways(node: Snapshot) -> tuple[IPv4Interface, ...]:
    """The addresses of the node's bridge."""
    bridge = bridge_of(node)
    return node.own.addresses_of(bridge.name) if bridge else ()
