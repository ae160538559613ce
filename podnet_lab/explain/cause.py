"""
The cause why a packet does not arrive, in words: with its layer, three levels of hint, and the steps that mend it, where a step can.
"""

from __future__ import annotations

from podnet_lab.steps.base import Step

Place = tuple[str, str | None]
"""A node, and a namespace on it (None: the node itself)."""

LAYERS = ("cable", "address", "route", "forwarding", "neighbour", "firewall", "policy", "socket")
"""From below to above; what is wrong at one keeps those above from working."""

NARROWING = {
    "cable": "Is each interface of {node} and of its Pods up, and does each cable lead where it should?",
    "address": "Has {node}, and has each of its Pods, the addresses that it should have, and nobody else's?",
    "route": "Which way do {node} and its Pods send what is for others, and is that right?",
    "forwarding": "Does {node} pass on what is for others, there and back?",
    "neighbour": "Where do {node} and its Pods believe their neighbours to be, and do they answer who asks for them?",
    "firewall": "Which rules and settings of {node} and its Pods decide what may pass, and what is answered?",
    "policy": "Which NetworkPolicies isolate Pods of {node}, and is that what was meant?",
    "socket": "Does anybody on {node} listen?",
}
"""By layer: a question that says what kind of thing is wrong, and on which node, but not which thing."""

UNDECIDED = "the kernels do not say what had been there before"
"""Why there is no command, where nothing better is known."""


def place_name(place: Place) -> str:
    """The name of the Pod, or of the node."""
    return place[1] or place[0]


class Cause(str):
    """
    The first thing that stops a packet, in words.

    *layer* is one of `LAYERS`, *place* where it is. *hints* are a question, where to look, and the command that mends it;
    *repair* the same as steps for the node, empty where no step of the lesson does it. Of a command each word can be typed as it
    stands; where the kernels don't say enough for that, the third hint says *undecided*: what one has to know.
    """

    __slots__ = ("hints", "layer", "place", "repair")

    layer: str
    place: Place
    hints: tuple[str, str, str]
    repair: tuple[Step, ...]

    def __new__(
        cls, text: str, layer: str, place: Place, question: str, look: str, *repair: Step, mend: str = "", undecided: str = ""
    ) -> Cause:
        self = super().__new__(cls, text)
        command = mend or "; ".join(step.command for step in repair)
        self.layer, self.place, self.repair = layer, place, repair
        last = f"{place[0]}# {command}" if command else f"no command can be told: {undecided or UNDECIDED}"
        self.hints = (question, f"{place[0]}# {look}", last)
        return self

    @property
    def narrowing(self) -> str:
        """A question before the first hint's: which kind of thing, on which node."""
        return NARROWING[self.layer].format(node=self.place[0])

    def also(self, *steps: Step) -> Cause:
        """The same cause, with more steps to mend it, on the same node."""
        return Cause(self, self.layer, self.place, self.hints[0], self.hints[1].partition("# ")[2], *self.repair, *steps)

    def prefixed(self, words: str) -> Cause:
        """The same cause, with words in front."""
        return self._reworded(f"{words}{self}")

    def suffixed(self, words: str) -> Cause:
        """The same cause, with words after it."""
        return self._reworded(f"{self}{words}")

    def _reworded(self, text: str) -> Cause:
        reworded = str.__new__(Cause, text)
        reworded.layer, reworded.place, reworded.repair, reworded.hints = self.layer, self.place, self.repair, self.hints
        return reworded
