"""What the lab's steps changed, so that the last of it can be taken back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from podnet_lab.errors import UndoRefused
from podnet_lab.model import Namespace, Snapshot
from podnet_lab.model.shared_parts import shared
from podnet_lab.recipes.results import Result
from podnet_lab.steps.address import AddAddress
from podnet_lab.steps.base import Step
from podnet_lab.steps.facts import difference, facts
from podnet_lab.steps.ipv6 import BringBackIpv6
from podnet_lab.steps.neighbour import AddNeighbour
from podnet_lab.steps.route import AddRoute

MOST_RUNS = 1000
"""Runs that are kept to be taken back; older ones are let go."""


class Journal(list["Entry"]):
    """
    The runs that changed something, the last one last: the last `MOST_RUNS`.

    Snapshots in it share what is the same, so that a run takes as much room as it changed (`podnet_lab.model.shared_parts`).
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, Snapshot] = {}
        self.let_go = 0

    def shared(self, result: Result) -> Result:
        """The same result, with snapshots that share their parts with those of runs before, and with each other."""
        before = {node: shared(seen, self._last.get(node)) for node, seen in result.before.items()}
        after = {node: shared(seen, before.get(node)) for node, seen in result.after.items()}
        self._last |= after
        return replace(result, before=before, after=after)

    def append(self, entry: Entry) -> None:
        """Write a run down; the oldest is let go where there are too many."""
        super().append(entry)
        if len(self) > MOST_RUNS:
            del self[0]
            self.let_go += 1

    def clear(self) -> None:
        """Forget all runs, and that any were let go."""
        super().clear()
        self._last.clear()
        self.let_go = 0

    @property
    def let_go_words(self) -> str:
        """What to say of runs that can't be taken back any more; "" if there are none."""
        if not self.let_go:
            return ""
        return f"the last {MOST_RUNS} runs were kept, and the {self.let_go} before them let go; lab.goto(STAGE) starts afresh"


@dataclass(frozen=True)
class Entry:
    """One run that changed something: its steps, and the nodes around it."""

    steps: Mapping[str, Sequence[Step]]
    before: Mapping[str, Snapshot]
    after: Mapping[str, Snapshot]

    @classmethod
    def of(cls, result: Result) -> Entry | None:
        """The entry for a run's result; None if it changed nothing."""
        changed: dict[str, list[Step]] = {}
        for outcome in result.outcomes:
            if outcome.changed:
                changed.setdefault(outcome.node, []).append(outcome.step)
        return cls(changed, result.before, result.after) if changed else None

    def keys(self, node: str) -> list[tuple]:
        """The facts that it changed on *node*."""
        return list(dict.fromkeys(key for step in self.steps[node] for key in step.touches()))

    def inverse(self) -> dict[str, list[Step]]:
        """The steps that take it back."""
        return {node: self._inverse(node, steps) for node, steps in self.steps.items()}

    def _inverse(self, node: str, steps: Sequence[Step]) -> list[Step]:
        before, after = self.before[node], self.after[node]
        inverse = steps[0].inverse(before, after) if len(steps) == 1 else None
        if inverse is not None:
            return list(inverse)
        from podnet_lab.recipes.reconcile import restore  # here: a lab that nothing is taken back in needs no way back

        return restore(after, before)

    def refuse_if_changed(self, now: Mapping[str, Snapshot]) -> None:
        """Raise UndoRefused if an object is not what the run left: taking it back might take somebody's work along."""
        for node in self.steps:
            for key in self.keys(node):
                left, seen = facts(self.after[node], key), facts(now[node], key)
                if left != seen or self._takes_more(node, key, now[node]):
                    raise UndoRefused(f"{node}: {difference(key, left, seen)}; nothing was changed. `lab.goto(STAGE)` starts afresh")

    def _takes_more(self, node: str, key: tuple, now: Snapshot) -> bool:
        """Whether taking back a table of nft would take along what somebody else has put into it since."""
        if key[:3] != ("nft", None, "table") or facts(self.before[node], key) is not None:
            return False
        return now.own.rules.table(*key[3:]) != self.after[node].own.rules.table(*key[3:])

    def taken_along(self, now: Mapping[str, Snapshot], taken: Mapping[str, Snapshot]) -> dict[str, list[Step]]:
        """
        The steps that bring back what the inverse took along, though the run had not made it.

        *now* is how the nodes were before the inverse, *taken* after it: an address takes others of its subnet along that
        somebody has added since, an interface that goes down its routes.
        """
        return {node: steps for node in self.steps if (steps := self._taken_along(node, now[node], taken[node]))}

    def _taken_along(self, node: str, now: Snapshot, taken: Snapshot) -> list[Step]:
        own, steps = set(self.keys(node)), []
        for name, space in now.spaces.items():
            left = taken.spaces.get(name)
            if left is not None:
                made = _made_between(self.before[node].spaces.get(name), self.after[node].spaces.get(name))
                gone = [step for thing, step in _remade(name, space, left) if thing not in made]
                steps += [step for step in gone if own.isdisjoint(step.touches())]
        return steps

    def refuse_if_left(self, now: Mapping[str, Snapshot]) -> None:
        """Raise UndoRefused if, after the inverse, an object is not what it was before the run."""
        for node in self.steps:
            for key in self.keys(node):
                before, seen = facts(self.before[node], key), facts(now[node], key)
                if before != seen:
                    raise UndoRefused(f"{node}: taken back, but {difference(key, before, seen)}")


def _made_between(before: Namespace | None, after: Namespace | None) -> set:
    """The addresses, routes and neighbours that a run made, asked or not."""
    things = [{*space.addresses, *space.routes, *space.neighbours, *space.ipv6} if space else set() for space in (after, before)]
    return things[0] - things[1]


def _remade(name: str | None, then: Namespace, now: Namespace) -> Iterator[tuple[object, Step]]:
    """What somebody had given an interface that is still there, and that is gone; each with the step that makes it again."""
    kept = then.links.keys() & now.links.keys()
    for address in (address for address in then.addresses if address.dev in kept and address not in now.addresses):
        yield address, AddAddress.of(address, name, raw=bool(address.extra))
    for entry in (entry for entry in then.neighbours if entry.dev in kept and entry.state == "PERMANENT" and entry not in now.neighbours):
        yield entry, AddNeighbour(entry.address, entry.dev, entry.mac, name)
    by_persons = (route for route in then.routes if not route.kernel and not route.by_daemon)
    for route in (route for route in by_persons if route.dev in {None, *kept} and route not in now.routes):
        yield route, AddRoute.of(route, name, raw=bool(route.extra))
    for entry in (entry for entry in then.ipv6 if entry.dev in {"", *kept} and entry not in now.ipv6):
        yield entry, BringBackIpv6(entry, name)
