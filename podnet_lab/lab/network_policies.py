"""NetworkPolicies of a running lab: applied to its nodes, and asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Annotated

from podnet_lab import policies
from podnet_lab.checks.reachability import Endpoint, endpoints
from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.lab.applied_policies import Policies
from podnet_lab.lab.core import LabCore
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import no_such
from podnet_lab.policies.differences import beside, differences, tables
from podnet_lab.policies.objects import LabelledNamespace, LabelledPod, NetworkPolicy, PlacedPod, PolicyCluster
from podnet_lab.policies.validity import check_objects
from podnet_lab.recipes.results import Result
from podnet_lab.typed_arguments import Limits

NO_BRIDGE_NETFILTER = (
    "its kernel has no bridge netfilter, and so Pods of one node would talk past every policy: "
    "as the machine's root, `modprobe br_netfilter`"
)

NOT_APPLIED_HERE = "its table network-policy was not made by policies that were applied here"
BRIDGE_NETFILTER_OFF = "its bridge netfilter is off: Pods of this node talk past every policy"


PolicyObject = Annotated[
    NetworkPolicy | LabelledPod | LabelledNamespace,
    Limits('a NetworkPolicy, Pod or Namespace, as *policies.load("…") reads them', lambda _: True),
]
"""What a lab takes of Kubernetes' objects."""


class PolicyEnforcement:
    """
    What a lab does with NetworkPolicies. It needs runs of steps, and snapshots: who is where is what the kernels say.

    Policies can't be read back from nftables, so what was applied is kept; which of it holds, after an undo, say, the kernels tell.
    """

    def __init__(self, core: LabCore) -> None:
        self._core = core
        self._applied: list[PolicyCluster] = []

    def apply(self, *objects: PolicyObject) -> Result:
        """
        Make these the cluster's NetworkPolicies, on every node: they hold from now on, and no others.

        They are about new connections: those that are open go on, if their node has tracked them, as it does from the first time on.
        Pods and Namespaces among *objects* (``policies.load("…")`` reads all three from YAML) say which labels there are; a Pod that
        is not among them is in the namespace default, without labels. Apply them again after `add_pod`. `undo` brings those of
        before back. Raises BadInput for a Pod that is not there; CannotRun where Pods of one node would meet past the rules.
        """
        if not objects:
            raise BadInput('which? lab.apply(*policies.load("…")) reads them from YAML; lab.remove_policies() takes all away')
        now = self._core.snapshot()
        bridged = {name: _has_bridge(node) for name, node in now.items()}
        for name in (name for name, is_bridged in bridged.items() if is_bridged and not now[name].own.bridged):
            if self._core.shell(name, "test -e /proc/sys/net/bridge/bridge-nf-call-iptables", lambda *_: None):
                raise CannotRun(f"{name}: {NO_BRIDGE_NETFILTER}")
        cluster = policy_cluster(now, objects)
        steps = policies.cluster_steps(cluster, {name: node.own.rules for name, node in now.items()}, bridged)
        many = len(cluster.policies)
        words = f"{many} NetworkPolic{'ies hold' if many != 1 else 'y holds'}, on {len(now)} nodes; what was open before stays open"
        result = self._core.run(steps, words)
        self._applied.append(cluster)
        return result

    def policies(self) -> Policies:
        """
        The NetworkPolicies that were applied here and hold now, after an undo, too; ``.decide(…)`` judges a connection by them.

        Where the kernels are not as they say, since somebody typed a rule, say, or a Pod came later, it tells what differs on which node.
        """
        now = self._core.snapshot()
        rules = {name: node.own.rules for name, node in now.items()}
        there, known, others = tables(rules), policy_cluster(now, ()), beside(rules)
        if unread := {name: (one.problem,) for name, one in rules.items() if one.problem}:
            return Policies(known, unread, others)
        best, least = None, (len(there), sum(there.values()))
        for cluster in reversed(self._applied) if there else ():
            different = differences(cluster, rules)
            size = len(different), sum(map(len, different.values()))
            if (best is None and size <= least) or size < least:
                best, least = cluster, size
            if not different:
                break
        if best is None:
            return Policies(known, dict.fromkeys(there, (NOT_APPLIED_HERE,)), others)
        best = _where_they_are_now(best, known)
        found = dict(differences(best, rules))
        for name, node in now.items():
            if best.policies and _has_bridge(node) and not node.own.bridged:
                found[name] = (*found.get(name, ()), BRIDGE_NETFILTER_OFF)
        return Policies(best, found, others)

    def rules_that_deny(self, ends: tuple[Endpoint, Endpoint], protocol: str, port: int | None) -> str:
        """What the rules of the policies that deny a connection let pass, to be added to its cause; "" where that is not known here."""
        source, target = (end.addresses[0] for end in ends)
        decision = self.policies().decide(source, target, port, protocol.upper())
        if decision.unsure:
            return ""
        denying = [side for side in decision.sides if not side]
        return f"; {denying[0].rules_in_words}" if denying else ""

    def remove_policies(self) -> Result:
        """Take all NetworkPolicies away from every node; everybody reaches everybody again. Bridge netfilter stays as it is."""
        now = self._core.snapshot()
        return self._core.run({name: policies.removal(node.own.rules) for name, node in now.items()}, "no NetworkPolicy holds any more")


def _has_bridge(node: Snapshot) -> bool:
    return any(link.kind == "bridge" for link in node.own.links.values())


def _where_they_are_now(applied: PolicyCluster, known: PolicyCluster) -> PolicyCluster:
    """The same policies with the Pods that there are now; of one that is gone, where it was, if nobody else has its address now."""
    labelled = {placed.pod.name: placed.pod for placed in applied.pods}
    now = [replace(placed, pod=labelled.get(placed.pod.name, placed.pod)) for placed in known.pods]
    names, taken = {placed.pod.name for placed in now}, {placed.ip for placed in now}
    gone = [placed for placed in applied.pods if placed.pod.name not in names and placed.ip not in taken]
    return replace(applied, pods=(*now, *gone), nodes=known.nodes)


def policy_cluster(now: Mapping[str, Snapshot], objects: Sequence[NetworkPolicy | LabelledPod | LabelledNamespace]) -> PolicyCluster:
    """What the kernels say of Pods and nodes, with the labels that *objects* give them; BadInput for wrong ones, or an absent Pod."""
    check_objects(objects)
    for kind, several in ((LabelledPod, "Pods"), (LabelledNamespace, "Namespaces")):
        called = Counter(one.name for one in objects if isinstance(one, kind))
        if twice := next((name for name, count in called.items() if count > 1), ""):
            raise BadInput(f"metadata.name: two {several} are called {twice}")
    known = endpoints(now)
    labelled = {one.name: one for one in objects if isinstance(one, LabelledPod)}
    for name in labelled:
        if name not in known or known[name].namespace is None:
            raise BadInput(no_such("Pod", name, [end.name for end in known.values() if end.namespace]))
    placed = tuple(
        PlacedPod(labelled.get(end.name, LabelledPod(end.name)), IPv4Address(end.addresses[0]), end.node)
        for end in known.values()
        if end.namespace is not None and end.addresses
    )
    nodes = {name: tuple(map(IPv4Address, known[name].addresses)) for name in now}
    namespaces = tuple(one for one in objects if isinstance(one, LabelledNamespace))
    return PolicyCluster(placed, namespaces, tuple(one for one in objects if isinstance(one, NetworkPolicy)), nodes)
