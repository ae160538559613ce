"""
Why one reaches another or not: the walk there and back, and what is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.errors import BadInput
from podnet_lab.explain import causes_l3
from podnet_lab.explain.cause import Obstacle, name
from podnet_lab.explain.l2 import Cluster
from podnet_lab.explain.path import SMALL, Flow, Walk
from podnet_lab.steps.base import Step

MOST_DRAWS = 64
"""Pods of a Service that are followed, one after the other."""


@dataclass(frozen=True)
class Explanation:
    """
    What the snapshots say of one pair: the first *obstacle*, the *path* as far as it goes, and what was *unsure*.

    True if nothing is seen that would stop it, and everything on its way could be judged. *there* and *back* are the two
    halves of the path, *arrives* whose address a Service's was rewritten to.
    """

    source: str
    target: str
    obstacle: Obstacle | None = None
    there: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    arrives: str = ""

    def __bool__(self) -> bool:
        return self.obstacle is None and not self.unsure

    @property
    def path(self) -> tuple[str, ...]:
        """The Pods and nodes that it reaches, there and back."""
        return (*self.there, *self.back)

    @property
    def repair(self) -> dict[str, list[Step]]:
        """The steps that mend it, for ``lab.run``; empty where there is nothing to mend, or no step does it."""
        return {self.obstacle.place[0]: list(self.obstacle.repair)} if self.obstacle and self.obstacle.repair else {}

    def hint(self, level: int = 1) -> str:
        """A question (1), where to look (2), or the command that mends it (3)."""
        if level not in (1, 2, 3):
            raise BadInput(f"there are hints 1, 2 and 3, not {level!r}")
        return self.obstacle.hints[level - 1] if self.obstacle else "nothing is in the way"

    def __str__(self) -> str:
        pair = f"{self.source} → {self.target}"
        unsure = [f"  not judged: {one}" for one in dict.fromkeys(self.unsure)]
        if self.obstacle is not None:
            at = name(self.obstacle.place)
            return "\n".join([f"{pair}: stopped at {at} ({self.obstacle.layer}): {self.obstacle}", *unsure])
        said = "could not be judged" if unsure else "nothing is seen that would stop it"
        return "\n".join([f"{pair}: {said}", *unsure])

    __repr__ = __str__


def obstacle(cluster: Cluster, source: Endpoint, target: Endpoint) -> Obstacle | None:
    """The first thing that keeps an echo from *source* to *target* and back; None if none is seen."""
    return explanation(cluster, source, target).obstacle


def explanation(
    cluster: Cluster, source: Endpoint, target: Endpoint, protocol: str = "icmp", port: int | None = None, size: int = SMALL
) -> Explanation:
    """
    Why a packet from *source* to *target*, or the answer, does not arrive, or that nothing is seen that would stop them.

    A *target* without a node is an address alone, such as a Service's: if one of its Pods is drawn, each is followed.
    """
    if not target.addresses:
        return Explanation(source.name, target.name, causes_l3.no_address(target.name, (target.node, target.namespace)))
    flow = Flow(None, IPv4Address(target.addresses[0]), protocol, port, size)
    found, draw, ways = Explanation(source.name, target.name), 0, 1
    while draw < min(ways, MOST_DRAWS):
        found, ways = _both_ways(cluster, source, target, flow, draw)
        if found.obstacle is not None:
            break
        draw += 1
    return found


def _both_ways(cluster: Cluster, source: Endpoint, target: Endpoint, flow: Flow, draw: int) -> tuple[Explanation, int]:
    begin, end = (source.node, source.namespace), (target.node, target.namespace) if target.node else None
    there = Walk(cluster, flow, draw=draw)
    found = there.follow(begin, end)
    rewritten = str(there.flow.to) if there.flow.translated else ""
    words = f"{rewritten}, one of those that {flow.to} stands for: " if there.ways > 1 else ""
    if found is not None or there.broken_off:
        found = found and found.behind(words)
        return Explanation(source.name, target.name, found, tuple(there.path), (), tuple(there.unsure), rewritten), there.ways
    answer = Flow(there.flow.to, there.flow.source, protocol=flow.protocol, port=there.flow.port, size=flow.size)
    back = Walk(cluster, answer, reply=True, known=there.known, told=there.told)
    found = back.follow(there.at, begin)
    if found is None and not back.broken_off and back.flow.source != flow.to:
        found = causes_l3.stranger(begin, flow.to, back.flow.source)
    if found is not None:
        found = there.astray.behind(words) if there.astray else found.behind(f"{words}the answer has no way back: ")
    unsure = (*there.unsure, *back.unsure)
    return Explanation(source.name, target.name, found, tuple(there.path), tuple(back.path), unsure, rewritten), there.ways
