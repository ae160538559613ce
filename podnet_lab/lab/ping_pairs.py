"""
Trying who reaches whom, on the real kernels: one exchange of echoes for many pairs, tried again until a deadline.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace

from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.checks.reachability import SILENCE, Endpoint, Matrix, Ping, Verdict, endpoints, waves
from podnet_lab.errors import LabGone
from podnet_lab.lab import ping_mesh_schedule
from podnet_lab.lab.neighbour_table import FULL, overflows, turn
from podnet_lab.lab.pair_sample import some_pairs
from podnet_lab.model import Snapshot

AGAIN = 0.25
"""Seconds after which what was not answered is sent again."""

PATIENCE = 1.0
"""Seconds until no reply is an answer: the kernel asks for a neighbour's MAC once a second."""

LONG_PATIENCE = 3.5
"""Seconds for a second try: long enough for all three questions for a MAC that the kernel asks."""

ROUTERS_WORDS = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 3): "port unreachable",
    (3, 4): "fragmentation needed",
    (3, 9): "network prohibited",
    (3, 10): "host prohibited",
    (3, 13): "communication prohibited",
    (11, 0): "time to live exceeded",
}
"""ICMP type and code of an error, in ping's words (RFC 792, RFC 1812)."""

FINAL = {(3, 0), (3, 9), (3, 10), (3, 13)}
"""Errors that trying again does not change: a router has no way, or is told not to take it."""

NO_BUFFER = f"its own kernel says {os.strerror(errno.ENOBUFS).lower()}"
"""What a sender hears itself, if it can't write down its gateway (neighbour.c gives it ENOBUFS)."""

FEW = 10
"""Pairs that need no turn: they fill no table."""

Progress = Callable[[int, int], None]
"""Called with how many pairs are done, of how many."""

Pairs = Sequence[tuple[Endpoint, Endpoint]]


@contextmanager
def _listening(agents: Mapping[str, AgentClient], pairs: Pairs) -> Iterator[set[tuple[str, str | None]]]:
    """Listen wherever *pairs* begin and end; gives the (node, namespace) that are there no more."""
    places: dict[str, set] = {}
    for end in {end for pair in pairs for end in pair if end.node}:
        places.setdefault(end.node, {None}).add(end.namespace)
    nonce = os.urandom(8).hex()
    try:
        answers = {node: agents[node].start("echo_open", nonce=nonce, spaces=list(spaces)) for node, spaces in places.items()}
        yield {(node, space) for node, answer in answers.items() for space in answer()}
    finally:
        for node in places:
            with suppress(LabGone):
                agents[node].call("echo_close")


def try_pairs(agents: Mapping[str, AgentClient], pairs: Pairs, patience: float = PATIENCE, progress: Progress | None = None) -> list[Ping]:
    """Try each ordered pair until it is answered, refused for good, or *patience* (seconds) is over; in the order given."""
    pings = {pair: Ping(*pair, Verdict.NOT_TESTED, why=f"{pair[1].name} has no address") for pair in pairs if not pair[1].addresses}
    with _listening(agents, [pair for pair in pairs if pair not in pings]) as missing:
        for pair in (pair for pair in pairs if pair not in pings):
            if gone := [end.name for end in pair if (end.node, end.namespace) in missing]:
                pings[pair] = Ping(*pair, Verdict.NOT_TESTED, why=f"{gone[0]} is gone")
        parts, first = list(waves(pair for pair in pairs if pair not in pings)), 0
        for part in parts:
            before = overflows()
            with turn() if len(part) > FEW else nullcontext():
                tried = _Wave(agents, part, first).run(patience)
                if len(parts) > 1:
                    _forget(agents, part)
            pings.update({(ping.source, ping.target): _unless_full(ping, before) for ping in tried})
            first += len(part)
            if progress:
                progress(len(pings), len(pairs))
    return [pings[pair] for pair in pairs]


def _unless_full(ping: Ping, before: int) -> Ping:
    """The same result, or none where nothing was heard and the kernel's table of neighbours has been full since *before*."""
    lost = ping.verdict == Verdict.NO_REPLY and ping.why in (SILENCE, NO_BUFFER)
    return replace(ping, verdict=Verdict.NOT_TESTED, why=FULL) if lost and (ping.why == NO_BUFFER or overflows() > before) else ping


