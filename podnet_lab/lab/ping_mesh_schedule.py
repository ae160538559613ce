"""
The fast way to try very many pairs: which ones at the same time, so that no neighbour table fills.

The kernel's table holds 1,024 entries over all namespaces of a machine, the host's too, and begins to throw out from
512 on (net.ipv4.neigh.default.gc_thresh2 and 3). Two Pods of one node write each other down: those are tried source by
source. Pods of two nodes write down only their gateways: groups of them are tried against each other.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations_with_replacement
from operator import add

from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.checks.reachability import Endpoint
from podnet_lab.errors import LabGone
from podnet_lab.kernel.packed_flags import unpacked
from podnet_lab.lab.neighbour_table import turn

MOST_ENTRIES = 500
"""Neighbour entries that are there at one time."""

BOTH = 2
"""NumberedEndpoints that have confirmed a pair that is reached."""

MOST_NODES = 4
"""Nodes on which pairs of one node are tried at the same time."""

AT_ONCE = 2000
"""Targets that are tried in one call of a node: an interrupt, and a look at the progress, come in between."""

QUIET_WITHIN, QUIET_ACROSS = 0.02, 0.2
"""Seconds without a word after which the rest of a round is silent. On one node everything has come when the last is sent."""

Pair = tuple[int, int]
Blocks = list[tuple[list[int], list[int]]]
Progress = Callable[[int], None]
"""Called with how many ordered pairs a round has tried."""


class NumberedEndpoints:
    """Endpoints with one address each that no other has, by their numbers."""

    def __init__(self, everyone: Iterable[Endpoint]) -> None:
        able = [pod for pod in everyone if pod.namespace is not None and pod.addresses]
        owners = Counter(pod.addresses[0] for pod in able)
        self.all = [pod for pod in able if owners[pod.addresses[0]] == 1]
        self.of: dict[str, list[int]] = {}
        for number, pod in enumerate(self.all):
            self.of.setdefault(pod.node, []).append(number)
        self.node = [pod.node for pod in self.all]


def entries(pods: int, nodes: int) -> int:
    """Neighbour entries of pairs across nodes: a Pod's for its gateway, the gateway's for it, and the nodes' for each other."""
    return 2 * pods + nodes * (nodes - 1)


