"""
What the statements of one rule do with a packet (libnftables-json(5)), and where it goes on. Pure.

Besides nft's own statements there are four that rules of iptables need (model/iptables.py): ``unjudged`` (a match, in words),
``any`` (one of several matches holds), ``drawn`` (a match that draws lots) and ``netmap``; and ``text``, for which nft has no JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from podnet_lab.explain.firewall.compare import any_of, fits
from podnet_lab.explain.firewall.kinds import CONNTRACK
from podnet_lab.explain.firewall.lookup import look_up
from podnet_lab.explain.firewall.outcome import Outcome
from podnet_lab.explain.firewall.rewrite import Context, mangled, translated
from podnet_lab.model.nftables import WRITES

HARMLESS = frozenset({"counter", "log", "comment", "last", "ct helper", "ct timeout", "ct expectation", "dup", "secmark", "reset"})
"""What a packet passes without any effect on where it goes."""

DOUBTFUL = {
    "limit": "goes by a limit, and whether that is reached is not known",
    "quota": "goes by a quota, and how much of it is used up is not known",
    "ct count": "counts connections, and how many there are is not known",
    "meter": "goes by a limit, and whether that is reached is not known",
}
"""Matches that may hold or not, and why that is not known."""

TRANSLATIONS = ("dnat", "snat", "masquerade", "redirect", "netmap")

Way = tuple[Outcome, str]
"""A possible outcome of a rule, and where it goes on: "next", "return", "jump X", "goto X", or "" for nowhere."""


def rule(statements: list, at: Outcome, here: Context) -> Iterator[Way]:
    """The possible outcomes of one rule."""
    for statement in statements:
        ((kind, body),) = (statement or {"?": None}).items()
        if kind in CHANGES:
            before, at = at, CHANGES[kind](body, at, here)
            if at is None:
                yield before, "next"
                return
        elif kind == "drawn" or _draws(kind, body):
            yield at, "next"
        elif (answer := _holds(kind, body, at, here)) is False:
            yield at, "next"
            return
        elif answer == "":
            yield from _ending(kind, body, at, here)
            return
        elif answer is not True:
            at = at.doubted(f"{here.words} {answer or 'asks for something that is not for this to judge'}")
            yield at, "next"  # as if it did not hold; and below, as if it did
        if at.verdict:
            yield at, ""
            return
    yield at, "next"


def _left_alone(_: None, at: Outcome, here: Context) -> Outcome:
    """After notrack, which only comes in time before connection tracking has seen the packet (nft_ct.c)."""
    early = here.place.hook in ("prerouting", "output") and here.place.priority < CONNTRACK
    return replace(at, packet=replace(at.packet, untracked=True)) if early else at


CHANGES = {"notrack": _left_alone, "mangle": mangled}
"""Statements that change the packet, or what is known of it; the rule goes on behind them."""


def _draws(kind: str, body: Any) -> bool:
    """Whether a match holds for some packets and not for others that are alike: each may come."""
    return kind == "match" and isinstance(body["left"], Mapping) and "numgen" in body["left"]


def _is_harmless(body: Any) -> bool:
    return isinstance(body, Mapping) and body.get("name") in ("comment", "LOG", "NFLOG", "TCPMSS", "TRACE", "CHECKSUM", "AUDIT")


def _holds(kind: str, body: Any, at: Outcome, here: Context) -> bool | str | None:
    """Whether a match holds; None, or why not, where that is not known; "" of a statement that is no match."""
    if kind in HARMLESS or (kind == "xt" and _is_harmless(body)):
        return True
    match kind:
        case "match":
            return fits(here.ruleset, here.table, body, at.packet, here.place)
        case "any":
            return any_of(fits(here.ruleset, here.table, one["match"], at.packet, here.place) for one in body)
        case "unjudged":
            return body
        case "text":  # what nft has no JSON for: of that, what writes into a map lets all pass
            return True if WRITES.match(body) else ""
        case "xt":
            match_of = isinstance(body, Mapping) and body.get("type") == "match"
            return f"has the match {body['name']}, which nft does not show" if match_of else ""
        case "set" | "map" if isinstance(body, Mapping) and "op" in body:
            return DOUBTFUL["limit"] if any(not HARMLESS & set(one) for one in body.get("stmt", ())) else True
    return DOUBTFUL.get(kind, "")


def _ending(kind: str, body: Any, at: Outcome, here: Context) -> Iterator[Way]:
    match kind:
        case "drop" | "reject":
            yield replace(at, verdict="drop", why=f"{here.words} says {kind}"), ""
        case "accept":
            yield replace(at, verdict="accept", why=""), ""
        case "continue":
            yield at, "next"
        case "return":
            yield at, "return"
        case "jump" | "goto":
            yield at, f"{kind} {body['target']}"
        case "vmap":
            yield from _by_map(body, at, here)
        case "text":
            yield at.unknown(f"{here.words} ({' '.join(str(body).split())}) is not for this to judge"), ""
        case _ if kind in TRANSLATIONS:
            for after in translated(kind, body or {}, at, here):
                yield after, "" if after.verdict else "next"
        case _:
            name = body.get("name", kind) if kind == "xt" and isinstance(body, Mapping) else kind
            yield at.doubted(f"{here.words} ({name}) is not for this to judge"), "next"
            yield at.unknown(f"{here.words} ({name}) is not for this to judge"), ""


def _by_map(vmap: Mapping[str, Any], at: Outcome, here: Context) -> Iterator[Way]:
    """By a map of verdicts; what it has none for goes on."""
    found = look_up(here.ruleset, here.table, vmap, at.packet, here.place)
    if found is None:
        yield at.unknown(f"{here.words} (vmap) is not for this to judge"), ""
        return
    unsure = "" if found.sure and not (found.none and found.data) else f"{here.words} (vmap) is not for this to judge"
    at = at.doubted(unsure) if unsure else at
    if found.none:
        yield at, "next"
    for verdict in found.data:
        ((verb, target),) = verdict.items()
        yield from _ending(verb, target, at, here)
