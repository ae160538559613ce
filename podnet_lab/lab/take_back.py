"""Taking a run back: by its inverse, and then whatever that left, or took along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.devices.link_steps import ChangeLink
from podnet_lab.errors import StepFailed, UndoRefused
from podnet_lab.lab.journal import Entry
from podnet_lab.lab.run_steps import Agents, apply_past_refusals, bring_back, run_steps
from podnet_lab.model import Snapshot
from podnet_lab.recipes.reconcile import MOST_PASSES, restore, restore_all
from podnet_lab.recipes.results import Outcome, Result
from podnet_lab.steps import ipv6
from podnet_lab.steps.base import Step


def take_back(agents: Agents, entry: Entry, now: Mapping[str, Snapshot], earlier: Sequence[Entry] = ()) -> Result:
    """
    Take the run of *entry* back on nodes that are as *now*; *earlier* are the runs that may be taken back after it.

    Where nobody has changed anything since, the nodes are brought back to what they were before it, all the way: a step may
    have changed more than it says. Where somebody has, what the inverse takes along of theirs is brought back. UndoRefused, and
    nothing changed, if that can't be done.
    """
    untouched = all(not restore(now[name], entry.after[name]) and _same_ipv6(now[name], entry.after[name]) for name in entry.steps)
    inverse = entry.inverse()
    headline = "taken back:" if any(inverse.values()) else "nothing was left of that run to take back"
    try:
        result = run_steps(agents, inverse, headline)
    except StepFailed:
        if not untouched:
            raise
        result = Result((), now, now, "taken back:")
    if untouched:
        return _all_the_way(agents, entry, _with_macs(agents, entry, result, earlier))  # a new MAC empties the table of neighbours
    if taken := entry.taken_along(now, result.after):
        result = replace(result, after=_give_back(agents, entry, now, taken))
    return result


def _same_ipv6(now: Snapshot, then: Snapshot) -> bool:
    return not (ipv6.missing(now, then) or ipv6.missing(then, now))


def _all_the_way(agents: Agents, entry: Entry, result: Result) -> Result:
    before = {name: entry.before[name] for name in entry.steps}
    if all(not restore_all(result.after[name], then) for name, then in before.items()):
        return result
    done, _ = bring_back(agents, before)
    more = tuple(Outcome(name, step, changed=True) for name, steps in done.items() for step in steps)
    return replace(result, outcomes=(*result.outcomes, *more), after=take_snapshots(agents, before))


def _with_macs(agents: Agents, entry: Entry, result: Result, earlier: Sequence[Entry]) -> Result:
    """Give an interface that was made again the MAC that an earlier run had given it: else that one could not be taken back."""
    given: dict[str, list[Step]] = {}
    for node in entry.steps:
        for _, space, dev in dict.fromkeys(key for run in earlier if node in run.steps for key in run.keys(node) if key[0] == "mac"):
            then, now = entry.before[node].link(space, dev), result.after[node].link(space, dev)
            if then is not None and now is not None and then.mac != now.mac:
                given.setdefault(node, []).append(ChangeLink(dev, space, mac=then.mac))
    if not given:
        return result
    more = run_steps(agents, given)
    return replace(result, outcomes=(*result.outcomes, *more.outcomes), after={**result.after, **more.after})


def _give_back(agents: Agents, entry: Entry, now: Mapping[str, Snapshot], taken: Mapping[str, Sequence[Step]]) -> Mapping[str, Snapshot]:
    for _ in range(MOST_PASSES):
        apply_past_refusals(agents, taken)
        after = take_snapshots(agents, now)
        lost = entry.taken_along(now, after)
        if not lost or lost == taken:
            break
        taken = lost
    if lost:
        bring_back(agents, now)
        words = "; ".join(f"{name}: {step.command}" for name, steps in lost.items() for step in steps)
        raise UndoRefused(f"that would take along what was made since: {words}; nothing was changed. `lab.goto(STAGE)` starts afresh")
    return after