def explained(cluster: Mapping[str, Snapshot], ping: Ping) -> Ping:
    """The same result, with what the snapshots say of it if it had no reply, and if they see a reason."""
    if ping.verdict != Verdict.NO_REPLY and ping.why != FULL:
        return ping
    from podnet_lab.explain.explanation import first_cause  # here: where everybody reaches everybody, nobody asks why

    if (why := first_cause(cluster, ping.source, ping.target)) is None:
        return ping
    return replace(ping, verdict=Verdict.DENIED if why.layer == "policy" else Verdict.NO_REPLY, why=why)


def one_pair(
    agents: Mapping[str, AgentClient], cluster: Mapping[str, Snapshot], pair: tuple[Endpoint, Endpoint], patience: float | None
) -> Ping:
    """Try one pair; without a *patience* of its own, silence that the snapshots see no reason for is tried once more, for longer."""
    (ping,) = try_pairs(agents, [pair], PATIENCE if patience is None else patience)
    with_reason = explained(cluster, ping)
    if with_reason is ping and ping.why in (SILENCE, FULL) and patience is None:
        (with_reason,) = try_pairs(agents, [pair], LONG_PATIENCE)
    return with_reason


def all_pairs(
    agents: Mapping[str, AgentClient],
    cluster: Mapping[str, Snapshot],
    progress: Progress | None = None,
    sample: int | None = None,
    seed: int = 0,
) -> Matrix:
    """
    Try every ordered pair of Pods, or *sample* of them, drawn with *seed*.

    First all of them as a mesh, twice what stays silent; failures are then explained from the snapshots, and those that
    the snapshots see no reason for are tried once more, one by one and for longer, before they count.
    """
    pods = [end for end in endpoints(cluster).values() if end.namespace is not None]
    total = len(pods) * (len(pods) - 1)
    pairs = None if sample is None or sample >= total else some_pairs([pod.node for pod in pods], sample, seed)
    count = total if pairs is None else len(pairs)
    confirmations = _meshed(agents, pods, pairs, progress and (lambda done: progress(min(done, count), count)))
    every = ((row, column) for row in range(len(pods)) for column in range(len(pods)) if row != column)
    pings = [_of_mesh(cluster, pods[row], pods[column], confirmations[row][column]) for row, column in (every if pairs is None else pairs)]
    places = [place for place, ping in enumerate(pings) if ping.verdict != Verdict.REACHED and not ping.why]
    for some, patience in ((places[:MOST_FOR_LONG], LONG_PATIENCE), (places[MOST_FOR_LONG:], AGAIN)):
        again = try_pairs(agents, [(pings[place].source, pings[place].target) for place in some], patience)
        for place, ping in zip(some, again, strict=True):
            pings[place] = explained(cluster, ping)
    return Matrix.of(pings, total)


def _of_mesh(cluster: Mapping[str, Snapshot], source: Endpoint, target: Endpoint, confirmations: int) -> Ping:
    """What a mesh says of a pair: reached by both ends' word, silence with the reason that the snapshots see, or nothing yet."""
    if confirmations == ping_mesh_schedule.BOTH:
        return Ping(source, target, Verdict.REACHED, source.addresses[0])
    ping = Ping(source, target, Verdict.NO_REPLY)
    return explained(cluster, ping) if confirmations == 0 else ping


MOST_FOR_LONG = 1000
"""Pairs that a mesh could not settle and that are tried for long: some seconds for each two hundred. The rest is tried once more."""


def _meshed(
    agents: Mapping[str, AgentClient],
    pods: Sequence[Endpoint],
    pairs: Sequence[tuple[int, int]] | None,
    progress: Callable[[int], None] | None,
) -> list[bytes]:
    """
    A row for each Pod as source, a byte for each as target: how many of the two ends confirmed the pair.

    By a mesh, or a second one of what was not settled. A Pod that has no address, or another's, was in neither: 1.
    """
    done = 0

    def more(tried: int) -> None:
        nonlocal done
        done += tried
        if progress:
            progress(done)

    ends = ping_mesh_schedule.NumberedEndpoints(pods)
    number = {pod.name: place for place, pod in enumerate(ends.all)}  # Pods without an address, or with another's, are not in it
    places = [number.get(pod.name) for pod in pods]
    everyone = range(len(ends.all))
    wanted = None if pairs is None else {(places[a], places[b]) for a, b in pairs if None not in (places[a], places[b])}
    rows = ping_mesh_schedule.confirmed(agents, ends, wanted, more)
    every = ((a, b) for a in everyone for b in everyone if a != b)
    if left := {(a, b) for a, b in (every if wanted is None else wanted) if rows[a][b] != ping_mesh_schedule.BOTH}:
        rows = [bytes(map(max, *both)) for both in zip(rows, ping_mesh_schedule.confirmed(agents, ends, left), strict=True)]
    return [bytes(1 if None in (a, b) else rows[a][b] for b in places) for a in places]


