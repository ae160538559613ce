"""What a map has for a packet: a verdict, an address, a mark. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podnet_lab.explain.firewall.compare import same
from podnet_lab.explain.firewall.elements import Elements, elements, is_default, pair
from podnet_lab.explain.firewall.kinds import Place
from podnet_lab.explain.firewall.packet import NOT_THERE, Packet
from podnet_lab.explain.firewall.values import value
from podnet_lab.model.nftables import Ruleset


@dataclass(frozen=True)
class Found:
    """
    The *data* of the elements that may be for a packet: one, several that are drawn by numgen, or none.

    *sure*: nothing of it is a guess; *none*: it may be, or is, that there is no element for the packet.
    """

    data: tuple[Any, ...] = ()
    sure: bool = True
    none: bool = False


def look_up(ruleset: Ruleset, table: tuple[str, str], body: Mapping[str, Any], packet: Packet, place: Place) -> Found | None:
    """What the map of an expression ({"key": …, "data": …}) has for a packet; None where nothing is known of it."""
    known = _elements(ruleset, table, body["data"])
    if known.unknown:
        return None
    drawn = next((name for name in ("numgen", "jhash", "symhash") if isinstance(body["key"], Mapping) and name in body["key"]), "")
    if drawn:
        data = tuple(data for _, data in known.pairs)
        return Found(data, sure=drawn == "numgen", none=not _covers(body["key"][drawn], len(data)))
    actual = value(body["key"], packet, place)
    if actual is NOT_THERE:
        return Found(none=True)
    return None if actual is None else _found(actual, known)


def _elements(ruleset: Ruleset, table: tuple[str, str], data: Any) -> Elements:
    if isinstance(data, str):
        return elements(ruleset, table, data.removeprefix("@"))
    return Elements([pair(element) for element in data["set"]])


def _covers(drawn: Mapping[str, Any], count: int) -> bool:
    """Whether there is an element for each number that may be drawn (intervals, as the tests of a map, are not counted out)."""
    return count >= drawn.get("mod", count + 1)


def _found(actual: Any, known: Elements) -> Found:
    """Keys of a map do not overlap: one that fits is the only one."""
    maybe = []
    for key, data in known.pairs:
        answer = None if is_default(key) else same(actual, key)
        if answer:
            return Found((data,))
        if answer is None and not is_default(key):
            maybe.append(data)
    default = [data for key, data in known.pairs if is_default(key)]
    return Found((*maybe, *default), sure=not maybe, none=not default)
