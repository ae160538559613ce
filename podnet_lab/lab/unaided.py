"""Whether whoever works in a lab is to find something out by himself, and what help he asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from podnet_lab.errors import BadInput

if TYPE_CHECKING:
    from podnet_lab.exercises.attempts import Records
    from podnet_lab.exercises.exercise_lab import ExerciseLab


class Unaided:
    """
    What a lab keeps to itself while an exercise is at work in it, or something was broken on purpose.

    It is read from the lab's own record, so that a process that joined the lab keeps quiet, too; one that marks it, *for_teacher*,
    does not. It needs the lab, which has the record.
    """

    def __init__(self, lab: ExerciseLab) -> None:
        self._lab = lab
        self.for_teacher = False

    @property
    def on(self) -> bool:
        """Whether reasons are not told unasked."""
        kept = self._read()
        return bool(kept.at or kept.broken) and not self.for_teacher

    @property
    def exercise(self) -> str:
        """The exercise that the lab is at, or nothing."""
        return self._read().at

    @property
    def broken(self) -> bool:
        """Whether something was broken on purpose, and is to be found."""
        return self._read().broken

    def asked(self, hints: int = 0, explanations: int = 0) -> None:
        """So many hints of this exercise have been asked for by now, and so many explanations more: its mark tells."""

        def note(kept: Records) -> None:
            record = kept.records.get(kept.at)
            if record is not None:
                record.hints, record.explanations = max(record.hints, hints), record.explanations + explanations

        self._change(note)

    def given_up(self) -> None:
        """What is broken is about to be told and mended: nothing that is done later takes that back."""

        def note(kept: Records) -> None:
            if kept.at in kept.records:
                kept.records[kept.at].given_up = True

        self._change(note)

    def keep_broken(self, broken: bool) -> None:
        """Something was broken on purpose, or is mended."""

        def note(kept: Records) -> None:
            kept.broken = broken

        self._change(note)

    def _read(self) -> Records:
        from podnet_lab.exercises import attempts  # here: a lab opens without knowing what exercises are

        try:
            return attempts.read(self._lab)
        except BadInput:  # VMs whose lab nobody has open have no host outside, and no exercise
            return attempts.Records()

    def _change(self, note: Callable[[Records], None]) -> None:
        from podnet_lab.exercises import attempts  # here, as above

        kept = self._read()
        before = asdict(kept)
        note(kept)
        if asdict(kept) != before:
            attempts.write(self._lab, kept)
