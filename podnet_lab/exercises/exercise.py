"""
What an exercise is, and how an answer to it is assessed.

An exercise is a value that says everything about itself but its solution. Its check is a function that yields claims, one
after the other, from below to above; the first that does not hold is the last that is asked for. So a claim may rely on
those before it, and nobody waits for a ping over a cable that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Check, Checks
from podnet_lab.errors import BadInput, LabGone, LessonFailed, PodnetError
from podnet_lab.exercises.claims import Untested, everyone
from podnet_lab.exercises.lesson_errors import in_lesson
from podnet_lab.model import Snapshot
from podnet_lab.networks import registry as networks
from podnet_lab.plan import plan

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

Cluster = Mapping[str, Snapshot]

LEVELS = (1, 2, 3)
"""Of hints: a question, a place to look, the command."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Mistake:
    """
    A wrong but plausible answer: *seen* tells it from snapshots of all nodes and of ``outside``, *hint* fits it.

    *needs* are programs without which nobody makes it.
    """

    name: str
    seen: Callable[[Cluster], bool]
    hint: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """
    One exercise, without its solution.

    *check* yields claims about a lab, lowest layer first. *network* names the Pod network that it is about, *start* the stage
    of that which the lab goes to (the first, if none is named); *prepare* is what is done to it then, and what that returns is
    added to the task. *hints* are a question, a place to look, and the command, or a function of the lab and the level. *needs*
    are programs without which it can't be done, *nodes* and *pods* (on each) what a lab needs at least.

    Raises BadInput where it can't be right: a name that is none, hints that are not three, a stage that there is not.
    """

    name: str
    title: str
    task: str
    check: Callable[[ExerciseLab], Iterable[Check]]
    hints: tuple[str, str, str] | Callable[[ExerciseLab, int], str]
    mistakes: tuple[Mistake, ...] = ()
    start: str | None = None
    prepare: Callable[[ExerciseLab], str | None] | None = None
    needs: tuple[str, ...] = ()
    network: str = networks.LESSON
    nodes: int = 1
    pods: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise BadInput(f"{self.name!r} can't be an exercise's name: letters, digits and . _ -, at most 64 of them")
        if not callable(self.hints) and (len(self.hints) != len(LEVELS) or not all(self.hints)):
            raise BadInput(f"{self.name}: there are three hints: a question, a place to look, the command")
        names = [mistake.name for mistake in self.mistakes]
        if len(set(names)) < len(names):
            raise BadInput(f"{self.name}: two of its mistakes have the same name")
        networks.find(self.network).before(self.starts_at, plan())

    @property
    def starts_at(self) -> str:
        """The stage that the lab goes to."""
        return self.start or networks.find(self.network).stage_names[0]

    @property
    def set(self) -> str:
        """The set that it belongs to: of "bridge-2" it is "bridge"."""
        return self.name.rpartition("-")[0] or self.name

    def hint(self, lab: ExerciseLab, level: int) -> str:
        """A question (1), a place to look (2), or the command (3)."""
        if level not in LEVELS:
            raise BadInput(f"there are hints 1, 2 and 3, not {level!r}")
        if not callable(self.hints):
            return self.hints[level - 1]
        with in_lesson(f"the hints of {self.name}"):
            return self.hints(lab, level)


@dataclass(frozen=True)
class Assessment:
    """What the kernels say of an answer: claims up to the first that does not hold, and the mistake that was recognised."""

    exercise: str
    checks: Checks
    mistake: Mistake | None = None

    def __bool__(self) -> bool:
        return bool(self.checks)

    @property
    def verdict(self) -> str:
        """The answer in words: "solved", "not solved", or "could not test", which is neither."""
        if self:
            return "solved"
        return "could not test" if isinstance(self.checks.first_failure, Untested) else "not solved"

    @property
    def why(self) -> str:
        """What is wrong, in one line; empty where nothing is."""
        wrong = self.checks.first_failure  # a false value, like every claim that does not hold
        return "" if self else "nothing was checked" if wrong is None else f"{wrong.claim}: {wrong.problem}"

    def __str__(self) -> str:
        last = {"solved": f"solved: {self.exercise}", "not solved": "not solved yet"}.get(self.verdict, self.verdict)
        return "\n".join([*map(str, self.checks), last + (f": {self.mistake.hint}" if self.mistake else "")])

    __repr__ = __str__


def assess(exercise: Exercise, lab: ExerciseLab) -> Assessment:
    """Judge what the kernels of *lab* say of an answer to *exercise*; whose it is, and how it came there, does not matter."""
    claims: list[Check] = []
    try:
        with in_lesson(f"the check of {exercise.name}"):
            for claim in exercise.check(lab):
                claims.append(claim)
                if not claim:
                    break
        wrong = not all(claims)
        seen = everyone(lab) if wrong and exercise.mistakes else {}
    except (LabGone, LessonFailed):
        raise
    except PodnetError as error:
        return Assessment(exercise.name, Checks([*claims, Untested("the answer can be judged", str(error))]))
    mistake = next((mistake for mistake in exercise.mistakes if wrong and _shows(mistake, seen)), None)
    return Assessment(exercise.name, Checks(claims), mistake)


def _shows(mistake: Mistake, cluster: Cluster) -> bool:
    """Whether a mistake is seen; one that looks for what is not there at all is not, and only costs its hint."""
    try:
        with in_lesson(f"the mistake {mistake.name!r}"):
            return bool(mistake.seen(cluster))
    except LessonFailed as failed:
        if isinstance(failed.__cause__, LookupError | AttributeError):
            return False
        raise
