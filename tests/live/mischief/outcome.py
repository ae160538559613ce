"""What was said of a pair beside what is true of it, and how often each came about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

RIGHT, WRONG, UNSURE, EXCLUDED = "right", "wrong", "unsure", "excluded"
COUNTERS = ("typed", "refused", "repairs", "returns")


@dataclass
class Outcome:
    """
    One pair of one case: what was typed, what was *said* (healthy, cause, unsure, refused, crashed), and the *truth*.

    *before* is what was typed earlier in the same network without any harm; *again* what is said once truth was found out.
    """

    seed: int
    number: int
    shape: str
    pair: str
    truth: str
    said: str
    text: str
    commands: list[str]
    before: list[str] = field(default_factory=list)
    again: str = ""
    alone: str = ""
    alone_text: str = ""
    unsure: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Right, wrong, unsure; or excluded, where nobody can be right."""
        return judged(self.said, self.truth)


def judged(said: str, truth: str) -> str:
    """Right, wrong, unsure or excluded."""
    if said == "crashed":
        return WRONG
    if truth in ("flaky", "elsewhere", "moved", "gone"):
        return EXCLUDED
    if said == "unsure":
        return UNSURE
    return RIGHT if (said == "healthy") == (truth == "works") else WRONG


@dataclass
class Found:
    """All that a run found; what other processes found is added."""

    outcomes: list[Outcome] = field(default_factory=list)
    typed: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    repairs: Counter = field(default_factory=Counter)
    unmended: list[str] = field(default_factory=list)
    returns: Counter = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take in what another one found."""
        self.outcomes += other.outcomes
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for name in ("refusals", "unmended", "left"):
            getattr(self, name).extend(getattr(other, name))

    @property
    def cases(self) -> int:
        """How many times something was typed and judged."""
        return len({(one.seed, one.number) for one in self.outcomes})

    def of(self, verdict: str) -> list[Outcome]:
        """The outcomes with that verdict."""
        return [one for one in self.outcomes if one.verdict == verdict]

    def to_json(self) -> dict:
        """As plain data, to be sent between processes."""
        counters = {name: dict(getattr(self, name)) for name in COUNTERS}
        return {**vars(self), **counters, "outcomes": [vars(one) for one in self.outcomes]}

    @classmethod
    def from_json(cls, data: dict) -> Found:
        """The same back."""
        counters = {name: Counter(data[name]) for name in COUNTERS}
        return cls(**{**data, **counters, "outcomes": [Outcome(**one) for one in data["outcomes"]]})
