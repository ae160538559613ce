"""
Why a source reaches a target or not: the path there and back, and what stops a packet on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.errors import BadInput
from podnet_lab.explain import causes_l3
from podnet_lab.explain.cause import Cause, place_name
from podnet_lab.explain.evidence import NOTHING, Evidence
from podnet_lab.explain.flow import DEFAULT_SIZE, Flow
from podnet_lab.explain.lowest_layer import without_address
from podnet_lab.explain.path import PathWalk
from podnet_lab.explain.segments import data_doubts
from podnet_lab.model import Cluster
from podnet_lab.steps.base import Step

MAX_ENDPOINTS = 64
"""Pods of a Service that are followed, one after the other."""


@dataclass(frozen=True)
class Explanation:
    """
    What is said of one pair: the first *cause* that stops its packet, the *path* as far as it goes, and what was *unsure*.

    True if nothing is seen that would stop it, and everything on its path could be judged. After something that could not be
    judged nothing is certain: what would stop the packet further on is then no cause, but a *suspect*. *there* and *back* are the
    two halves of the path, *arrives* is the address that a Service's was translated to. *answered* is what became of an echo that
    was really sent: True, False, or None if none was; where it contradicts what was judged, that is unsure.
    """

    source: str
    target: str
    cause: Cause | None = None
    there: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    arrives: str = ""
    suspect: Cause | None = None
    answered: bool | None = None

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
        if self.cause:
            return self.cause.hints[level - 1]
        return f"look for yourself, this was not judged: {self.unsure[0]}" if self.unsure else "nothing is in the way"

    def __str__(self) -> str:
        pair = f"{self.source} → {self.target}"
        if self.cause is not None:
            return f"{pair}: {_stopped(self.cause)}"
        if not self.unsure:
            return f"{pair}: nothing is seen that would stop it"
        tried = {
            None: "",
            True: "; an echo that was sent just now was answered",
            False: "; an echo that was sent just now was not answered",
        }
        lines = [f"{pair}: could not be judged{tried[self.answered]}"]
        lines += [f"  not judged: {words}" for words in dict.fromkeys(self.unsure)]
        return "\n".join([*lines, *([f"  if it gets past that: {_stopped(self.suspect)}"] if self.suspect else [])])

    __repr__ = __str__


def _stopped(cause: Cause) -> str:
    return f"stopped at {place_name(cause.place)} ({cause.layer}): {cause}"


def first_cause(cluster: Cluster, source: Endpoint, target: Endpoint) -> Cause | None:
    """The first cause, or suspect, that stops an echo request from *source* to *target*, or its reply; None if none is seen."""
    explained = explanation(cluster, source, target)
    return explained.cause or explained.suspect


def explanation(
    cluster: Cluster,
    source: Endpoint,
    target: Endpoint,
    protocol: str = "icmp",
    port: int | None = None,
    size: int = DEFAULT_SIZE,
    evidence: Evidence = NOTHING,
) -> Explanation:
    """
    Why a packet from *source* to *target*, or the answer, does not arrive, or that nothing is seen that would stop them.

    A *target* without a node is an address alone, such as a Service's: if one of its Pods is drawn, each is followed. *evidence*
    is what the nodes say beyond their snapshots.
    """
    explained = Explanation(source.name, target.name)
    for end in (target, source):
        if not end.addresses:
            return replace(explained, cause=without_address(cluster, end))
    flow = Flow(None, IPv4Address(target.addresses[0]), protocol, port, size)
    index, endpoint_count = 0, 1
    while index < min(endpoint_count, MAX_ENDPOINTS):
        explained, endpoint_count = _both_ways(cluster, evidence, (source, target), flow, index)
        if explained.cause is not None or explained.suspect is not None:
            break
        index += 1
    return explained


def _both_ways(cluster: Cluster, evidence: Evidence, ends: tuple[Endpoint, Endpoint], flow: Flow, index: int) -> tuple[Explanation, int]:
    begin, end = ((one.node, one.namespace) if one.node else None for one in ends)
    there = PathWalk(cluster, flow, endpoint=index, evidence=evidence)
    cause = there.follow(begin, end)
    rewritten = str(there.flow.to) if there.flow.translated else ""
    words = f"{rewritten}, one of those that {flow.to} stands for: " if there.endpoint_count > 1 and rewritten else ""
    explained = Explanation(ends[0].name, ends[1].name, None, tuple(there.path), (), tuple(there.unsure), rewritten)
    if cause is not None or there.incomplete:
        return _certain(explained, cause and cause.prefixed(words)), there.endpoint_count
    answer = Flow(there.flow.to, there.flow.source, protocol=flow.protocol, port=there.flow.port, size=flow.size)
    remembered = {"translations": there.translations, "learned": there.learned, "tracked": there.tracked}
    back = PathWalk(cluster, answer, reply=True, evidence=evidence, **remembered)
    cause = back.follow(there.at, begin)
    if cause is None and not back.incomplete and back.flow.source != flow.to:
        cause = causes_l3.reply_from_other_address(begin, flow.to, back.flow.source)
    if cause is not None:
        cause = there.misdelivery.prefixed(words) if there.misdelivery else cause.prefixed(f"{words}the answer has no way back: ")
    unsure = [*there.unsure, *back.unsure]
    if cause is None and not back.incomplete and flow.protocol == "tcp":
        unsure += [words for words in dict.fromkeys(data_doubts(there, back, begin, end, flow, answer)) if words not in unsure]
    return _certain(replace(explained, back=tuple(back.path), unsure=tuple(unsure)), cause), there.endpoint_count


def _certain(explained: Explanation, cause: Cause | None) -> Explanation:
    """With *cause*: a suspect alone if something before it could not be judged."""
    return replace(explained, suspect=cause) if explained.unsure else replace(explained, cause=cause)
