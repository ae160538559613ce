"""What was broken on purpose in a lab, and whether anything is; how that is done is in `podnet_lab.lab.fault_injection`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.explain.fault import Fault
    from podnet_lab.explain.fault_places import FaultPlaces
    from podnet_lab.lab.unaided import Unaided
    from podnet_lab.model import Snapshot


@dataclass(repr=False)
class Broken:
    """
    What was broken, and how its node was before; shown, it says no more than who does not reach whom.

    *asked* is how many hints were given, of those in *about*. *denied* are the pairs of which one did not reach the other before.
    """

    fault: Fault
    where: FaultPlaces
    before: dict[str, Snapshot]
    unmanaged_state: dict
    asked: int = 0
    about: tuple[str, ...] = ()
    denied: frozenset[tuple[str, str]] = frozenset()

    @property
    def pair(self) -> tuple[str, str]:
        """Who does not reach whom any more."""
        return self.fault.pair(self.where)

    def __repr__(self) -> str:
        source, target = self.pair
        big = f" with {self.fault.size} bytes" if self.fault.size else ""
        return f"something is broken: {source} does not reach {target}{big} any more"


class BrokenOnPurpose:
    """What is broken *now*, if anything is; *unaided* keeps that something is to be found."""

    def __init__(self, unaided: Unaided) -> None:
        self._unaided = unaided
        self.now: Broken | None = None

    def forget(self) -> None:
        """The lab was brought back: what was broken is mended by that."""
        self.now = None
        if self._unaided.broken:  # perhaps by whoever opened the lab that this process has joined
            self._unaided.keep_broken(False)
