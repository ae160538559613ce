"""
Who reaches whom: pairs, what came of trying each, and the matrix of all.

Pure. *No reply* and *could not test* are different answers, and neither is a success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from podnet_lab.devices.roles import pod_addresses
from podnet_lab.errors import BadInput, CheckFailed
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import did_you_mean


@dataclass(frozen=True)
class Endpoint:
    """
    A Pod, or a node itself (*namespace* None), that can send and receive; *addresses* are its own, the primary first.

    Of an address alone, which nobody here has, *node* is "".
    """

    name: str
    node: str
    namespace: str | None
    addresses: tuple[str, ...]


def endpoints(snapshots: Mapping[str, Snapshot]) -> dict[str, Endpoint]:
    """Every endpoint by its label: a Pod's name (node/name where two nodes have the same), or a node's."""
    labelled: dict[str, Endpoint] = {}
    for name, node in snapshots.items():
        # An address on lo comes last: it is an alias, to which nobody else has a route.
        ordered = sorted(node.own.addresses, key=lambda address: address.dev == "lo")
        own = tuple(str(address.interface.ip) for address in ordered if not address.interface.is_loopback)
        labelled[name] = Endpoint(name, name, None, own)
    names = Counter(pod.name for node in snapshots.values() for pod in node.pods)
    for name, node in snapshots.items():
        for pod in node.pods:
            label = pod.name if names[pod.name] == 1 and pod.name not in labelled else f"{name}/{pod.name}"
            labelled[label] = Endpoint(label, name, pod.name, tuple(str(address.ip) for address in pod_addresses(pod)))
    return labelled


class Verdict(StrEnum):
    """The verdict on a try to reach an endpoint."""

    REACHED = "reached"
    TRANSLATED = "translated"  # answered, but the receiver saw another address than the sender's
    NO_REPLY = "no reply"
    DENIED = "denied by policy"  # no reply, and a NetworkPolicy is why
    NOT_TESTED = "could not test"


SILENCE = "silence"
"""What is said of a pair of which nothing at all was heard, and of which the snapshots show no reason."""


UNTOLD = "why is yours to find out: a hint helps (lab.task.hint() in an exercise, else lab.hint()), lab.explain(…) tells; both are counted"
"""What is said of a failure in place of its reason, while something is to be found out."""


@dataclass(frozen=True)
class Ping:
    """
    One try: *seen_as* is the address that the receiver saw, *why* what is known of a failure.

    *untold*: that is for somebody to find out, in an exercise.
    """

    source: Endpoint
    target: Endpoint
    verdict: Verdict
    seen_as: str | None = None
    why: str = ""
    expected: Verdict = Verdict.REACHED
    untold: bool = False

    def __bool__(self) -> bool:
        return self.verdict == self.expected or (self.verdict, self.expected) == (Verdict.DENIED, Verdict.NO_REPLY)

    @property
    def is_broken(self) -> bool:
        """Whether it is not as expected, and nobody meant it so: what a NetworkPolicy denies is not broken."""
        return not self and self.verdict != Verdict.DENIED

    def __str__(self) -> str:
        pair = f"{self.source.name} → {self.target.name}"
        sign = "ok   " if self else "FAIL "
        why = f": {self.why}" if self.why else ""
        match self.verdict:
            case Verdict.REACHED:
                surprise = "" if self else ", and that was not expected"
                saw = f"{self.target.name} saw {self.seen_as}" if self.seen_as else self.why
                return f"{sign} {pair}: reached, and {saw}{surprise}"
            case Verdict.TRANSLATED:
                own = ", ".join(self.source.addresses)
                return f"{sign} {pair}: reached, but {self.target.name} saw {self.seen_as}, not {own}"
            case Verdict.NO_REPLY:
                return f"{sign} {pair}: no reply{' yet, as expected' if self else ''}{f'; {UNTOLD}' if self.untold and not self else why}"
            case Verdict.DENIED:
                return f"{sign} {pair}: {self.why}"
            case _:
                return f"{sign} {pair}: could not test{why}"

    __repr__ = __str__

    def without_reason(self) -> Ping:
        """The same result; of a silence it is not told why, but where help is. What could not be tried says so still."""
        silent = self.verdict in (Verdict.NO_REPLY, Verdict.DENIED)
        return replace(self, verdict=Verdict.NO_REPLY, why="", untold=True) if silent else self

    def require(self) -> Ping:
        """Give the result back if it is the expected one; raise CheckFailed if not."""
        if not self:
            raise CheckFailed(str(self))
        return self


def expectation(word: str | bool | Verdict) -> Verdict:
    """What a caller expects: True or "reached", False or "no reply"."""
    if isinstance(word, bool):
        return Verdict.REACHED if word else Verdict.NO_REPLY
    try:
        return Verdict(word)
    except ValueError:
        raise BadInput(f"expect is one of {', '.join(Verdict)}, True or False, not {word!r}{did_you_mean(word, Verdict)}") from None


NO_PAIR = "there is no pair of Pods yet: lab.goto('done') wires the cluster, and so do the lesson's stages, one after the other"


class Matrix(tuple[Ping, ...]):
    """
    The results of many ordered pairs; true if none is broken, and there is at least one.

    What NetworkPolicies deny is told apart, and counts as meant: Kubernetes' rules hold "barring any intentional network
    segmentation policies" (kubernetes.io, Cluster Networking).
    """

    total: int | None = None
    """Of how many ordered pairs these are; None: of these."""

    @classmethod
    def of(cls, pings: Iterable[Ping], total: int) -> Matrix:
        """Results of some, or all, of *total* pairs."""
        self = cls(pings)
        self.total = total
        return self

    def __bool__(self) -> bool:
        return len(self) > 0 and not self.failures

    def without_reasons(self) -> Matrix:
        """The same results, without what is known of failures."""
        return Matrix.of((ping.without_reason() for ping in self), self.total)

    @property
    def endpoints(self) -> list[Endpoint]:
        """All sources and targets, in order of first appearance."""
        return list(dict.fromkeys(end for ping in self for end in (ping.source, ping.target)))

    @property
    def reached(self) -> int:
        """How many pairs were reached, with the receiver seeing the sender's own address."""
        return sum(ping.verdict == Verdict.REACHED for ping in self)

    @property
    def failures(self) -> list[Ping]:
        """The pairs that are not as expected, but for those that policies deny."""
        return [ping for ping in self if ping.is_broken]

    @property
    def denied(self) -> list[Ping]:
        """The pairs that NetworkPolicies deny."""
        return [ping for ping in self if ping.verdict == Verdict.DENIED]

    @property
    def summary(self) -> str:
        """One line: how many of how many."""
        if len(self) == 0:
            return NO_PAIR
        drawn = f" (drawn from {self.total})" if self.total not in (None, len(self)) else ""
        return f"{self.reached} of {len(self)} ordered pairs{drawn} reached, each seen with the sender's own address{self._denied}"

    @property
    def _denied(self) -> str:
        return f"; {len(self.denied)} denied by NetworkPolicy" if self.denied else ""

    def __str__(self) -> str:
        signs = {Verdict.REACHED: "✓", Verdict.TRANSLATED: "≠", Verdict.NO_REPLY: "✗", Verdict.DENIED: "⊘", Verdict.NOT_TESTED: "?"}
        cells = {(ping.source, ping.target): signs[ping.verdict] for ping in self}
        return f"{grid(self.endpoints, cells)}\n{self.summary}" if len(self) else self.summary

    __repr__ = __str__


