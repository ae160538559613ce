"""Networks of shapes that people really build, wired by commands alone in a lab of three nodes, and the pairs to be tried."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from live.batched import batched

NODES = ("node1", "node2", "node3")


@dataclass(frozen=True)
class End:
    """Somebody who sends and receives: where it lives ("" is the node's own namespace) and what address it has."""

    node: str
    space: str
    address: str

    @property
    def name(self) -> str:
        """As the library is asked for it."""
        return self.space or self.node

    @property
    def label(self) -> str:
        """As its namespace is told."""
        return f"{self.node}/{self.space}" if self.space else self.node


@dataclass(frozen=True)
class Pair:
    """*source* asks *address*, whoever it is that gets it: *receiver*; with *tcp* it only makes sense for that port."""

    source: End
    receiver: End
    address: str
    tcp: int | None = None

    def __str__(self) -> str:
        target = self.receiver.name if self.address == self.receiver.address else f"{self.address} (which is {self.receiver.name})"
        return f"{self.source.name} → {target}{f' port {self.tcp}' if self.tcp else ''}"


@dataclass
class Shape:
    """What is typed on each node, who can be tried, and which namespaces matter for it (their labels, with weights)."""

    name: str
    scripts: dict[str, str]
    ends: list[End]
    more_pairs: list[Pair] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    apart: Callable[[End, End], bool] = lambda source, target: False

    @property
    def labels(self) -> list[str]:
        """Every namespace that somebody may type in."""
        return sorted({*self.places, *(end.label for end in self.ends), *(end.node for end in self.ends)})

    def pairs(self) -> list[Pair]:
        """Every pair that works in the healthy network."""
        plain = [Pair(a, b, b.address) for a in self.ends for b in self.ends if a != b and not self.apart(a, b)]
        return plain + self.more_pairs

    def build(self, lab) -> None:
        """Type it all into the nodes of a lab that is at its baseline."""
        if self.name == "lesson":
            lab.goto("done")
        for node, script in self.scripts.items():
            (lab.outside if node == "outside" else lab[node]).shell(f"set -e\n{batched(script)}")


def others(n: int) -> list[int]:
    """The numbers of the other two nodes."""
    return [m for m in (1, 2, 3) if m != n]


def everywhere(script: Callable[[int], str]) -> dict[str, str]:
    """One script a node."""
    return {f"node{n}": script(n) for n in (1, 2, 3)}


def node_ends() -> list[End]:
    """The nodes themselves."""
    return [End(f"node{n}", "", f"192.168.1.1{n}") for n in (1, 2, 3)]


def pod(space: str, address: str, plug: str, cable: str = "", gateway: str = "") -> str:
    """A Pod with a cable into a bridge; *address* has its prefix length."""
    cable = cable or f"v{space}"
    lines = [
        f"ip netns add {space}",
        f"ip link add {cable} type veth peer name eth0 netns {space}",
        f"ip link set {cable} master {plug}",
        f"ip link set {cable} up",
    ]
    lines += [f"ip -n {space} link set lo up", f"ip -n {space} link set eth0 up", f"ip -n {space} addr add {address} dev eth0"]
    return "\n".join(lines + ([f"ip -n {space} route add default via {gateway}"] if gateway else []))


def lesson(rng: random.Random) -> Shape:
    """What the notebooks build: a bridge a node, three Pod subnets, static routes."""
    pods = [End(f"node{n}", f"pod-{n}-{i}", f"10.244.{n}.{i}") for n in (1, 2, 3) for i in (2, 3)]
    return Shape("lesson", {}, pods + node_ends())


def two_bridges(rng: random.Random) -> Shape:
    """Two bridges a node, each with a half of the node's subnet."""

    def script(n: int) -> str:
        parts = ["sysctl -qw net.ipv4.ip_forward=1"]
        for half, gateway in (("a", 1), ("b", 129)):
            parts += [f"ip link add br{half} type bridge", f"ip link set br{half} up", f"ip addr add 10.70.{n}.{gateway}/25 dev br{half}"]
            parts += [pod(f"{half}{n}{i}", f"10.70.{n}.{gateway + i}/25", f"br{half}", gateway=f"10.70.{n}.{gateway}") for i in (1, 2)]
        return "\n".join(parts + [f"ip route add 10.70.{m}.0/24 via 192.168.1.1{m}" for m in others(n)])

    pods = [
        End(f"node{n}", f"{half}{n}{i}", f"10.70.{n}.{start + i}") for n in (1, 2) for half, start in (("a", 1), ("b", 129)) for i in (1, 2)
    ]
    return Shape("two bridges", everywhere(script), pods + node_ends())


def macvlan(rng: random.Random) -> Shape:
    """Pods beside the node: macvlans on its eth0. A node and its own Pods never reach each other."""

    def script(n: int) -> str:
        lines = []
        for i in (1, 2):
            lines += [
                f"ip netns add m{n}{i}",
                f"ip link add mv{i} link eth0 netns m{n}{i} type macvlan mode bridge",
                f"ip -n m{n}{i} link set mv{i} up",
            ]
            lines += [f"ip -n m{n}{i} link set lo up", f"ip -n m{n}{i} addr add 192.168.1.{100 + 10 * n + i}/24 dev mv{i}"]
        return "\n".join(lines)

    pods = [End(f"node{n}", f"m{n}{i}", f"192.168.1.{100 + 10 * n + i}") for n in (1, 2, 3) for i in (1, 2)]
    return Shape("macvlan", everywhere(script), pods + node_ends(), apart=lambda a, b: a.node == b.node and bool(a.space) != bool(b.space))


def routers(rng: random.Random, most: int = 6) -> Shape:
    """A line of routers on one node, from one end to the other."""
    count = most if most > 6 else rng.randint(1, most)
    names = ["left", *(f"r{k}" for k in range(1, count + 1)), "right"]
    lines = []
    for k, name in enumerate(names):
        lines += [f"ip netns add {name}", f"ip -n {name} link set lo up"]
        lines += [f"ip netns exec {name} sysctl -qw net.ipv4.ip_forward=1"] if 0 < k <= count else []
    for k in range(count + 1):
        one, two = names[k], names[k + 1]
        lines += [
            f"ip -n {one} link add east type veth peer name west netns {two}",
            f"ip -n {one} link set east up",
            f"ip -n {two} link set west up",
        ]
        lines += [f"ip -n {one} addr add 10.80.{k}.1/30 dev east", f"ip -n {two} addr add 10.80.{k}.2/30 dev west"]
    for k in range(count + 1):
        lines += [f"ip -n {names[k]} route add {'default' if k == 0 else f'10.80.{count}.0/30'} via 10.80.{k}.2"] if k < count else []
        lines += [f"ip -n {names[k + 1]} route add default via 10.80.{k}.1"] if k == count else []
    for k in range(1, count + 1):
        lines += [f"ip -n {names[k]} route add 10.80.{j}.0/30 via 10.80.{k - 1}.1" for j in range(k - 1)]
        lines += [f"ip -n {names[k]} route add 10.80.{j}.0/30 via 10.80.{k}.2" for j in range(k + 1, count)]
    left, right = End("node1", "left", "10.80.0.1"), End("node1", "right", f"10.80.{count}.2")
    middle = [End("node1", f"r{k}", f"10.80.{k - 1}.2") for k in range(1, count + 1)]
    ends = [left, right, *(rng.sample(middle, min(2, count)))]
    name = "22 routers" if most > 6 else "routers"
    return Shape(name, {"node1": "\n".join(lines)}, ends, places={f"node1/{one}": 1 for one in names})
