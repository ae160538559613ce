"""What is seen of a notebook's lab: it is joined, what was tried there is read, and what has changed since is judged."""

from __future__ import annotations

from dataclasses import asdict

from podnet_lab.backends import running_labs
from podnet_lab.errors import PodnetError
from podnet_lab.exercises import attempts
from podnet_lab.grading import sandbox_lab
from podnet_lab.grading.judge import Known, count, judge
from podnet_lab.lab.lab import Lab


class LabLooks:
    """Looks at the lab that the *kernel* of a notebook has open, in the sandbox whose first process is *init*, if it has one."""

    def __init__(self, known: Known, student: str, kernel: int, init: int | None) -> None:
        self._known, self._student, self._kernel, self._init = known, student, kernel, init
        self._judged: dict[str, attempts.Record] = {}
        self._solved: set[str] = set()
        self._lab: Lab | None = None

    def look(self) -> dict:
        """Marks for what was tried since the last look; of each exercise its hints, its explanations, and whether it was given up."""
        if (lab := self._joined()) is None:
            return {"marks": [], "records": {}}
        kept = attempts.read(lab)
        new = [name for name, record in kept.records.items() if self._judged.get(name) != record and name not in self._solved]
        marks = [judge(lab, self._known, self._student, name, kept) for name in new]
        self._judged = kept.records
        self._solved |= {mark.exercise for mark in marks if mark}
        records = {name: [count(one.hints), count(one.explanations), bool(one.given_up)] for name, one in kept.records.items()}
        return {"marks": [asdict(mark) for mark in marks], "records": records}

    def _joined(self) -> Lab | None:
        if self._lab is not None and self._lab.alive:
            return self._lab
        if self._lab is not None:
            self._leave()
        self._lab = self._join()
        if self._lab is not None:
            self._lab.parts.unaided.for_teacher = True
        return self._lab

    def _join(self) -> Lab | None:
        if self._init is not None:
            return sandbox_lab.join(self._init)
        return Lab.join(str(self._kernel)) if any(entry.owner == self._kernel for entry in running_labs.labs()) else None

    def _leave(self) -> None:
        lab, self._lab = self._lab, None
        try:
            lab.close()
        except (PodnetError, OSError):  # it has ended
            return
