"""What is explained from snapshots, held against what a trace shows of the real kernel, pair by pair."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from live import random_nets
from live.batched import batched
from live.random_nets import NODES, Net
from podnet_lab.checks.reachability import endpoints

QUICK, LONG = 0.25, 3.4
"""Seconds to wait for an answer: what should not come; what should, but did not at first (ARP asks three times)."""

MOST_PLACES = 14


@dataclass
class Report:
    """How many cases were tried: *broken* of them by mischief, *unsure* ones not judged, and those that *disagree*."""

    healthy: int = 0
    broken: int = 0
    unsure: int = 0
    disagree: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        total = self.healthy + self.broken + self.unsure
        return (
            f"{total} cases: {self.healthy} arrived, {self.broken} did not, both as explained; {self.unsure} could not be judged; "
            f"{len(self.disagree)} disagreements"
        )


def build(lab, net: Net) -> None:
    """Wire a network as its commands say."""
    for node in NODES:
        lab[node].shell(batched(net.script(node)))


@dataclass(frozen=True)
class Drawing:
    """
    How networks are drawn: a *healthy* one of a seed, and *mischief*, which adds one thing that may break something.

    *pair* draws who asks whom, of all those that have an address.
    """

    healthy: Callable[[int], Net] = random_nets.healthy
    mischief: Callable[[Net, random.Random], None] = random_nets.mischief
    pair: Callable[[Net, random.Random, list[str]], list[str]] = lambda net, draw, everyone: draw.sample(everyone, 2)


def case(lab, seed: int, mischiefs: int, pairs: int, report: Report, drawing: Drawing | None = None) -> None:
    """One network with so much mischief, and some pairs of it."""
    draw = random.Random(seed * 7919 + mischiefs)  # noqa: S311 - no secret
    drawing = drawing or Drawing()
    net = drawing.healthy(seed)
    build(lab, net)
    for _ in range(mischiefs):
        drawing.mischief(net, draw)
        node, command = net.mischief[-1]
        lab[node].shell(command, may_fail=True)  # one may have taken away what the other is about
    known = endpoints(lab.snapshot())
    everyone = [name for name in [*(pod.name for pod in net.pods), *NODES] if known[name].addresses]
    for _ in range(pairs):
        source, target = drawing.pair(net, draw, everyone)
        size = draw.choice((None, None, None, 1300))
        words = compare(lab, source, target, size, report)
        if words:
            report.disagree.append(f"seed {seed}, {mischiefs}: {source} → {target}, size {size}: {words}\n  {net.mischief}")


def compare(lab, source: str, target: str, size: int | None, report: Report) -> str:
    """What disagrees between explanation and trace; nothing if they agree."""
    said = lab.explain(source, target, size=size)
    trace = lab.trace(source, target, size=size, patience=QUICK)
    if said.cause is None and not trace:
        said = lab.explain(source, target, size=size)
        trace = lab.trace(source, target, size=size, patience=LONG)
    if said.cause is None and said.unsure:
        report.unsure += 1
        return ""
    seen = [source, *places(lab.snapshot(*NODES, "outside"), trace)]
    by_another = bool(trace) and target not in seen  # somebody else has the address, and answers
    arrived = bool(trace) and not by_another
    if (said.cause is None) != arrived:
        return f"explained: {said}\n  trace: {trace}"
    report.healthy += arrived
    report.broken += not arrived
    told = [*said.there, *said.back[1:]]
    taken = by_another or (said.cause is not None and said.cause.endswith(", too"))  # its answer has a way of its own
    if told != (seen[: len(told)] if taken else seen) and len(told) < MOST_PLACES and not said.unsure:
        return f"explained by {told}, but seen at {seen}: {said}\n  trace: {trace}"
    return ""


def places(cluster, trace) -> list[str]:
    """The places that took the packet, or its answer, for theirs: it came in with their own MAC, by an interface that is no port."""
    found = []
    for hop in trace:
        if hop.way not in ("there", "back") or hop.seen.out:
            continue
        link = cluster[hop.seen.node].link(hop.seen.namespace, hop.seen.dev)
        if link is not None and link.master is None and hop.seen.frame.target_mac == link.mac:
            found.append(hop.seen.place)
    return found
