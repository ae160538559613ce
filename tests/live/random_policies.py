"""
Random NetworkPolicies, as YAML says them, with Pods and namespaces to be about, and who asks whom.

Drawn from the API's own fields; it knows nothing of who judges them, nor of how they are enforced. Labels and ports are few, so
that much of what is drawn meets.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field
from typing import Any

LABELS = {"app": ("web", "db", "client"), "tier": ("front", "back")}
TEAMS = ("a", "b")
NAMESPACES = ("default", "prod", "dev")
TCP, UDP = (80, 8080, 8081, 9000), (53, 5353)
NAMES = {"http": ("TCP",), "admin": ("TCP",), "dns": ("TCP", "UDP")}
"""Names of ports, and the protocols that a Pod's port of that name may be of: of one in each Pod."""

BLOCKS = (
    *("0.0.0.0/0", "10.244.0.0/16", "10.244.1.0/24", "10.244.2.0/23", "10.244.2.2/32"),
    *("192.168.1.0/24", "192.168.1.11/32", "172.16.0.0/12"),
)


@dataclass(frozen=True)
class Probe:
    """Who asks whom, at which port."""

    source: str
    target: str
    protocol: str
    port: int


@dataclass
class Case:
    """The objects, as YAML would give them, and what is asked."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)


class Draw:
    """Draws one case; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    def case(self, pods: list[str], nodes: list[str], probes: int) -> Case:
        """A case of these Pods and nodes."""
        case = Case()
        case.objects += [self._namespace(name) for name in NAMESPACES if name != "default" or self._often(0.7)]
        case.objects += [self._pod(name) for name in pods if self._often(0.9)]
        case.objects += [self._policy(number) for number in range(self._chance.randint(1, 5))]
        ends = [*pods, *pods, *nodes]
        while len(case.probes) < probes:
            source, target = self._chance.choice(ends), self._chance.choice(ends)
            if source != target and not {source, target} <= set(nodes):
                protocol = self._chance.choice(("TCP", "TCP", "UDP"))
                case.probes.append(Probe(source, target, protocol, self._chance.choice(TCP if protocol == "TCP" else UDP)))
        return case

    def _often(self, share: float) -> bool:
        return self._chance.random() < share

    def _labels(self) -> dict[str, str]:
        return {key: self._chance.choice(values) for key, values in LABELS.items() if self._often(0.7)}

    def _namespace(self, name: str) -> dict[str, Any]:
        labels = {"team": self._chance.choice(TEAMS)} if self._often(0.7) else {}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}

    def _pod(self, name: str) -> dict[str, Any]:
        metadata = {"name": name, "labels": self._labels()}
        if self._often(0.5):
            metadata["namespace"] = self._chance.choice(NAMESPACES)
        ports = [self._container_port(called, self._chance.choice(protocols)) for called, protocols in NAMES.items() if self._often(0.5)]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "c", "ports": ports}]}}

    def _container_port(self, name: str, protocol: str) -> dict[str, Any]:
        return {"name": name, "containerPort": self._chance.choice((*TCP, *UDP)), "protocol": protocol}

    def _policy(self, number: int) -> dict[str, Any]:
        spec: dict[str, Any] = {"podSelector": self._selector(LABELS, empty=0.3)}
        if self._often(0.6):
            spec["policyTypes"] = self._chance.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"], ["Egress", "Ingress"], []))
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            if self._often(0.6):
                spec[direction] = [self._rule(peers) for _ in range(self._chance.choice((0, 1, 1, 2, 3)))]
        metadata = {"name": f"p{number}"} | ({"namespace": self._chance.choice(NAMESPACES)} if self._often(0.5) else {})
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}

    def _rule(self, peers: str) -> dict[str, Any]:
        rule: dict[str, Any] = {}
        if self._often(0.8):
            rule[peers] = [self._peer() for _ in range(self._chance.choice((0, 1, 1, 2, 3)))]
        if self._often(0.6):
            rule["ports"] = [self._port() for _ in range(self._chance.choice((0, 1, 1, 2, 3)))]
        return rule

    def _peer(self) -> dict[str, Any]:
        kind = self._chance.choice(("pods", "namespaces", "both", "block"))
        if kind == "block":
            return {"ipBlock": self._block()}
        peer = {}
        if kind in ("pods", "both"):
            peer["podSelector"] = self._selector(LABELS, empty=0.3)
        if kind in ("namespaces", "both"):
            peer["namespaceSelector"] = self._selector({"team": TEAMS, "kubernetes.io/metadata.name": NAMESPACES}, empty=0.3)
        return peer

    def _block(self) -> dict[str, Any]:
        cidr = ipaddress.ip_network(self._chance.choice(BLOCKS))
        inner = [one for one in map(ipaddress.ip_network, BLOCKS) if one != cidr and one.subnet_of(cidr)]
        excepted = self._chance.sample(inner, min(len(inner), self._chance.choice((0, 1, 1, 2))))
        return {"cidr": str(cidr)} | ({"except": list(map(str, excepted))} if excepted else {})

    def _port(self) -> dict[str, Any]:
        protocol = self._chance.choice(("TCP", "TCP", "UDP"))
        numbers = TCP if protocol == "TCP" else UDP
        port: dict[str, Any] = {} if protocol == "TCP" and self._often(0.5) else {"protocol": protocol}
        kind = self._chance.choice(("number", "number", "name", "range", "all"))
        if kind == "number":
            port["port"] = self._chance.choice(numbers)
        elif kind == "name":
            port["port"] = self._chance.choice(list(NAMES))
        elif kind == "range":
            port["port"] = self._chance.choice(numbers)
            port["endPort"] = self._chance.choice([number for number in (*numbers, 60000) if number >= port["port"]])
        return port

    def _selector(self, known: dict[str, tuple[str, ...]], empty: float) -> dict[str, Any]:
        if self._often(empty):
            return {}
        selector: dict[str, Any] = {}
        if self._often(0.6):
            key = self._chance.choice(list(known))
            selector["matchLabels"] = {key: self._chance.choice(known[key])}
        if self._often(0.5):
            selector["matchExpressions"] = [self._requirement(known) for _ in range(self._chance.choice((1, 1, 2)))]
        return selector

    def _requirement(self, known: dict[str, tuple[str, ...]]) -> dict[str, Any]:
        key, operator = self._chance.choice(list(known)), self._chance.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        requirement = {"key": key, "operator": operator}
        if operator in ("In", "NotIn"):
            requirement["values"] = self._chance.sample(known[key], self._chance.randint(1, len(known[key])))
        return requirement