def groups(ends: NumberedEndpoints) -> list[list[int]]:
    """All endpoints in groups, of whole nodes or of parts of one, any two of which fit into the table together."""
    most = max(1, (MOST_ENTRIES - entries(0, 2)) // entries(2, 0))
    filled: list[list[int]] = []
    for numbers in ends.of.values():
        size = -(-len(numbers) // -(-len(numbers) // most))  # parts of much the same size
        for start in range(0, len(numbers), size):
            part = numbers[start : start + size]
            together = filled[-1] + part if filled else part
            if filled and entries(2 * len(together), 2 * len({ends.node[number] for number in together})) <= MOST_ENTRIES:
                filled[-1] = together
            else:
                filled.append(part)
    return filled


def confirmed(
    agents: Mapping[str, AgentClient], ends: NumberedEndpoints, wanted: set[Pair] | None = None, progress: Progress | None = None
) -> list[bytes]:
    """
    Try all ordered pairs of *ends*, or those *wanted*, by number.

    Returns a row for each source, a byte for each target: how many ends confirmed the pair. The target does by having
    heard the sender's own address, the source by having been answered; `BOTH` is reached.
    """
    nonce, everyone = os.urandom(8).hex(), [pod.addresses[0] for pod in ends.all]
    try:
        _call_all(agents, ends.of, lambda node: {"do": "mesh_open", "nonce": nonce, "everyone": everyone, "own": _pods_of(ends, node)})
        _try_within(agents, ends, wanted, progress)
        _try_across(agents, ends, wanted, progress)
        return _confirmations(_call_all(agents, ends.of, lambda _: {"do": "mesh_result"}), len(ends.all))
    finally:
        for node in ends.of:
            with suppress(LabGone):
                agents[node].call("mesh_close")


def _pods_of(ends: NumberedEndpoints, node: str) -> list[tuple[int, str | None]]:
    return [(number, ends.all[number].namespace) for number in ends.of[node]]


def _call_all(agents: Mapping[str, AgentClient], nodes: Iterable[str], call: Callable[[str], dict]) -> dict:
    answers = {node: agents[node].start(**call(node)) for node in nodes}
    return {node: answer() for node, answer in answers.items()}


def _try_within(agents: Mapping[str, AgentClient], ends: NumberedEndpoints, wanted: set[Pair] | None, progress: Progress | None) -> None:
    """Pairs of one node, source by source; several nodes at a time, each with its share of the table."""
    together = max(1, min(len(ends.of), MOST_NODES))
    most = max(1, MOST_ENTRIES // together // 2 - 1)
    nodes = list(ends.of)
    for start in range(0, len(nodes), together):
        left = {node: _later(ends.of[node], most, wanted) for node in nodes[start : start + together]}
        while work := {node: blocks for node, all_blocks in left.items() if (blocks := _next_blocks(all_blocks))}:
            with turn():
                _call_all(agents, work, lambda node, work=work: {"do": "mesh_within", "work": work[node], "wait": QUIET_WITHIN})
            if progress:
                progress(sum(2 * len(targets) for blocks in work.values() for _, targets in blocks))


def _later(numbers: list[int], most: int, wanted: set[Pair] | None) -> Iterator[tuple[list[int], list[int]]]:
    """Each source with those that come after it, at most *most* at a time."""
    for at, source in enumerate(numbers):
        targets = [later for later in numbers[at + 1 :] if wanted is None or (source, later) in wanted or (later, source) in wanted]
        for start in range(0, len(targets), most):
            yield [source], targets[start : start + most]


def _next_blocks(blocks: Iterator[tuple[list[int], list[int]]]) -> Blocks:
    """As many as are tried in one call."""
    taken: Blocks = []
    size = 0
    while size < AT_ONCE and (block := next(blocks, None)):
        taken.append(block)
        size += len(block[1])
    return taken


def _try_across(agents: Mapping[str, AgentClient], ends: NumberedEndpoints, wanted: set[Pair] | None, progress: Progress | None) -> None:
    """Pairs of two nodes: each group with itself, and with each other."""
    for first, second in combinations_with_replacement(groups(ends), 2):
        work = _round(ends, first, second, wanted)
        hears: Counter[str] = Counter()
        for sources, targets in (block for blocks in work.values() for block in blocks):
            hears.update({node: len(sources) * count for node, count in Counter(ends.node[target] for target in targets).items()})
        sent = {node: sum(len(sources) * len(targets) for sources, targets in blocks) for node, blocks in work.items()}
        calls = {
            node: {"work": work.get(node, []), "expect": sent.get(node, 0) + hears[node], "wait": QUIET_ACROSS}
            for node in sent.keys() | hears.keys()
        }
        with turn():
            _call_all(agents, calls, lambda node, calls=calls: {"do": "mesh_across", **calls[node]})
            _call_all(agents, calls, lambda _: {"do": "mesh_forget"})
        if progress and sent:
            progress(sum(sent.values()))


def _round(ends: NumberedEndpoints, first: list[int], second: list[int], wanted: set[Pair] | None) -> dict[str, Blocks]:
    """What each node sends when two groups are tried against each other."""
    work: dict[str, Blocks] = {}
    for mine, theirs in ((first, second), (second, first)) if first is not second else ((first, first),):
        for node in dict.fromkeys(ends.node[number] for number in mine):
            sources = [number for number in mine if ends.node[number] == node]
            targets = [number for number in theirs if ends.node[number] != node]
            if wanted is None:
                blocks = [(sources, targets)] if targets else []
            else:
                blocks = [
                    ([source], chosen) for source in sources if (chosen := [target for target in targets if (source, target) in wanted])
                ]
            if blocks:
                work.setdefault(node, []).extend(blocks)
    return work


def _confirmations(results: dict[str, dict], size: int) -> list[bytes]:
    heard, replied = [bytes(size)] * size, [bytes(size)] * size
    for result in results.values():
        for number, (sources, targets) in result.items():
            heard[int(number)], replied[int(number)] = unpacked(sources), unpacked(targets)
    was_heard_by = map(bytes, zip(*heard, strict=True))  # a row for each source, too
    return [bytes(map(add, *rows)) for rows in zip(replied, was_heard_by, strict=True)]
