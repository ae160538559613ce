"""Which Pods a node's nftables isolate, and by which NetworkPolicies: read off the chains, whoever wrote them. Pure."""

from __future__ import annotations

from podnet_lab.model.nft_text import bare
from podnet_lab.model.nftables import Ruleset
from podnet_lab.policies import names
from podnet_lab.steps.nft.base import FAMILY


def isolating(rules: Ruleset, ip: object) -> dict[str, tuple[str, ...]]:
    """By direction in which *ip* is isolated there, Ingress or Egress, the full names of the policies that are asked."""
    found: dict[str, tuple[str, ...]] = {}
    if rules.is_dormant((FAMILY, names.TABLE)):
        return found
    for direction, isolated in names.ISOLATED.items():
        if str(ip) in rules.members.get((FAMILY, names.TABLE, isolated), ()):
            listed = rules.rules.get((FAMILY, names.TABLE, names.pod_chain(direction, ip)), ())
            asked = [one["jump"]["target"] for rule in listed for one in bare(rule)[:1] if one and "jump" in one]
            found[direction] = tuple(policy for chain in asked if (policy := names.policy_of(chain)))
    return found
