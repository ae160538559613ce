"""What came of asking a server: who answered, and whose address it saw. Pure values."""

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
        found = _LINE.match(self.text)
        return found[name] if found else None

    @property
    def who(self) -> str | None:
        """Who answered; None if nobody did, or it was no server of the lab."""
        return self._part("who")

    @property
    def node(self) -> str | None:
        """The node that it is on."""
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
        """How often each answered, by name."""
        return dict(sorted(Counter(one.who or str(one) for one in self).items()))

    @property
    def who(self) -> list[str]:
        """Who answered, by name; each once."""
        return sorted({one.who for one in self if one.who})

    @property
    def clients(self) -> list[str]:
        """The clients' addresses that were seen; each once."""
        return sorted({one.client for one in self if one.client})

    @property
    def problems(self) -> dict[str, int]:
        """How often each thing went wrong."""
        return dict(sorted(Counter(one.problem for one in self if one.problem).items()))

    @property
    def median(self) -> float:
        """Half of the answers took no longer, in seconds."""
        times = sorted(one.seconds for one in self)
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


def answers(found: Iterable[Iterable]) -> Answers:
    """Answers from what an agent says: (text, problem, seconds) of each."""
    return Answers(Answer(*one) for one in found)


def chi_square(counts: Iterable[int]) -> float:
    """How far counts are from being all the same: the sum of (seen - expected)² / expected."""
    seen = list(counts)
    expected = sum(seen) / len(seen)
    return sum((one - expected) ** 2 / expected for one in seen)
