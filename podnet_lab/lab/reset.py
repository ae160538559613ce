"""Back to the baseline, whoever made what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podnet_lab.backends.backend import Backend
from podnet_lab.backends.baseline import Baseline
from podnet_lab.lab.run_steps import bring_back
from podnet_lab.model import Snapshot, decode
from podnet_lab.networks.base import DONE, Network
from podnet_lab.printable_names import one_line
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step

MOST_ROUNDS = 2
"""The second one is for a node whose cable to the external network had to be made anew."""

MOST_LINES = 30
"""Undone things that are printed; all of them are in `Reset.undone`."""


@dataclass(frozen=True)
class Reset:
    """What a reset did: *undone* are the commands that it took; *left* says in words what it could not bring back."""

    headline: str
    undone: tuple[str, ...]
    left: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether all is as it is said to be."""
        return not self.left

    def __str__(self) -> str:
        return "\n".join([self.headline, *self._lines(), *self._what_is_left()])

    def _lines(self) -> list[str]:
        more = [f"  … and {len(self.undone) - MOST_LINES} more"] if len(self.undone) > MOST_LINES else []
        return [*(f"  {line}" for line in self.undone[:MOST_LINES]), *more]

    def _what_is_left(self) -> list[str]:
        return ["could not be brought back:", *(f"  {line}" for line in self.left)] if self.left else []

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class Goto(Reset):
    """
    What a goto did.

    *undone* are the commands that took away what no step of this lab had made; *result*, what was built; *failing*, the checks of
    the stages before that do not hold all the same.
    """

    result: Result | None = None
    failing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not (self.left or self.failing)

    def __str__(self) -> str:
        foreign = ["what no step of this lab had made was undone:"] if self.undone else []
        failing = ["what does not hold:", *(f"  {line}" for line in self.failing)] if self.failing else []
        return "\n".join([self.headline, *foreign, *self._lines(), *self._what_is_left(), *failing])

    __repr__ = __str__


def reset(backend: Backend, baseline: Baseline, made: set[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Bring all nodes back to *baseline*.

    Returns, in words, what that took beyond taking back what is in *made*, and what could not be brought back.
    """
    backend.refuse_reset()
    ended, running = _end_processes(backend, made)
    lines = [*ended, *_remove_broken_names(backend), *backend.mend(baseline)]
    left: dict[str, list[str]] = {}
    for _ in range(MOST_ROUNDS):
        words, left = _bring_back(backend, baseline, made)
        lines += words
        left = {name: missing for name, missing in left.items() if missing}
        again = [name for name, missing in left.items() if backend.remake_uplink(name, baseline, missing)]
        if not again:
            break
        lines += [f"{name}# (its cable to the external network was made anew)" for name in again]
    for answer in [agent.start("forget") for agent in backend.agents.values()]:
        answer()
    missing = [f"{name}: {words}" for name, some in left.items() for words in some]
    return tuple(map(one_line, dict.fromkeys(lines))), tuple(map(one_line, [*missing, *running]))


def _bring_back(backend: Backend, baseline: Baseline, made: set[tuple[str, str]]) -> tuple[list[str], dict[str, list[str]]]:
    """Steps first, which make and delete; then what no step manages; and again the former, where the latter was in their way."""
    done, undoable = bring_back(backend.agents, baseline.snapshots)
    lines = _words(done, made)
    undone, left = _restore_unmanaged_state(backend, baseline)
    if undoable or undone:
        done, undoable = bring_back(backend.agents, baseline.snapshots)
        more, left = _restore_unmanaged_state(backend, baseline)
        lines, undone = [*lines, *_words(done, made)], [*undone, *more]
    undone = [line for line in undone if line not in _own_settings(made)]
    for name, steps in undoable.items():
        left[name] = [*left[name], *(f"still to do: {step.command}" for step in steps)]
    return [*lines, *undone], left


def _own_settings(made: set[tuple[str, str]]) -> set[str]:
    """In words, what takes back the one setting that a step makes and that nobody reads any more once the bridges are gone."""
    return {f"{node}# sysctl -w net/bridge/bridge-nf-call-iptables=0" for node, key in made if key == repr(("bridged", None))}


def _words(done: Mapping[str, Sequence[Step]], made: set[tuple[str, str]]) -> list[str]:
    return [f"{name}# {step.command}" for name, steps in done.items() for step in steps if not _made_here(name, step, made)]


def _restore_unmanaged_state(backend: Backend, baseline: Baseline) -> tuple[list[str], dict[str, list[str]]]:
    answers = {name: agent.start("restore_unmanaged_state", then=baseline.unmanaged_state[name]) for name, agent in backend.agents.items()}
    found = {name: answer() for name, answer in answers.items()}
    undone = [f"{name}# {words}" for name, both in found.items() for words in both["undone"]]
    return undone, {name: both["left"] for name, both in found.items()}


def came_back(undone: Sequence[str], left: Sequence[str]) -> str:
    """The headline of a reset."""
    if left:
        return "the lab is as it was opened, but for what is left"
    return "the lab is as it was opened" if undone else "nothing to do: the lab is as it was opened"


def arrived(stage: str, left: Sequence[str], failing: Sequence[str]) -> str:
    """The headline of a goto: "wired" or "ready" only where the checks of the stages before hold, and nothing is left."""
    if failing:
        return f"the lab was built as far as stage {stage!r}, and it does not work"
    words = "the lab is wired" if stage == DONE else f"the lab is ready for stage {stage!r}"
    return f"{words.replace('is', 'was built to be', 1)}, but for what is left" if left else words


def failing_checks(network: Network, stage: str, cluster: Mapping[str, Snapshot], pods: int) -> tuple[str, ...]:
    """
    The checks of the stages before *stage* that do not hold on nodes as they are in *cluster*.

    None where no Pods are planned: a stage's checks ask for some.
    """
    stages = network.stages[: network.starts.index(stage)] if pods else ()
    return tuple(str(check) for one in stages for node in cluster.values() for check in one.checks(node, cluster, pods) if not check)


def _end_processes(backend: Backend, made: set[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """
    End what runs in the background, first of all: it would keep Pods alive, and may make again what is deleted.

    Returns, in words, what ended, and what does not end.
    """
    answers = [(name, agent.start("end_processes")) for name, agent in backend.agents.items()]
    lines, running = [], []
    for name, answer in answers:
        for ended in answer():
            process = decode.process({key: value for key, value in ended.items() if key != "ended"})
            if not ended["ended"]:
                running.append(f"{name}: does not end: {process}")
            elif (name, repr(("daemon", process.namespace, process.daemon))) not in made:
                lines.append(f"{name}# (ended: {process})")
    return lines, running


def _remove_broken_names(backend: Backend) -> list[str]:
    answers = [(name, agent.start("remove_broken_names")) for name, agent in backend.agents.items()]
    return [f"{name}# rm /run/netns/{broken}" for name, answer in answers for broken in answer()]


def _made_here(node: str, step: Step, made: set[tuple[str, str]]) -> bool:
    return any((node, repr(key)) in made for key in step.touches())