MOST_IN_A_GRID = 20
"""A wider table does not fit a screen; the summary and the failures say it then."""


def grid(endpoints: Sequence[Endpoint], signs: dict) -> str:
    """A table of signs: a row for each source, a column for each target."""
    if len(endpoints) > MOST_IN_A_GRID:
        return f"({len(endpoints)} × {len(endpoints)}: too wide to print)"
    width = max((len(endpoint.name) for endpoint in endpoints), default=0)
    lines = [" " * width + "  " + "  ".join(endpoint.name for endpoint in endpoints)]
    for source in endpoints:
        cells = (("·" if source == target else signs.get((source, target), " ")).center(len(target.name)) for target in endpoints)
        lines.append(f"{source.name:<{width}}  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


MOST_ENTRIES = 256
"""
Neighbour entries that one wave of pairs may make.

The kernel's table holds 1,024 over all namespaces together, the host's too (net.ipv4.neigh.default.gc_thresh3).
"""


def waves(pairs: Iterable[tuple[Endpoint, Endpoint]]) -> Iterator[list[tuple[Endpoint, Endpoint]]]:
    """
    Cut *pairs* into waves, none of which makes more than `MOST_ENTRIES` neighbour entries.

    Two Pods of one node write each other down; Pods of two nodes and their nodes write down gateways.
    """
    wave: list[tuple[Endpoint, Endpoint]] = []
    entries: set = set()
    for source, target in sorted(pairs, key=lambda pair: tuple(sorted((pair[0].name, pair[1].name)))):
        more = {(source.name, target.name), (target.name, source.name)}
        if source.node != target.node:
            gateways = {(end.name, "gateway", side) for end in (source, target) for side in (0, 1)}
            more = gateways | {(source.node, target.node), (target.node, source.node)}
        if wave and len(entries | more) > MOST_ENTRIES:
            yield wave
            wave, entries = [], set()
        wave.append((source, target))
        entries |= more
    if wave:
        yield wave
