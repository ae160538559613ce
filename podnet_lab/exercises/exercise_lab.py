"""What exercises need of a lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from podnet_lab.checks.answers import Answers
    from podnet_lab.checks.exam import Exam
    from podnet_lab.checks.reachability import Ping
    from podnet_lab.exercises.exercise import Exercise
    from podnet_lab.exercises.task import Task
    from podnet_lab.model import Cluster
    from podnet_lab.networks.base import Network
    from podnet_lab.plan import Plan


class ExerciseNode(Protocol):
    """A node: what is typed there."""

    def shell(self, script: str) -> str:
        """Run *script* with bash on this node; ShellFailed if it failed."""

    def read_file(self, path: str, most: int) -> str | None:
        """A regular file of this node, if it has *most* bytes at most."""


class Fault(Protocol):
    """What is broken in a lab, for somebody to find."""

    @property
    def pair(self) -> tuple[str, str]:
        """Who does not reach whom any more."""


class ExerciseLab(Protocol):
    """
    A lab as exercises see it: `podnet_lab.lab.lab.Lab` is one.

    What an exercise's own functions call besides (`lab.run`, `lab.explain`, …) is theirs to know.
    """

    plan: Plan
    network: Network

    @property
    def task(self) -> Task | None:
        """The exercise that the lab is at."""

    @property
    def broken(self) -> Fault | None:
        """What was broken by ``break_something``, until it is given up, or the lab is brought back."""

    def __getitem__(self, name: str) -> ExerciseNode:
        """A node."""

    def exercise(self, which: str | Exercise) -> Task:
        """Begin an exercise."""

    def goto(self, stage: str) -> object:
        """Bring the lab to the state before a stage."""

    def snapshot(self, *names: str) -> Cluster:
        """What the kernels say now."""

    def ping(self, source: str, target: str, expect: bool = True) -> Ping:
        """Try one pair."""

    def check(self) -> Exam:
        """Try every pair."""

    def ask(self, source: str, target: str, *, patience: float = ...) -> Answers:
        """Ask a server, and wait *patience* seconds at most."""
