"""
What was tried in a lab, kept in the lab itself: it goes when the lab goes, and whoever joins the lab finds it.

It is the word of whoever works there, and who is root on every node may write there anything: `podnet grade` asks the
kernels itself, wherever it still can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

PLACE = "outside"
FILE = "/run/podnet-exercises.json"
MOST = 1_000_000
"""Bytes that it may have: who is root there may have made it of any size, and of any kind."""

CHECKING = "checking"
"""The verdict of an exercise whose check runs: it stays if that never ends."""

NO_END = "its check did not end"

MOST_RECORDS = 500
"""Exercises that it may tell of."""


@dataclass
class Record:
    """
    One exercise that was begun: how often it was checked, what came of the last time, and which help was asked for.

    *mistake* is the one that was recognised the last time, by its name; *explanations* counts what told the reason of a failure.
    """

    verdict: str = "begun"
    why: str = ""
    tries: int = 0
    hints: int = 0
    given_up: bool = False
    explanations: int = 0
    mistake: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> Record:
        """From what was kept; a value of another kind than it should be is as if it had not been kept. TypeError for unknown names."""
        usual = asdict(cls())
        return cls(**{name: value if type(value) is type(usual.get(name, value)) else usual[name] for name, value in kept.items()})


@dataclass
class Records:
    """All exercises that were begun in a lab, by name, the one that it is *at*, and whether something was *broken* on purpose."""

    at: str = ""
    records: dict[str, Record] = field(default_factory=dict)
    broken: bool = False

    def begin(self, name: str) -> None:
        """
        Begin an exercise, or begin it again: what the lab knows of it begins anew; who was told the answer stays told.

        A mark keeps what was solved before: `podnet grade` has seen it (`podnet_lab.grading.notebook_run`).
        """
        self.at = name
        before = self.records.pop(name, None)  # to the end: in the order in which they were begun
        self.records[name] = Record(given_up=before is not None and before.given_up)


def read(lab: ExerciseLab) -> Records:
    """What a lab knows of the exercises that were begun in it; nothing, if that can't be read."""
    text = lab[PLACE].read_file(FILE, MOST)
    try:
        kept = json.loads(text or "")
        if len(kept["records"]) > MOST_RECORDS:
            return Records()
        records = {str(name): Record.of(record) for name, record in kept["records"].items()}
        return Records(str(kept["at"]), records, bool(kept.get("broken")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Records()


def write(lab: ExerciseLab, records: Records) -> None:
    """Keep it in the lab."""
    text = json.dumps(asdict(records))
    lab[PLACE].shell(f"printf %s {quote(text)} > {FILE}.new && mv {FILE}.new {FILE}")
