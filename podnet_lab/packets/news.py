"""What has happened to a packet from one interface to the next: headers made anew, another packet around it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from podnet_lab.packets.frames import Frame

if TYPE_CHECKING:
    from podnet_lab.packets.hop import CapturedFrame

PUT_INTO, TAKEN_OUT = "put into ", "taken out of "


def news(before: Sequence[CapturedFrame], now: CapturedFrame) -> tuple[str, ...]:
    """What has been rewritten since the packet was captured last; nothing where it is sent, be it again."""
    if not before or now.position == before[0].position:
        return ()
    last = before[-1]
    had, has = last.outer[::-1], now.outer[::-1]  # a tunnel is put around what is there: counted from the inside, they match
    both = list(zip(had, has, strict=False))
    changes = _rewritten(last.frame, now.frame)
    changes += [f"outer: {change}" for then, outer in both for change in _rewritten(then, outer)]
    changes += [f"{TAKEN_OUT}{outer.tunnel.words}" for outer in had[len(both) :]]
    changes += [f"{PUT_INTO}{outer.tunnel.words}" for outer in has[len(both) :]]
    return tuple(changes)


def _rewritten(last: Frame, new: Frame) -> list[str]:
    ethernet = last.source_mac and new.source_mac  # what is carried without one has none to be new
    changes = ["new Ethernet header"] if ethernet and (last.source_mac, last.target_mac) != (new.source_mac, new.target_mac) else []
    changes += ["another source"] if last.source != new.source else []
    changes += ["another destination"] if last.target != new.target else []
    return changes
