"""
Running steps on nodes: look, apply, look again, judge; and put everything back if one of them did not work.

One step in a notebook and a recipe of thousands go this same way.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from podnet_lab.backends.agent_client import AgentClient, Refusal
from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.errors import StepConflict, StepFailed
from podnet_lab.kernel.namespaces import give_back_memory
from podnet_lab.lab.interrupts import uninterrupted
from podnet_lab.model import Snapshot
from podnet_lab.recipes.net_effect import Effect, adds_up, conflicts, needed
from podnet_lab.recipes.reconcile import MOST_PASSES, restore_all
from podnet_lab.recipes.reconcile_links import unmakeable
from podnet_lab.recipes.results import Outcome, Result
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft.base import Nft
from podnet_lab.steps.nft.restore import RestoreTable

Agents = Mapping[str, AgentClient]

MANY = 500
"""Steps after which memory that a run has used is given back at once: a notebook's process lives long."""


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep Python's garbage collector from looking again and again through what a run makes, none of which is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def run_steps(
    agents: Agents, recipe: Mapping[str, Sequence[Step]], headline: str = "", is_done: Callable[[], None] = lambda: None
) -> Result:
    """
    Run each node's steps, in order, all nodes at the same time; steps whose claims hold already are left out.

    *is_done* is called when all of it is true: an interrupt before brings every node back, and one after must not get lost
    (`podnet_lab.lab.interrupts`). Raises StepConflict before anything changes if a name is taken, StepFailed if the kernel
    refuses a step or it is not true afterwards; then every node is brought back to what it was before.
    """
    with no_collection():
        return _run(agents, recipe, headline, is_done)


def _run(agents: Agents, recipe: Mapping[str, Sequence[Step]], headline: str, is_done: Callable[[], None]) -> Result:
    before = take_snapshots(agents, recipe)
    effects = {name: adds_up(steps) for name, steps in recipe.items()}
    todo = {name: needed(steps, before[name], effects[name]) for name, steps in recipe.items()}
    for name, steps in recipe.items():
        for step, taken in conflicts(steps, before[name], todo[name]):
            raise StepConflict(name, step.brief, taken, "Is that what you want to keep?")
    work = {name: [step for step, does in zip(steps, todo[name], strict=True) if does] for name, steps in recipe.items()}
    _refuse_what_can_not_be_judged(work, before)
    _refuse_what_has_no_way_back(work, before)
    try:
        after = _apply_and_judge(agents, effects, work, before)
        is_done()
    except BaseException as stopped:  # or an interrupt: calls are answered in order, so the next look waits for what is under way
        with uninterrupted():
            _put_back(agents, before, stopped)
        raise
    outcomes = tuple(
        Outcome(name, step, does, left is not None) for name in recipe for (step, left), does in zip(effects[name], todo[name], strict=True)
    )
    if len(outcomes) > MANY:
        give_back_memory()
    return Result(outcomes, before, after, headline)


def _apply_and_judge(
    agents: Agents, effects: Mapping[str, Sequence[Effect]], work: Mapping[str, list[Step]], before: Mapping
) -> Mapping[str, Snapshot]:
    if not any(work.values()):
        return before
    failure = _apply(agents, {name: steps for name, steps in work.items() if steps})
    after = take_snapshots(agents, effects)
    failure = failure or _judge(effects, after)
    if failure is not None:
        raise failure
    return after


def _refuse_what_can_not_be_judged(work: Mapping[str, Sequence[Step]], before: Mapping[str, Snapshot]) -> None:
    """Where it can't be read what nftables has, nobody could say whether a step of nft is true, nor take it back."""
    for name, steps in work.items():
        problem = before[name].own.rules.problem
        step = next((step for step in steps if isinstance(step, Nft) and not isinstance(step, RestoreTable)), None)
        if problem and step is not None:
            raise StepConflict(name, step.brief, problem, "What does `nft list ruleset` show there?")


def _refuse_what_has_no_way_back(work: Mapping[str, Sequence[Step]], before: Mapping[str, Snapshot]) -> None:
    """A step that deletes what no step can make can't be undone, nor taken back with a run that fails."""
    for name, steps in work.items():
        for step in steps:
            for space, dev in _deleted(step, before[name]):
                if unmakeable(before[name], space, dev):
                    kind = before[name].link(space, dev).kind
                    raise StepConflict(name, step.brief, f"{dev} ({kind}) could not be brought back", "Delete it by hand, if you mean it?")


def _deleted(step: Step, before: Snapshot) -> list[tuple[str | None, str]]:
    deleted: list[tuple[str | None, str]] = []
    for kind, namespace, *name in step.removes():
        if kind == "link":
            deleted.append((namespace, name[0]))
        elif namespace in before.spaces:
            deleted += [(namespace, dev) for dev in before.spaces[namespace].links]
    return deleted


def _apply(agents: Agents, work: Mapping[str, Sequence[Step]]) -> StepFailed | None:
    answers = []
    for name, steps in work.items():
        requests = [(step, request) for step in steps for request in step.requests()]
        answers.append((name, requests, agents[name].start("apply", requests=[request for _, request in requests])))
    failure = None
    for name, requests, answer in answers:
        try:
            answer()
        except Refusal as refusal:
            step = requests[refusal.position][0]
            failure = failure or StepFailed.refused(name, step.brief, refusal.code, refusal.detail)
    return failure


def _judge(effects: Mapping[str, Sequence[Effect]], after: Mapping[str, Snapshot]) -> StepFailed | None:
    for name in effects:
        for step, left in effects[name]:
            problem = left.contradiction(after[name]) if left is not None else None
            if problem is not None:
                return StepFailed(name, step.brief, f"the kernel took it, but {problem}", "What has changed it since?")
    return None


def _put_back(agents: Agents, before: Mapping[str, Snapshot], failure: BaseException) -> None:
    _, left = bring_back(agents, before)
    for name, steps in left.items():
        failure.add_note(f"{name} could not be brought back all the way; missing: {'; '.join(step.command for step in steps)}")


def bring_back(agents: Agents, then: Mapping[str, Snapshot]) -> tuple[dict[str, list[Step]], dict[str, list[Step]]]:
    """Bring nodes back to earlier snapshots of them; returns the steps that it took, and those that it could not do."""
    done: dict[str, list[Step]] = {name: [] for name in then}
    for _ in range(MOST_PASSES):
        now = take_snapshots(agents, then)
        todo = {name: steps for name in then if (steps := restore_all(now[name], then[name]))}
        if not todo:
            return done, {}
        for name, steps in apply_past_refusals(agents, todo).items():
            done[name] += steps
    now = take_snapshots(agents, then)
    return done, {name: steps for name in then if (steps := restore_all(now[name], then[name]))}


def apply_past_refusals(agents: Agents, todo: Mapping[str, Sequence[Step]]) -> dict[str, list[Step]]:
    """
    Each node's steps in one go, all nodes at the same time; returns what was done.

    Where the kernel refuses one (it went by itself, with another), that one is left to the next look.
    """
    left, done = {name: list(steps) for name, steps in todo.items()}, {name: [] for name in todo}
    while working := {name: steps for name, steps in left.items() if steps}:
        asked = {name: [(step, request) for step in steps for request in step.requests()] for name, steps in working.items()}
        answers = {name: agents[name].start("apply", requests=[request for _, request in requests]) for name, requests in asked.items()}
        for name, answer in answers.items():
            steps = left[name]
            try:
                answer()
                did, left[name] = steps, []
            except Refusal as refusal:
                at = steps.index(asked[name][refusal.position][0])
                did, left[name] = steps[:at], steps[at + 1 :]
            done[name] += did
    return done
