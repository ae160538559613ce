"""
Why a source reaches a target or not: the path there and back, and what stops a packet on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.errors import BadInput
from podnet_lab.explain import causes_l3
from podnet_lab.explain.cause import Cause, place_name
from podnet_lab.explain.path import DEFAULT_SIZE, Flow, PathWalk
from podnet_lab.model import Cluster
from podnet_lab.steps.base import Step

MAX_ENDPOINTS = 64
"""Pods of a Service that are followed, one after the other."""


@dataclass(frozen=True)
class Explanation:
    """
    What the snapshots say of one pair: the first *cause* that stops its packet, the *path* as far as it goes, and what was *unsure*.

    True if nothing is seen that would stop it, and everything on its path could be judged. *there* and *back* are the two
    halves of the path, *arrives* is the address that a Service's was translated to.
    """

    source: str
    target: str
    cause: Cause | None = None
    there: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    arrives: str = ""

    def __bool__(self) -> bool:
        return self.cause is None and not self.unsure

    @property
    def path(self) -> tuple[str, ...]:
        """The names of the Pods and nodes that the packet reaches, there and back."""
        return (*self.there, *self.back)

    @property
    def repair(self) -> dict[str, list[Step]]:
        """The steps that mend it, for ``lab.run``; empty where there is nothing to mend, or no step does it."""
        return {self.cause.place[0]: list(self.cause.repair)} if self.cause and self.cause.repair else {}

    def hint(self, level: int = 1) -> str:
        """A question (1), where to look (2), or the command that mends it (3)."""
        if level not in (1, 2, 3):
            raise BadInput(f"there are hints 1, 2 and 3, not {level!r}")
        return self.cause.hints[level - 1] if self.cause else "nothing is in the way"

    def __str__(self) -> str:
        pair = f"{self.source} → {self.target}"
        unsure = [f"  not judged: {words}" for words in dict.fromkeys(self.unsure)]
        if self.cause is not None:
            at = place_name(self.cause.place)
            return "\n".join([f"{pair}: stopped at {at} ({self.cause.layer}): {self.cause}", *unsure])
        outcome = "could not be judged" if unsure else "nothing is seen that would stop it"
        return "\n".join([f"{pair}: {outcome}", *unsure])

    __repr__ = __str__


def first_cause(cluster: Cluster, source: Endpoint, target: Endpoint) -> Cause | None:
    """The first cause that stops an echo request from *source* to *target*, or its reply; None if none is seen."""
    return explanation(cluster, source, target).cause


def explanation(
    cluster: Cluster, source: Endpoint, target: Endpoint, protocol: str = "icmp", port: int | None = None, size: int = DEFAULT_SIZE
) -> Explanation:
    """
    Why a packet from *source* to *target*, or the answer, does not arrive, or that nothing is seen that would stop them.

    A *target* without a node is an address alone, such as a Service's: if one of its Pods is drawn, each is followed.
    """
    if not target.addresses:
        return Explanation(source.name, target.name, causes_l3.no_address(target.name, (target.node, target.namespace)))
    flow = Flow(None, IPv4Address(target.addresses[0]), protocol, port, size)
    explained, index, endpoint_count = Explanation(source.name, target.name), 0, 1
    while index < min(endpoint_count, MAX_ENDPOINTS):
        explained, endpoint_count = _both_ways(cluster, source, target, flow, index)
        if explained.cause is not None:
            break
        index += 1
    return explained


def _both_ways(cluster: Cluster, source: Endpoint, target: Endpoint, flow: Flow, index: int) -> tuple[Explanation, int]:
    begin, end = (source.node, source.namespace), (target.node, target.namespace) if target.node else None
    there = PathWalk(cluster, flow, endpoint=index)
    cause = there.follow(begin, end)
    rewritten = str(there.flow.to) if there.flow.translated else ""
    words = f"{rewritten}, one of those that {flow.to} stands for: " if there.endpoint_count > 1 else ""
    if cause is not None or there.incomplete:
        cause = cause and cause.prefixed(words)
        return Explanation(source.name, target.name, cause, tuple(there.path), (), tuple(there.unsure), rewritten), there.endpoint_count
    answer = Flow(there.flow.to, there.flow.source, protocol=flow.protocol, port=there.flow.port, size=flow.size)
    back = PathWalk(cluster, answer, reply=True, translations=there.translations, learned=there.learned)
    cause = back.follow(there.at, begin)
    if cause is None and not back.incomplete and back.flow.source != flow.to:
        cause = causes_l3.reply_from_other_address(begin, flow.to, back.flow.source)
    if cause is not None:
        cause = there.misdelivery.prefixed(words) if there.misdelivery else cause.prefixed(f"{words}the answer has no way back: ")
    unsure = (*there.unsure, *back.unsure)
    return Explanation(source.name, target.name, cause, tuple(there.path), tuple(back.path), unsure, rewritten), there.endpoint_count
