"""
Several interfaces on one link with the receiver's MAC: which of them gets a frame for it. Pure.

A bridge's forwarding table says it, and whether the sender itself has that MAC (l2.py). Beyond the nodes the switch's can't be
read. Macvlans on one interface hand each other frames directly (macvlan_queue_xmit in the kernel's drivers/net/macvlan.c).
"""

from __future__ import annotations

from collections.abc import Sequence

from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.arp import Hop
from podnet_lab.explain.cause import Cause, place_name
from podnet_lab.explain.l2 import SWITCH, Receiver, crosses_nodes


def nearer(hop: Hop, to: Receiver, reached: Sequence[Receiver]) -> Receiver | None:
    """Another interface on the sender's own wire that takes what is for the receiver's MAC, for it has the same."""
    others = (other for other in reached if other.link.mac == to.link.mac and other.cause is None)
    return next((other for other in others if _beside(hop, other) and not _beside(hop, to)), None)


def instead_of(hop: Hop, other: Receiver, to: Receiver) -> Cause:
    """The cause of a frame that gets to *other* and not *to* its receiver: it is the other's MAC that is to change."""
    return causes.duplicate_mac(hop.place, (other.place, other.link.name), (to.place, to.link.name), to.link.mac, SWITCH)


def _beside(hop: Hop, receiver: Receiver) -> bool:
    """Whether it sits on the same lower interface as the sender."""
    lower = hop.link.lower
    return lower is not None and (hop.place[0], lower) == (receiver.place[0], receiver.link.lower) and kind_of(receiver.link).hears_lower


def not_told_apart(to: Receiver, reached: Sequence[Receiver]) -> str:
    """In words, which others the switch beyond the nodes may take for the receiver: those of other nodes with its MAC; "" if none."""
    if not crosses_nodes(to):
        return ""
    others = [other for other in reached if other.link.mac == to.link.mac and other.place[0] != to.place[0] and crosses_nodes(other)]
    names = " and ".join(dict.fromkeys(place_name(receiver.place) for receiver in (to, *others)))
    return f"{names} have the same MAC: who was heard last gets it" if others else ""
