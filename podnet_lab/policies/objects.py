"""
Kubernetes' NetworkPolicy, and what it speaks of: Pods and namespaces with labels, addresses, ports. Pure values.

The fields are those of networking.k8s.io/v1 (kubernetes/api, networking/v1/types.go), defaults filled in. Whoever judges
(`evaluate`) and whoever makes rules (`compile`) share these values and nothing else: how a selector selects is written
down in each of them, so that one can be held against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

DEFAULT = "default"
"""The namespace of what names none."""

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that every namespace has, with its own name."""

INGRESS, EGRESS = "Ingress", "Egress"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Requirement:
    """One of a selector's matchExpressions: *operator* is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = {"In": f"{self.key} in ({', '.join(self.values)})", "NotIn": f"{self.key} not in ({', '.join(self.values)})"}
        return words.get(self.operator, self.key if self.operator == "Exists" else f"no {self.key}")


@dataclass(frozen=True)
class Selector:
    """Labels that something must have: all of *labels*, and all that *expressions* ask for. An empty one selects everything."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[Requirement, ...] = ()

    def __str__(self) -> str:
        return ", ".join([*(f"{key}={value}" for key, value in self.labels), *map(str, self.expressions)]) or "any labels"


@dataclass(frozen=True)
class IpBlock:
    """The addresses of *cidr* without those of *excepted*."""

    cidr: IPv4Network
    excepted: tuple[IPv4Network, ...] = ()

    def __str__(self) -> str:
        return f"{self.cidr}{' except ' if self.excepted else ''}{', '.join(map(str, self.excepted))}"


@dataclass(frozen=True)
class Peer:
    """
    Who may be at the other end: an address *block*, or Pods.

    With *pods* alone, Pods of the policy's own namespace; with *namespaces*, those of the namespaces that it selects, all of
    them where *pods* is None.
    """

    pods: Selector | None = None
    namespaces: Selector | None = None
    block: IpBlock | None = None

    def __str__(self) -> str:
        if self.block is not None:
            return str(self.block)
        pods = f"Pods with {self.pods}" if self.pods else "all Pods"
        return pods if self.namespaces is None else f"{pods} in namespaces with {self.namespaces}"


@dataclass(frozen=True)
class Port:
    """A port by number or name, the ports from *port* to *end_port*, or, where *port* is None, all of a protocol (TCP or UDP)."""

    protocol: str = "TCP"
    port: int | str | None = None
    end_port: int | None = None

    def __str__(self) -> str:
        number = "" if self.port is None else f" {self.port}"
        return f"{self.protocol}{number}{'' if self.end_port is None else f'-{self.end_port}'}"


@dataclass(frozen=True)
class Rule:
    """What is let in, or out: from or to one of *peers*, at one of *ports*. Without peers, anybody; without ports, all of them."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()

    def __str__(self) -> str:
        return f"{' or '.join(map(str, self.peers)) or 'anybody'}, at {' or '.join(map(str, self.ports)) or 'any port'}"


@dataclass(frozen=True)
class NetworkPolicy:
    """
    A NetworkPolicy: it isolates the Pods that *pods* selects in its namespace, and its rules say what is let pass all the same.

    *types* says in which directions it isolates: Ingress, Egress or both. Rules of another direction are not looked at.
    """

    name: str
    namespace: str = DEFAULT
    pods: Selector = Selector()
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    types: tuple[str, ...] = (INGRESS,)

    @property
    def full_name(self) -> str:
        """Its namespace and name."""
        return f"{self.namespace}/{self.name}"

    def rules(self, direction: str) -> tuple[Rule, ...]:
        """Its rules for Ingress or Egress."""
        return self.ingress if direction == INGRESS else self.egress

    def __str__(self) -> str:
        return f"NetworkPolicy {self.full_name}: Pods with {self.pods}, {' and '.join(self.types)}"


@dataclass(frozen=True)
class PortName:
    """A port of a Pod's container that has a name."""

    name: str
    port: int
    protocol: str = "TCP"


@dataclass(frozen=True)
class LabelledPod:
    """What policies know of a Pod: its namespace in Kubernetes' sense, its labels, and the names of its ports."""

    name: str
    namespace: str = DEFAULT
    labels: Labels = field(default_factory=dict, hash=False)
    ports: tuple[PortName, ...] = ()


@dataclass(frozen=True)
class LabelledNamespace:
    """What policies know of a namespace in Kubernetes' sense: its labels; the one with its name it has by itself."""

    name: str
    labels: Labels = field(default_factory=dict, hash=False)

    @property
    def all_labels(self) -> dict[str, str]:
        """With the label that every namespace has."""
        return {**self.labels, NAME_LABEL: self.name}


Kind = NetworkPolicy | LabelledPod | LabelledNamespace


@dataclass(frozen=True)
class PlacedPod:
    """A Pod where it is: its address, and the node that it is on."""

    pod: LabelledPod
    ip: IPv4Address
    node: str


@dataclass(frozen=True)
class PolicyCluster:
    """Everything that a policy can be about: placed Pods, namespaces, the policies themselves, and the addresses of *nodes*."""

    pods: tuple[PlacedPod, ...] = ()
    namespaces: tuple[LabelledNamespace, ...] = ()
    policies: tuple[NetworkPolicy, ...] = ()
    nodes: Mapping[str, tuple[IPv4Address, ...]] = field(default_factory=dict)

    def namespace_labels(self, name: str) -> Labels:
        """The labels of a namespace; of one that nobody has described, its name alone."""
        known = next((one for one in self.namespaces if one.name == name), LabelledNamespace(name))
        return known.all_labels
