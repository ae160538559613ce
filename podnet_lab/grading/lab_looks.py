"""What is seen of a notebook's labs: they are joined, what was tried there is read, and what has changed since is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from podnet_lab.backends import joined, running_labs
from podnet_lab.errors import LabGone, NoLab, PodnetError
from podnet_lab.exercises import attempts
from podnet_lab.grading import sandbox_lab
from podnet_lab.grading.judge import Known, count, judge
from podnet_lab.grading.marks import Mark
from podnet_lab.lab.lab import Lab

MOST_LABS = 5
"""Labs of one notebook at a time: each is joined by agents here."""


class _Seen:
    """A lab that was joined, and what of its record was judged."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.judged: dict[str, attempts.Record] = {}


class LabLooks:
    """Looks at the labs that the *kernel* of a notebook has open, in the sandbox whose first process is *init*, if it has one."""

    def __init__(self, known: Known, student: str, kernel: int, init: int | None) -> None:
        self._known, self._student, self._kernel, self._init = known, student, kernel, init
        self._seen: dict[str, _Seen] = {}
        self._solved: set[str] = set()

    def look(self) -> dict:
        """
        Marks for what was tried in any lab since the last look; of each exercise its hints, its explanations, whether it was given up.

        *doubt* says why a lab could not be looked at; the others are. *checking* is the exercise whose check runs now.
        """
        marks, records, doubt, checking = [], {}, "", ""
        found = self._found()
        for key in [*self._seen, *(key for key in found if key not in self._seen)]:
            try:
                seen = self._seen.get(key) or self._joined(key, found[key])
                kept = attempts.read(seen.lab)
            except PodnetError as error:
                if not isinstance(error, LabGone) or key in found:  # else it was closed
                    doubt = str(error)
                continue
            marks += self._new_marks(seen, kept)
            checking = next((name for name, one in kept.records.items() if one.verdict == attempts.CHECKING), checking)
            for name, one in kept.records.items():
                records[name] = _most(records.get(name), [count(one.hints), count(one.explanations), bool(one.given_up)])
        return {"marks": [asdict(mark) for mark in marks], "records": records, "doubt": doubt, "checking": checking}

    def _new_marks(self, seen: _Seen, kept: attempts.Records) -> list[Mark]:
        new = [name for name, record in kept.records.items() if seen.judged.get(name) != record and name not in self._solved]
        marks = [judge(seen.lab, self._known, self._student, name, kept) for name in new]
        seen.judged = kept.records
        self._solved |= {mark.exercise for mark in marks if mark}
        return marks

    def _joined(self, key: str, join: Callable[[], Lab]) -> _Seen:
        if len(self._seen) >= MOST_LABS:
            raise NoLab(f"more than {MOST_LABS} labs are running")
        seen = self._seen[key] = _Seen(join())
        seen.lab.parts.unaided.for_teacher = True
        return seen

    def _found(self) -> dict[str, Callable[[], Lab]]:
        """
        What joins each lab that is listed now, by a key of its own.

        One that was joined is looked at until it ends, whether it is listed or not: who works there may have taken it off the list.
        """
        for key in [key for key, seen in self._seen.items() if not seen.lab.alive]:
            self._leave(key)
        if self._init is not None:
            return sandbox_lab.labs(self._init)
        mine = [entry for entry in running_labs.labs() if entry.owner == self._kernel]
        return {entry.name: lambda entry=entry: Lab.of_running(joined.kind_of(entry).running(entry)) for entry in mine}

    def _leave(self, key: str) -> None:
        try:
            self._seen.pop(key).lab.close()
        except (PodnetError, OSError):  # it has ended
            return


def _most(one: list | None, other: list) -> list:
    """The same exercise may have been begun in two labs: the most help of both."""
    return other if one is None else list(map(max, one, other))
