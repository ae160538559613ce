"""
What an exercise is, and how an answer to it is assessed.

An exercise is a value that says everything about itself but its solution. Its check is a function that yields claims, one
after the other, from below to above; the first that does not hold is the last that is asked for. So a claim may rely on
those before it, and nobody waits for a ping over a cable that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Check, Checks
from podnet_lab.errors import BadInput, LabGone, LessonFailed, PodnetError
from podnet_lab.exercises.claims import Untested, everyone
from podnet_lab.exercises.lesson_errors import in_lesson, located, place_of
from podnet_lab.model import Snapshot
from podnet_lab.networks import registry as networks
from podnet_lab.printable_names import one_line

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

    *needs* are programs without which nobody makes it. *fails* is the claim of the check that does not hold then, for a mistake that no
    snapshot shows: it is seen at that claim alone.
    """

    name: str
    seen: Callable[[Cluster], bool]
    hint: str
    needs: tuple[str, ...] = ()
    fails: str = ""

    def __post_init__(self) -> None:
        _refuse_needs(f"the mistake {self.name!r}", self.needs)


def _refuse_needs(whose: str, needs: object) -> None:
    """A text in the place of a tuple of one is a program for each of its letters."""
    if isinstance(needs, str) or not isinstance(needs, Iterable) or not all(isinstance(program, str) for program in needs):
        raise BadInput(f'{whose}: needs is a tuple of programs, such as ("nft",) with its comma, and not {needs!r}')


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
        if not callable(self.hints) and (isinstance(self.hints, str) or len(self.hints) != len(LEVELS) or not all(self.hints)):
            raise BadInput(f"{self.name}: there are three hints: a question, a place to look, the command")
        _refuse_needs(self.name, self.needs)
        if not isinstance(self.mistakes, tuple | list) or not all(isinstance(mistake, Mistake) for mistake in self.mistakes):
            raise BadInput(f"{self.name}: mistakes is a tuple of Mistake(…), of one with a comma: (Mistake(…),)")
        names = [mistake.name for mistake in self.mistakes]
        if len(set(names)) < len(names):
            raise BadInput(f"{self.name}: two of its mistakes have the same name")
        networks.find(self.network).earlier(self.starts_at)

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
    """
    What the kernels say of an answer: claims up to the first that does not hold, and the mistake that was recognised.

    *raised* is what was raised by mistakes that looked for what was not there, by their names.
    """

    exercise: str
    checks: Checks
    mistake: Mistake | None = None
    raised: Mapping[str, str] = field(default_factory=dict)

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
            for claim in _claims(exercise, lab):
                claims.append(claim)
                if not claim:
                    break
        wrong = not all(claims)
        seen = everyone(lab) if wrong and exercise.mistakes else {}
    except (LabGone, LessonFailed):
        raise
    except PodnetError as error:
        return Assessment(exercise.name, Checks([*claims, Untested("the answer can be judged", located(error))]))
    raised: dict[str, str] = {}
    mistake = _recognised(exercise, seen, raised, claims[-1]) if wrong else None
    return Assessment(exercise.name, Checks(claims), mistake, raised)


def mistake_now(exercise: Exercise, lab: ExerciseLab) -> Mistake | None:
    """The first mistake that the kernels of *lab* show, of an answer that is known to be wrong; none that only a claim tells."""
    return _recognised(exercise, everyone(lab), {}, None) if exercise.mistakes else None


def _recognised(exercise: Exercise, cluster: Cluster, raised: dict[str, str], failed: Check | None) -> Mistake | None:
    return next((mistake for mistake in exercise.mistakes if _shows(mistake, cluster, raised, failed)), None)


def _claims(exercise: Exercise, lab: ExerciseLab) -> Iterator[Check]:
    """What an exercise's check says, if that is claims: anything else would be true, or false, for no reason."""
    running = exercise.check(lab)
    if not isinstance(running, Iterable):
        raise LessonFailed(_no_check(exercise, running, None, "returns"))
    for claim in running:
        if not isinstance(claim, Check):
            raise LessonFailed(_no_check(exercise, claim, running, "yields"))
        yield claim


def _no_check(exercise: Exercise, claim: object, running: object, does: str) -> str:
    place = place_of(exercise.check, running)
    what = one_line(repr(claim)) if len(repr(claim)) <= 60 else f"a {type(claim).__name__}"
    return f"the check of {exercise.name} failed: {place}{': ' if place else ''}it {does} {what}, and a check yields a Check for each claim"


def _shows(mistake: Mistake, cluster: Cluster, raised: dict[str, str], failed: Check | None) -> bool:
    """Whether a mistake is seen; one that looks for what is not there at all is not, and only costs its hint: that is *raised*."""
    if mistake.fails and (failed is None or mistake.fails != failed.claim):
        return False
    try:
        with in_lesson(f"the mistake {mistake.name!r}"):
            return bool(mistake.seen(cluster))
    except LessonFailed as error:
        if isinstance(error.__cause__, LookupError | AttributeError):
            raised[mistake.name] = str(error)
            return False
        raise
