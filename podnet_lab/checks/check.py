"""A claim, and what contradicts it: what every check comes to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.errors import CheckFailed


@dataclass(frozen=True)
class Check:
    """One claim about the network, and what contradicts it (None: it holds)."""

    claim: str
    problem: str | None = None

    def __bool__(self) -> bool:
        return self.problem is None

    def __str__(self) -> str:
        return f"ok    {self.claim}" if self else f"FAIL  {self.claim}: {self.problem}"

    __repr__ = __str__


class Checks(tuple[Check, ...]):
    """Checks in order; true if all hold, and there is at least one."""

    def __bool__(self) -> bool:
        return len(self) > 0 and all(self)

    @property
    def first_failure(self) -> Check | None:
        """The first claim that doesn't hold: the cause of those after it. It is a false value; None if all hold."""
        return next((check for check in self if not check), None)

    def require(self) -> Checks:
        """Give the checks back if all hold; raise CheckFailed with the first failure if not."""
        if not self:
            raise CheckFailed("nothing was checked" if self.first_failure is None else str(self.first_failure))
        return self

    @property
    def summary(self) -> str:
        """One line: how many of how many."""
        return f"{sum(map(bool, self))} of {len(self)} checks hold"

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "nothing was checked"

    __repr__ = __str__
