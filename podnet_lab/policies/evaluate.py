"""
Whether NetworkPolicies let a connection pass: Kubernetes' own rules, and nothing of how anybody enforces them. Pure.

Written from the API's text (kubernetes.io, Network Policies; kubernetes/api, networking/v1/types.go), independently of the
compiler, so that rules can be held against it. In its words:

- A Pod is isolated for ingress, or for egress, if a policy of its namespace selects it and has that type; else all is let pass.
- Policies do not conflict: what one of them lets pass is let pass. Their order does not matter.
- A connection from a Pod to a Pod needs both: the egress of the one, and the ingress of the other.
- Answers of a connection that was let pass are let pass; policies are about new connections alone.
- A Pod can't keep itself from itself, nor its own node from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import no_such
from podnet_lab.plan import port_number
from podnet_lab.policies.objects import (
    EGRESS,
    INGRESS,
    IpBlock,
    Labels,
    NetworkPolicy,
    Peer,
    PlacedPod,
    PolicyCluster,
    Port,
    Requirement,
    Rule,
    Selector,
)


@dataclass(frozen=True)
class Side:
    """
    One end's word: *isolating* are the policies that isolate it, *letting* the rules that let the connection pass all the same.

    A rule is (policy's full name, the rule's path), like ("default/web", "ingress[0]").
    """

    direction: str
    pod: str
    isolating: tuple[NetworkPolicy, ...] = ()
    letting: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return not self.isolating or bool(self.letting)

    @property
    def rules_in_words(self) -> str:
        """What the rules of the policies that isolate the Pod let pass: one of them would have to fit."""
        kind = self.direction.lower()
        rules = [
            f"{policy.full_name} {kind}[{number}] lets pass: {rule}"
            for policy in self.isolating
            for number, rule in enumerate(policy.rules(self.direction))
        ]
        return "; ".join(rules) or f"they have no {kind} rule at all"

    def __str__(self) -> str:
        if not self.isolating:
            return f"no policy isolates {self.pod} for {self.direction.lower()}"
        names = " and ".join(policy.full_name for policy in self.isolating)
        if self.letting:
            return f"{' and '.join(f'{name} {path}' for name, path in self.letting)} lets it pass"
        verb = "out of" if self.direction == EGRESS else "into"
        return f"denied by NetworkPolicy {names}: no {self.direction.lower()} rule lets it {verb} {self.pod}; {self.rules_in_words}"


ASK_EXPLAIN = "  lab.explain(…) reads what is there now"
"""Where policies alone do not decide."""


@dataclass(frozen=True)
class Decision:
    """
    Whether a connection is let pass, and the *sides* that had a say: true if all of them let it pass, and nothing is *unsure*.

    *unsure* is what was not judged, such as a chain of a node that is not what the policies say: then nobody knows by them alone.
    It speaks of NetworkPolicies, and of nothing else that may keep a packet from its way; *beside* says where there are other rules
    that may.
    """

    words: str
    sides: tuple[Side, ...] = ()
    exempt: str = ""
    unsure: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return all(self.sides) and not self.unsure

    def __str__(self) -> str:
        reasons = [str(side) for side in self.sides if not side] or [self.exempt] * bool(self.exempt) or list(map(str, self.sides))
        judged = f"{'allowed' if all(self.sides) else 'denied'}; {'; '.join(reasons) or 'no policy is about it'}"
        if not self.unsure:
            said = f"{self.words}: {judged}"
            beside = [f"  by NetworkPolicies alone: {words}" for words in self.beside if all(self.sides)]
            return "\n".join([said, *beside, *([ASK_EXPLAIN] if beside else [])])
        lines = [f"{self.words}: could not be judged{f'; by what was applied: {judged}' if self.sides else ''}"]
        return "\n".join([*lines, *(f"  not judged: {words}" for words in self.unsure), ASK_EXPLAIN])

    __repr__ = __str__


def decide(cluster: PolicyCluster, source: str, target: str, port: int | None = None, protocol: str = "TCP") -> Decision:
    """
    Whether *cluster*'s policies let a new connection from *source* to *target* pass: names of Pods or nodes, or addresses.

    A node is meant by its first address; where it sends from another one, as through a tunnel, that is to be asked about.
    *protocol* is TCP, UDP, or ICMP, which has no *port* and of which the API says nothing: here a rule without ports is for it,
    too, and one with ports is not, as with most that enforce policies.
    """
    if protocol not in ("TCP", "UDP", "ICMP") or (protocol == "ICMP") != (port is None):
        what = f"{protocol} {'without a port' if port is None else f'and port {port}'}"
        raise BadInput(f"ask about TCP or UDP and a port, or about ICMP and none, not about {what}")
    if port is not None:
        port_number(port)
    (sender, source_ip), (receiver, target_ip) = _end(cluster, source), _end(cluster, target)
    words = f"{source} → {target}{'' if port is None else f':{port}'} ({protocol})"
    if source_ip == target_ip:
        return Decision(words, exempt="a Pod always reaches itself")
    sides = []
    # The Pod's own node is let in and out whatever its policies say: the kubelet's probes come from there.
    if sender is not None and not _is_own_node(cluster, sender, target_ip):
        sides.append(_side(cluster, EGRESS, sender, target_ip, receiver, (protocol, port)))
    if receiver is not None and not _is_own_node(cluster, receiver, source_ip):
        sides.append(_side(cluster, INGRESS, receiver, source_ip, receiver, (protocol, port)))
    own = (sender or receiver) is not None and not sides
    return Decision(words, tuple(sides), "a Pod's own node always reaches it, and is reached" if own else "")


def _end(cluster: PolicyCluster, name: str) -> tuple[PlacedPod | None, IPv4Address]:
    for placed in cluster.pods:
        if name in (placed.pod.name, str(placed.ip)):
            return placed, placed.ip
    if name in cluster.nodes:
        return None, cluster.nodes[name][0]
    try:
        return None, IPv4Address(name)
    except ValueError:
        raise BadInput(no_such("Pod or node", name, [*(placed.pod.name for placed in cluster.pods), *cluster.nodes])) from None


def _is_own_node(cluster: PolicyCluster, placed: PlacedPod, ip: IPv4Address) -> bool:
    return ip in cluster.nodes.get(placed.node, ())


def _side(
    cluster: PolicyCluster, direction: str, own: PlacedPod, other_ip: IPv4Address, receiver: PlacedPod | None, asked: tuple[str, int | None]
) -> Side:
    """The word of *own*, whose policies are asked about the other end; ports are always the *receiver*'s."""
    isolating = tuple(
        policy
        for policy in cluster.policies
        if direction in policy.types and policy.namespace == own.pod.namespace and _selects(policy.pods, own.pod.labels)
    )
    letting = []
    for policy in isolating:
        for number, rule in enumerate(policy.rules(direction)):
            if _is_for(cluster, policy, rule, other_ip) and _has_port(rule.ports, asked, receiver):
                letting.append((policy.full_name, f"{direction.lower()}[{number}]"))
    return Side(direction, own.pod.name, isolating, tuple(letting))