def _forget(agents: Mapping[str, AgentClient], pairs: Pairs) -> None:
    places: dict[str, set] = {}
    for end in {end for pair in pairs for end in pair if end.node}:
        places.setdefault(end.node, {None}).add(end.namespace)
    for answer in [agents[node].start("echo_forget", spaces=list(spaces)) for node, spaces in places.items()]:
        answer()


class _Wave:
    """One wave of pairs on its way."""

    def __init__(self, agents: Mapping[str, AgentClient], pairs: Pairs, first: int) -> None:
        # Numbers go on from wave to wave: a late echo of one must not count for another.
        self._agents, self._pairs = agents, dict(enumerate(pairs, first))
        self._replied: set[int] = set()
        self._seen: dict[int, str] = {}
        self._why: dict[int, str] = {}
        self._final: set[int] = set()

    def run(self, patience: float) -> list[Ping]:
        deadline = time.monotonic() + patience
        waiting = set(self._pairs)
        while waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._exchange(waiting, min(AGAIN, left))
            # A reply says it arrived; the receiver's own word may still be on its way, and is waited for.
            waiting -= {number for number in waiting & self._replied if number in self._seen or not self._pairs[number][1].node}
            waiting -= self._final - self._replied
        return [self._verdict(number) for number in self._pairs]

    def _exchange(self, waiting: set[int], wait: float) -> None:
        sends: dict[str, list] = {}
        expect: dict[str, int] = {}
        for number in sorted(waiting):
            source, target = self._pairs[number]
            sends.setdefault(source.node, []).append((source.namespace, target.addresses[0], number))
            for node in filter(None, (source.node, target.node)):
                expect[node] = expect.get(node, 0) + 1
        answers = {
            node: self._agents[node].start("echo", sends=sends.get(node, []), expect=count, wait=wait) for node, count in expect.items()
        }
        for node, answer in answers.items():
            self._hear(node, answer())

    def _hear(self, node: str, answer: dict[str, list]) -> None:
        self._replied.update(number for number, namespace in answer["replies"] if self._is(number, 0, node, namespace))
        self._seen.update((number, source) for number, namespace, source in answer["heard"] if self._is(number, 1, node, namespace))
        for number, router, kind, code in answer["errors"]:
            self._why[number] = f"{router} says {ROUTERS_WORDS.get((kind, code), f'ICMP {kind}/{code}')}"
            if (kind, code) in FINAL:
                self._final.add(number)
        for number, code in answer["refused"]:
            self._why[number] = f"its own kernel says {os.strerror(code).lower()}"
            self._final.add(number)

    def _is(self, number: int, side: int, node: str, namespace: str | None) -> bool:
        """Whether an echo of this wave was heard where its sender (0) or its target (1) is; another's is not its."""
        if number not in self._pairs:
            return False
        end = self._pairs[number][side]
        return (end.node, end.namespace) == (node, namespace)

    def _verdict(self, number: int) -> Ping:
        source, target = self._pairs[number]
        seen = self._seen.get(number)
        if number in self._replied and seen is not None:
            verdict = Verdict.REACHED if seen in source.addresses else Verdict.TRANSLATED
            return Ping(source, target, verdict, seen)
        if number in self._replied and not target.node:
            return Ping(source, target, Verdict.REACHED, why="somebody answered; whose address they saw, nobody says")
        if number in self._replied:
            return Ping(source, target, Verdict.NO_REPLY, why=f"someone answered for {target.addresses[0]}, but not {target.name}")
        if seen is not None:
            return Ping(source, target, Verdict.NO_REPLY, seen, f"{target.name} heard it, but its answer did not come back")
        return Ping(source, target, Verdict.NO_REPLY, why=self._why.get(number, SILENCE))
