"""
What the lab was told of each namespace last: of one that is still the same it is told no more than that.

What is spared is JSON, the wire, and the frozen model on the other side. Among hundreds of Pods a step changes one or two; and of a
node's own namespace, with a cable for each Pod, one subject.
"""

from __future__ import annotations

import marshal
from collections.abc import Collection, Mapping
from typing import Any

PLAIN = 2
"""The format of marshal that has no references: what it makes of equal data does not depend on who else holds it."""


Fingerprint = tuple[int, int]


def fingerprint(data: bytes) -> Fingerprint:
    """Length and hash (SipHash, 64 bits, with a key of this process); hashlib takes longer to load than all this saves."""
    return len(data), hash(data)


class ToldSpaces:
    """What was told last of namespaces that are read at each look, as fingerprints; the others are told when they are read."""

    def __init__(self) -> None:
        self.number = 0
        """That of the last answer."""
        self._told: dict[str, dict[str, Fingerprint]] = {}

    def news(self, spaces: Mapping[str, dict[str, Any] | None], known: int, kept: Collection[str]) -> dict[str, dict[str, Any] | None]:
        """
        What is new of *spaces*: None where one is as it was told last, and else those subjects that are not; the next answer's.

        None in *spaces* is one that was not read, and stayed so; *kept* are those that need not be read from now on. *known* is the
        number of the last answer that the asker has taken in. Is that another one, all is told: an answer may have been interrupted,
        or be on its way to another thread.
        """
        now = {name: _by_subject(space) for name, space in spaces.items() if space is not None and name not in kept}
        then = self._told if known == self.number else {}
        self.number, self._told = self.number + 1, now
        return {name: _new(space, now.get(name), then.get(name)) for name, space in spaces.items()}


def _by_subject(space: Mapping[str, Any]) -> dict[str, Fingerprint]:
    return {subject: fingerprint(marshal.dumps(data, PLAIN)) for subject, data in space.items()}


def _new(space: dict[str, Any] | None, now: dict[str, Fingerprint] | None, then: dict[str, Fingerprint] | None) -> dict[str, Any] | None:
    if space is None or now is None or then is None:
        return space
    return {subject: data for subject, data in space.items() if then.get(subject) != now[subject]} or None
