"""The exercise that a lab is at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podnet_lab.lab.activity import Activity

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise import Exercise
    from podnet_lab.exercises.exercise_lab import ExerciseLab
    from podnet_lab.exercises.task import Task


class CurrentExercise:
    """
    What a lab asks of whoever works in it: *task* is the exercise that was begun last, if the lab is still at it.

    It needs the lab itself, since an exercise prepares and checks that, and its activity: what an exercise prepares is secret.
    """

    def __init__(self, lab: ExerciseLab, activity: Activity) -> None:
        self._lab, self._activity = lab, activity
        self.task: Task | None = None

    def exercise(self, which: str | Exercise) -> Task:
        """
        Bring the lab to the start of an exercise, by its name or of one's own, and say what is to be done there.

        What was in the lab before is gone, as with `goto`; the same exercise once more begins it again. It ends with the next
        one, or with `goto` and `reset`. Raises BadInput if there is none of that name, or if it is about another Pod network than
        this lab's; CannotRun if it needs a program that is not installed.
        """
        from podnet_lab.exercises.catalogue import find  # here: a lab opens without knowing all exercises
        from podnet_lab.exercises.task import begin

        exercise = find(which)
        with self._activity.at_work(secret=True):
            self.task = begin(self._lab, exercise)
        return self.task

    def leave(self) -> None:
        """End it, since the lab goes elsewhere: where it is then is nobody's answer."""
        if self.task is not None:
            self.task.leave()
            self.task = None
