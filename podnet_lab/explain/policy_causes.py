"""
The cause that a NetworkPolicy stops a packet, read off the chains that enforce it (`podnet_lab.policies`). Pure.

Their names say whose Pod a chain is of, and of which policy; that is the kernel's word, whoever applied the policy.
"""

from __future__ import annotations

from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.explain.firewall.verdict import chain_that_drops
from podnet_lab.model.nftables import Ruleset
from podnet_lab.policies import names
from podnet_lab.policies.objects import INGRESS
from podnet_lab.steps.nft.base import FAMILY


def denied_by_policy(place: Place, rules: Ruleset, why: str, packet: Packet) -> Cause | None:
    """
    The cause in the policies' own words, if what drops *packet* is the end of an isolated Pod's chain; else None.

    *why* is what the judge of firewalls says of the rule.
    """
    chain = chain_that_drops(why)
    side = names.side_of(chain)
    listed = rules.rules.get((FAMILY, names.TABLE, chain))
    if side is None or listed is None or listed[-1:] != ([{"drop": None}],):
        return None
    direction, ip = side
    asked = [rule[0]["jump"]["target"] for rule in listed[:-1] if rule and "jump" in rule[0]]
    policies = [policy for one in asked if (policy := names.policy_of(one))]
    if not policies:
        return None
    kind = direction.lower()
    what = packet.protocol.upper() + (f" {packet.port}" if packet.port is not None else "")
    passes = f"lets {packet.source} in to {ip}" if direction == INGRESS else f"lets {ip} out to {packet.target}"
    text = f"denied by NetworkPolicy {' and '.join(policies)}: no {kind} rule {passes} ({what})"
    question = f"Which NetworkPolicies isolate {ip} for {kind}, and what do their {kind} rules let pass?"
    look = f"nft list chain {FAMILY} {names.TABLE} {asked[0]}"
    return Cause(text, "policy", place, question, look, undecided="whether they should talk, only who wrote the policy knows")
