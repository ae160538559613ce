"""What may become of a packet at a hook, and what of it is certain. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from podnet_lab.explain.firewall.packet import Packet


@dataclass(frozen=True)
class Outcome:
    """
    A possible outcome for a packet: *verdict* "accept", "drop" or "unknown", *why*, and the *packet* as it leaves the hook.

    *unsure* names a rule that was not judged, and on which it may depend. *rewritten*: by dnat, snat, or ("own") masquerade.
    While rules are still to come the verdict is "".
    """

    verdict: str
    packet: Packet
    why: str = ""
    unsure: str = ""
    rewritten: str = ""

    def doubted(self, words: str) -> Outcome:
        """The same, but it depends on a rule that was not judged."""
        return self if self.unsure else replace(self, unsure=words)

    def unknown(self, words: str) -> Outcome:
        """Nothing is known of what becomes of the packet."""
        return replace(self.doubted(words), verdict="unknown")


@dataclass(frozen=True)
class Judgement:
    """*verdict*: "accept", "drop", or "unknown"; *why*: the rule, in words."""

    verdict: str
    why: str = ""


def merged(possible: Iterable[Outcome]) -> list[Outcome]:
    """Without duplicates; of equal outcomes a certain one is kept rather than an unsure one."""
    best: dict[tuple, Outcome] = {}
    for outcome in possible:
        key = (outcome.verdict, outcome.packet, outcome.rewritten)
        if key not in best or (best[key].unsure and not outcome.unsure):
            best[key] = outcome
    return list(best.values())


def summary(possible: list[Outcome]) -> Judgement:
    """
    One judgement of several possible outcomes, of which one is drawn, or depends on a rule that was not judged.

    What is the same on each way is certain.
    """
    drops = [outcome for outcome in possible if outcome.verdict == "drop"]
    if drops and len(drops) == len(possible):
        return Judgement("drop", drops[0].why)
    unsure = next((outcome.unsure for outcome in possible if outcome.unsure), "")
    leave = {(outcome.rewritten, outcome.packet) for outcome in possible}
    if not drops and all(outcome.verdict == "accept" for outcome in possible) and (not unsure or len(leave) == 1):
        return Judgement("accept")
    return Judgement("unknown", f"{drops[0].why}, but {unsure or 'some packets it lets pass'}" if drops else unsure)
