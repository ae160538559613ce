"""
What the table of policies and the things in it are called, and what these names say: whose Pod, which policy. Pure.

    packet to 10.244.1.2 ─ filter-egress ─ filter-ingress ─ to-10.244.1.2 ─ ingress-default/web ─ accept
                           (its sender's)   (a map)          (its policies, then drop)
"""

from __future__ import annotations

from podnet_lab.policies.objects import EGRESS, INGRESS

TABLE = "network-policy"

HOOKS = {EGRESS: "filter-egress", INGRESS: "filter-ingress"}
"""The base chains: a packet passes both, for what it leaves and what it gets to."""

ISOLATED = {EGRESS: "isolated-egress", INGRESS: "isolated-ingress"}
"""The maps from a Pod's address to its chain."""

SIDES = {EGRESS: "from", INGRESS: "to"}


def pod_chain(direction: str, ip: object) -> str:
    """The chain of a Pod in a direction."""
    return f"{SIDES[direction]}-{ip}"


def policy_chain(direction: str, full_name: str) -> str:
    """The chain with the rules of a policy in a direction."""
    return f"{direction.lower()}-{full_name}"


def peers_set(direction: str, full_name: str, number: int) -> str:
    """The set of the Pods that a rule's selectors select."""
    return f"{policy_chain(direction, full_name)}/{number}"


def excepted_set(direction: str, full_name: str, number: int, peer: int) -> str:
    """The set of the subnets that the ipBlock of a rule's peer leaves out, where there are several."""
    return f"{peers_set(direction, full_name, number)}/except-{peer}"


def port_set(protocol: str, name: str) -> str:
    """The set of the Pods' ports that have a name."""
    return f"port-{protocol.lower()}-{name}"


def policy_of(chain: str) -> str | None:
    """The namespace and name of the policy that a chain is of; None if it is of none."""
    prefix, _, name = chain.partition("-")
    return name if prefix in ("ingress", "egress") and "/" in name else None


def side_of(chain: str) -> tuple[str, str] | None:
    """The direction and the address of the Pod that a chain is of; None if it is of none."""
    prefix, _, ip = chain.partition("-")
    return next(((direction, ip) for direction, side in SIDES.items() if side == prefix and ip), None)
