"""What can be wrong with the rules by which a node of Calico's sends on what comes from its Pods, and what goes to them. Pure."""

from __future__ import annotations

from podnet_lab.explain.fault import Fault
from podnet_lab.networks.calico import names


def _forgotten(chain: str, link: str) -> str:
    return f"nft delete element ip {names.TABLE} {chain} '{{ {link} }}'"


DISPATCH = (
    Fault(
        "the node's rules do not know the Pod that sends",
        lambda p: _forgotten(names.FROM_PODS, p.pod.end),
        "firewall",
        "node",
    ),
    Fault(
        "the node's rules do not know the Pod that answers come to",
        lambda p: _forgotten(names.TO_PODS, p.pod.end),
        "firewall",
        "node",
    ),
    Fault(
        "the other node's rules do not know its Pod",
        lambda p: _forgotten(names.TO_PODS, p.other.end),
        "firewall",
        "other node",
        "there",
    ),
)
"""What is wrong with the rules by which a node sends on what comes from its Pods, and what goes to them."""
