"""The lab's half that sets exercises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise import Exercise
    from podnet_lab.exercises.task import Task
    from podnet_lab.lab.lab import Lab


class Exercising:
    """What a `Lab` can ask of whoever works in it."""

    _task: Task | None = None

    def exercise(self: Lab, which: str | Exercise) -> Task:
        """
        Bring the lab to the start of an exercise, by its name or of one's own, and say what is to be done there.

        What was in the lab before is gone, as with `goto`; the same exercise once more begins it again. It ends with the next
        one, or with `goto` and `reset`. Raises BadInput if there is none of that name, CannotRun if it needs a program that
        is not installed.
        """
        from podnet_lab.exercises.catalogue import find  # here: a lab opens without knowing all exercises
        from podnet_lab.exercises.task import begin

        exercise = find(which)
        with self._at_work(secret=True):
            self._task = begin(self, exercise)
        return self._task

    def _leave_exercise(self: Lab) -> None:
        """The one that the lab is at ends when the lab goes elsewhere: where it is then is nobody's answer."""
        if self._task is not None:
            self._task.leave()
            self._task = None
