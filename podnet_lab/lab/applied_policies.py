"""The NetworkPolicies that were applied to a lab, and what of its kernels is not as they say. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from podnet_lab.policies.differences import Differences
from podnet_lab.policies.evaluate import Decision, decide
from podnet_lab.policies.objects import NetworkPolicy, PolicyCluster

MOST_DIFFERENCES = 3
"""What is said of one node; the rest is counted."""


@dataclass(frozen=True)
class Policies:
    """
    The NetworkPolicies that were applied to a lab, with the Pods and namespaces that they are about; iterate for the policies.

    *differences* are, by node, what is not, or not any more, as they say, such as a chain that somebody has changed. Mostly there are
    none: what was applied is what holds. To apply them again mends what there is; a chain of another kind has to go first, as with
    `lab.remove_policies()`. *beside* says which nodes have rules of others that may drop packets, too: those are not judged here.
    """

    cluster: PolicyCluster
    differences: Differences = field(default_factory=dict)
    beside: Differences = field(default_factory=dict)

    def __iter__(self) -> Iterator[NetworkPolicy]:
        return iter(self.cluster.policies)

    def __len__(self) -> int:
        return len(self.cluster.policies)

    def decide(self, source: str, target: str, port: int | None = None, protocol: str = "TCP") -> Decision:
        """
        Whether they let a connection pass, by Kubernetes' own rules, and which rule does, or would: `podnet_lab.policies.decide`.

        Of NetworkPolicies alone: another firewall, a missing route or a server that does not run is none of them, and a connection
        that they allow may fail all the same; where a node on the way has other rules that may drop it, that is said. Where a node that
        enforces them for this connection is not as they say, it is unsure, and so not true.
        """
        decision = decide(self.cluster, source, target, port, protocol)
        asked = {side.pod for side in decision.sides}
        nodes = dict.fromkeys(placed.node for placed in self.cluster.pods if placed.pod.name in asked)
        unsure = tuple(f"{node}: {words}" for node in nodes for words in _first(self.differences.get(node, ())))
        ends = [placed.node for placed in self.cluster.pods if placed.pod.name in (source, target) or str(placed.ip) in (source, target)]
        on_the_way = dict.fromkeys([*nodes, *ends, *(name for name in (source, target) if name in self.cluster.nodes)])
        beside = tuple(words for node in on_the_way for words in self.beside.get(node, ()))
        # Without a policy that is known here there is nothing to judge by: that no policy isolates anybody is what is not known.
        return replace(decision, unsure=unsure, beside=beside, sides=decision.sides if self.cluster.policies or not unsure else ())

    def __str__(self) -> str:
        lines = [*map(str, self.cluster.policies)] or ["no NetworkPolicy" + (" is known here" if self.differences else "")]
        for node, words in self.differences.items():
            lines += [f"  {node} is not as they say: {one}" if self.cluster.policies else f"  {node}: {one}" for one in _first(words)]
        return "\n".join(lines)

    __repr__ = __str__


def _first(words: tuple[str, ...]) -> tuple[str, ...]:
    more = len(words) - MOST_DIFFERENCES
    return words if more <= 0 else (*words[:MOST_DIFFERENCES], f"and {more} more")
