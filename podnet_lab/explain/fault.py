"""
What a fault is: a command that a person would type, whom it cuts off, and what an explanation has to say of it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podnet_lab.explain.fault_places import FaultPlaces

BIG = 1400
"""Bytes of an echo that passes a cable of 1,500 and none of 1,000."""


@dataclass(frozen=True)
class Fault:
    """
    One fault: *command* is typed on *on* ("here": the Pod's node, or "there"); then *pair* is not reached any more.

    *layer* and *at* ("pod", "neighbour", "node", "other node", "other pod", "outside") are what an explanation has to name.
    *size*: only of echoes so big. *needs* are programs, and settings below /proc/sys, without which it can't be made; *wants* say
    of places what has to be there, such as a tunnel. *mend* is typed to mend it, beside what brings the node back to how it was.
    Within *takes* seconds somebody is cut off.
    """

    name: str
    command: Callable[[FaultPlaces], str]
    layer: str
    at: str
    on: str = "here"
    pair: Callable[[FaultPlaces], tuple[str, str]] = lambda places: places.remote_pair
    size: int | None = None
    needs: tuple[str, ...] = ()
    wants: tuple[Callable[[FaultPlaces], object], ...] = ()
    mend: Callable[[FaultPlaces], str] | None = None
    takes: float = 0.0

    def place(self, places: FaultPlaces) -> str:
        """The name of the Pod, node or host where an explanation has to find it."""
        return {
            "pod": places.pod.name,
            "neighbour": places.neighbour.name,
            "node": places.node.name,
            "other node": places.other_node.name,
            "other pod": places.other.name,
            "outside": places.outside[0] if places.outside else "",
        }[self.at]

    def fits(self, places: FaultPlaces) -> bool:
        """Whether it can be made there: some need a host outside, or a tunnel."""
        return (self.at != "outside" or places.outside is not None) and all(wanted(places) for wanted in self.wants)

    def node(self, places: FaultPlaces) -> str:
        """The node where its command is typed."""
        return places.node.name if self.on == "here" else places.other_node.name