def _is_for(cluster: PolicyCluster, policy: NetworkPolicy, rule: Rule, other_ip: IPv4Address) -> bool:
    """Whether the other end is one of a rule's peers; without peers everybody is."""
    other = next((placed for placed in cluster.pods if placed.ip == other_ip), None)
    return not rule.peers or any(_is_peer(cluster, policy, peer, other_ip, other) for peer in rule.peers)


def _is_peer(cluster: PolicyCluster, policy: NetworkPolicy, peer: Peer, ip: IPv4Address, other: PlacedPod | None) -> bool:
    if peer.block is not None:
        return _is_in(peer.block, ip)
    if other is None:
        return False
    if peer.namespaces is None:
        near = other.pod.namespace == policy.namespace
    else:
        near = _selects(peer.namespaces, cluster.namespace_labels(other.pod.namespace))
    return near and (peer.pods is None or _selects(peer.pods, other.pod.labels))


def _is_in(block: IpBlock, ip: IPv4Address) -> bool:
    return ip in block.cidr and not any(ip in network for network in block.excepted)


def _has_port(ports: Iterable[Port], asked: tuple[str, int | None], receiver: PlacedPod | None) -> bool:
    """Whether a connection is to one of a rule's ports; without ports it always is."""
    ports = tuple(ports)
    protocol, number = asked
    return not ports or any(one.protocol == protocol and _is_port(one, number, receiver) for one in ports)


def _is_port(port: Port, number: int | None, receiver: PlacedPod | None) -> bool:
    if port.port is None:
        return True
    if isinstance(port.port, str):
        named = receiver.pod.ports if receiver else ()
        return any((one.name, one.protocol, one.port) == (port.port, port.protocol, number) for one in named)
    return port.port <= number <= (port.end_port or port.port)


def _selects(selector: Selector, labels: Labels) -> bool:
    return all(labels.get(key) == value for key, value in selector.labels) and all(_meets(one, labels) for one in selector.expressions)


def _meets(requirement: Requirement, labels: Labels) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "In":
            return value in requirement.values
    return value not in requirement.values  # NotIn: what lacks the label meets it, too
