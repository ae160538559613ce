"""Whether a node has Flannel's rules, in nftables or by iptables: each chain, where it is attached, and each rule. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from podnet_lab.checks.check import Check, Checks
from podnet_lab.devices.roles import gateways
from podnet_lab.model import Snapshot
from podnet_lab.model.nft_text import described_text
from podnet_lab.model.nftables import Ruleset
from podnet_lab.networks.flannel import iptables, names, recipe
from podnet_lab.networks.nft_rules import written
from podnet_lab.steps.nft import statements as say
from podnet_lab.steps.nft.base import FAMILY
from podnet_lab.steps.nft.dormant import DORMANT
from podnet_lab.steps.nft.rules import difference
from podnet_lab.steps.nft.statements import Statement

MASQUERADE = Statement('xt target "MASQUERADE"', {"xt": {"type": "target", "name": "MASQUERADE"}})
"""What nft shows of ``-j MASQUERADE``, whatever stands behind it."""

KUBE_PROXY_MARKED = Statement(
    "meta mark & 0x4000 == 0x4000",
    {"match": {"op": "==", "left": {"&": [{"meta": {"key": "mark"}}, say.MARK]}, "right": say.MARK}},
)
"""What nft shows of ``-m mark --mark 0x4000/0x4000``."""

BASE_CHAINS = {
    ("filter", "FORWARD"): ({"type": "filter", "hook": "forward", "prio": 0}, iptables.FORWARD),
    ("nat", "POSTROUTING"): ({"type": "nat", "hook": "postrouting", "prio": 100}, iptables.POSTROUTING),
}
"""iptables' own chains, where they are, and which of Flannel's they lead to; their policies are no matter of Flannel's."""


def rules(node: Snapshot) -> Checks:
    """
    Flannel's rules are there, in nftables or by iptables: what passes to and from Pods is accepted, what leaves their range is masqueraded.

    Rules of iptables-legacy are not in a snapshot, so they are not known to be there.
    """
    claim = f"{node.node} has Flannel's rules"
    rules, own = node.own.rules, next((gateway.network for gateway in gateways(node)), None)
    if rules.problem or own is None:
        return Checks([Check(claim, rules.problem or "it has no bridge with an address, and so no subnet that they are about")])
    by_iptables = {(FAMILY, "filter", iptables.FORWARD), (FAMILY, "nat", iptables.POSTROUTING)}
    if ("table", FAMILY, names.TABLE) not in rules.objects and not by_iptables.isdisjoint(rules.rules):
        return Checks([Check(claim, next(_by_iptables(rules, own), None))])
    return Checks([written(claim, node, names.TABLE, recipe.rules(own))])


def _by_iptables(rules: Ruleset, own: IPv4Network) -> Iterator[str]:
    range_ = names.NETWORK
    wanted = {
        ("filter", iptables.FORWARD): [(say.source(range_), say.accept()), (say.destination(range_), say.accept())],
        ("nat", iptables.POSTROUTING): [
            (KUBE_PROXY_MARKED, say.back()),
            (say.source(own), say.destination(range_), say.back()),
            (say.source(range_), say.destination(own), say.back()),
            (say.source(range_, negate=True), say.destination(own), say.back()),
            (say.source(range_), say.destination("224.0.0.0/4", negate=True), MASQUERADE),
            (say.source(range_, negate=True), say.destination(range_), MASQUERADE),
        ],
    }
    for (table, chain), (attached, leads_to) in BASE_CHAINS.items():
        described = rules.objects.get(("chain", FAMILY, table, chain), {})
        if rules.is_dormant((FAMILY, table)):
            yield f"the table {table} is {DORMANT}"
        if attached.items() - described.items():
            yield f"iptables' chain {chain} is {described_text('chain', described)}"
        if not any({"jump": {"target": leads_to}} in rule for rule in rules.rules.get((FAMILY, table, chain), ())):
            yield f"iptables' chain {chain} has no rule that jumps to {leads_to}"
    for (table, chain), said in wanted.items():
        listed = rules.rules.get((FAMILY, table, chain))
        if listed is None:
            yield f"iptables has no chain {chain}"
        elif words := difference(listed, said):
            yield f"iptables' chain {chain}{words}"
