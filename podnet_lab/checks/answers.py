"""Answers of the lab's servers: which Pod answered, and which client address it saw. Pure values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from podnet_lab.errors import CheckFailed

_LINE = re.compile(r"(?P<who>\S+) on (?P<node>\S+) saw (?P<client>\S+)")


@dataclass(frozen=True)
class Answer:
    """One answer: *text* as it came, or *problem*; *seconds* from before the connection to the answer."""

    text: str
    problem: str = ""
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return not self.problem

    def _part(self, name: str) -> str | None:
        match = _LINE.match(self.text)
        return match[name] if match else None

    @property
    def who(self) -> str | None:
        """The name of the Pod that answered; None if there was no answer, or it was not from a server of the lab."""
        return self._part("who")

    @property
    def node(self) -> str | None:
        """The node of the Pod that answered."""
        return self._part("node")

    @property
    def client(self) -> str | None:
        """The client's address, as the server saw it."""
        return self._part("client")

    def __str__(self) -> str:
        return self.text or self.problem

    __repr__ = __str__


class Answers(tuple[Answer, ...]):
    """Answers in the order in which they were asked for; true if all came, and there is at least one."""

    def __bool__(self) -> bool:
        return len(self) > 0 and all(self)

    @property
    def counts(self) -> dict[str, int]:
        """How often each server answered, by its Pod's name."""
        return dict(sorted(Counter(answer.who or str(answer) for answer in self).items()))

    @property
    def who(self) -> list[str]:
        """The names of the Pods that answered; each once."""
        return sorted({answer.who for answer in self if answer.who})

    @property
    def clients(self) -> list[str]:
        """The clients' addresses that were seen; each once."""
        return sorted({answer.client for answer in self if answer.client})

    @property
    def problems(self) -> dict[str, int]:
        """How often each problem occurred."""
        return dict(sorted(Counter(answer.problem for answer in self if answer.problem).items()))

    @property
    def median(self) -> float:
        """The median time to an answer, in seconds."""
        times = sorted(answer.seconds for answer in self)
        return times[len(times) // 2] if times else 0.0

    def require(self) -> Answers:
        """Give the answers back if all came; raise CheckFailed with what went wrong if not."""
        if not self:
            raise CheckFailed(", ".join(f"{count} × {problem}" for problem, count in self.problems.items()) or "nobody was asked")
        return self

    def __str__(self) -> str:
        if len(self) == 1:
            return str(self[0])
        return "\n".join(f"{count:4} × {text}" for text, count in sorted(Counter(map(str, self)).items()))

    __repr__ = __str__


def answers(replies: Iterable[Iterable]) -> Answers:
    """Answers from an agent's replies: (text, problem, seconds) of each."""
    return Answers(Answer(*reply) for reply in replies)


def chi_square(counts: Iterable[int]) -> float:
    """Pearson's chi-square statistic of *counts* against equal ones: the sum of (count - expected)² / expected."""
    observed = list(counts)
    expected = sum(observed) / len(observed)
    return sum((count - expected) ** 2 / expected for count in observed)
