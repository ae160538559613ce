"""
What a node's nftables do with one packet at one hook, as far as this subset goes; of the rest it says that it can't judge it.

Pure. Judged: base chains of the families ip and inet; what `matching` knows of a packet; accept, drop, reject, return, jump,
goto, maps of verdicts, marks, dnat, snat, masquerade. Where a rule can't be judged, both ways are followed: only what holds
on each of them is said for certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from podnet_lab.explain.nft_match import Packet, fits, value, verdicts
from podnet_lab.model.nftables import ChainKey, Ruleset

MOST_BRANCHES = 512
"""Ways through the rules that are followed; a Service with more endpoints is not judged any further."""

_HARMLESS = {"counter", "log", "xt comment", "notrack", "comment", "limit", "set"}
_FILTERED_ELSEWHERE = ("bridge", "arp", "netdev")


@dataclass(frozen=True)
class Outcome:
    """
    One thing that may become of a packet: *verdict* "accept", "drop" or "unknown", *why*, and the *packet* as it leaves the hook.

    *unsure* names a rule that was not judged, and on which it may hang. *rewritten*: by dnat, snat, or ("own") masquerade.
    """

    verdict: str
    packet: Packet
    why: str = ""
    unsure: str = ""
    rewritten: str = ""


@dataclass(frozen=True)
class Judgement:
    """*verdict*: "accept", "drop", or "unknown"; *why*: the rule, in words."""

    verdict: str
    why: str = ""


def summary(found: list[Outcome]) -> Judgement:
    """What several ways through the rules come to: one of them is drawn, or hangs on a rule that was not judged."""
    drops = [one for one in found if one.verdict == "drop"]
    if drops and (len(drops) == len(found) or any(not one.unsure for one in drops)):
        return Judgement("drop", drops[0].why)
    if len(drops) == 0 and all(one.verdict == "accept" for one in found):
        return Judgement("accept")
    unsure = next(one.unsure for one in found if one.unsure)
    return Judgement("unknown", f"{drops[0].why}, but {unsure}" if drops else unsure)


def outcomes(rules: Ruleset, hook: str, packet: Packet) -> list[Outcome]:
    """All that may become of *packet* at a hook, whose chains it meets in the order of their priorities."""
    if rules.problem:
        return [Outcome("unknown", packet, unsure=rules.problem)]
    found = [Outcome("accept", packet)]
    for key, chain in _base_chains(rules, hook):
        found = _merged(after for before in found for after in _next(rules, key, chain, before))
        if len(found) > MOST_BRANCHES:
            return [Outcome("unknown", packet, unsure=f"chain {key[2]} has too many ways through it")]
    strange = _strange(rules)
    return [*found, Outcome("unknown", packet, unsure=f"chain {strange} is of a family that is not judged")] if strange else found


def _next(rules: Ruleset, key: ChainKey, chain: Mapping[str, Any], before: Outcome) -> Iterator[Outcome]:
    if before.verdict != "accept" or (chain["type"] == "nat" and (before.packet.reply or before.rewritten)):
        yield before  # chains of the type nat see the first packet of a connection alone
        return
    for end in _chain(rules, key, 0, before, ()):
        if end.verdict == "":
            end = replace(end, verdict=chain.get("policy", "accept"), why=f"the policy of chain {key[2]}")
        yield end


def _base_chains(rules: Ruleset, hook: str) -> list[tuple[ChainKey, Mapping[str, Any]]]:
    of = ((key, rules.objects[("chain", *key)]) for key in rules.rules if key[0] in ("ip", "inet"))
    return sorted(((key, has) for key, has in of if has.get("hook") == hook), key=lambda one: one[1]["prio"])


def _strange(rules: Ruleset) -> str:
    """A chain that meets packets below IP, and does something."""
    of = (key for key in rules.rules if key[0] in _FILTERED_ELSEWHERE)
    does = (key[2] for key in of if rules.rules[key] or rules.objects[("chain", *key)].get("policy") == "drop")
    return next(does, "")


def _merged(found: Iterable[Outcome]) -> list[Outcome]:
    """Without those that say the same: what is certain stands for what hangs on something."""
    best: dict[tuple, Outcome] = {}
    for one in found:
        key = (one.verdict, one.packet, one.rewritten)
        if key not in best or (best[key].unsure and not one.unsure):
            best[key] = one
    return list(best.values())


def _chain(rules: Ruleset, chain: ChainKey, start: int, at: Outcome, above: tuple[tuple[ChainKey, int], ...]) -> Iterator[Outcome]:
    """From rule *start* of a chain to the end; *above* are the places to go back to. The verdict "" is the end of the first chain."""
    if len(above) > 16:  # as the kernel (NFT_JUMP_STACK_SIZE)
        yield replace(at, verdict="unknown", unsure=f"chain {chain[2]} leads back to itself")
        return
    statements = rules.rules.get(chain, ())
    if start >= len(statements):
        if not above:
            yield replace(at, verdict="")
        else:
            (back, number), *rest = reversed(above)
            yield from _chain(rules, back, number, at, tuple(reversed(rest)))
        return
    for after, go in _rule(rules, chain, statements[start], at):
        if go == "":
            yield after
        elif go == "next":
            yield from _chain(rules, chain, start + 1, after, above)
        elif go == "return":
            yield from _chain(rules, chain, len(statements), after, above)
        else:
            verb, _, target = go.partition(" ")
            yield from _chain(rules, (*chain[:2], target), 0, after, (*above, (chain, start + 1)) if verb == "jump" else above)


def _rule(rules: Ruleset, chain: ChainKey, statements: list, at: Outcome) -> Iterator[tuple[Outcome, str]]:
    """What may become of the packet in one rule, and where it goes on: "next", "return", "jump X", "goto X", or "" for nowhere."""
    words = f"a rule of chain {chain[2]}"
    for one in statements:
        ((kind, has),) = (one or {"": None}).items()
        if kind == "" or kind in _HARMLESS:
            continue
        if kind == "match":
            fit = fits(rules, chain, has, at.packet)
            if fit is None:
                at = replace(at, unsure=at.unsure or f"{words} is not for this to judge")
                yield at, "next"  # as if it did not fit; and below, as if it did
            elif not fit:
                yield at, "next"
                return
        elif kind == "mangle":
            at = _mangled(has, at, words)
        else:
            yield from _verdict(rules, chain, kind, has, at, words)
            return
    yield at, "next"


def _mangled(has: Mapping[str, Any], at: Outcome, words: str) -> Outcome:
    if has["key"] != {"meta": {"key": "mark"}}:
        return replace(at, unsure=at.unsure or f"{words} rewrites something that is not for this to judge")
    to = has["value"]
    if isinstance(to, dict) and "|" in to and value(to["|"][0], at.packet) is not None and isinstance(to["|"][1], int):
        return replace(at, packet=replace(at.packet, mark=value(to["|"][0], at.packet) | to["|"][1]))
    if isinstance(to, int):
        return replace(at, packet=replace(at.packet, mark=to))
    return replace(at, unsure=at.unsure or f"{words} writes a mark that is not for this to judge")


def _verdict(rules: Ruleset, chain: ChainKey, kind: str, has: Any, at: Outcome, words: str) -> Iterator[tuple[Outcome, str]]:
    match kind:
        case "drop" | "reject":
            yield replace(at, verdict="drop", why=f"{words} says {kind}"), ""
        case "accept":
            yield replace(at, verdict="accept", why=""), ""
        case "continue":
            yield at, "next"
        case "return":
            yield at, "return"
        case "jump" | "goto":
            yield at, f"{kind} {has['target']}"
        case "masquerade":
            yield replace(at, verdict="accept", rewritten="own"), ""
        case "dnat" | "snat":
            yield _translated(kind, has or {}, at, words), ""
        case "vmap":
            yield from _looked_up(rules, chain, has, at, words)
        case _:
            yield replace(at, verdict="unknown", unsure=at.unsure or f"{words} ({kind}) is not for this to judge"), ""


def _translated(kind: str, has: Mapping[str, Any], at: Outcome, words: str) -> Outcome:
    try:
        to = IPv4Address(has["addr"])
    except (KeyError, ValueError, TypeError):
        return replace(at, verdict="unknown", unsure=at.unsure or f"{words} ({kind}) is not for this to judge")
    if kind == "snat":
        return replace(at, verdict="accept", rewritten=kind, packet=replace(at.packet, source=to))
    port = has.get("port", at.packet.port)
    return replace(at, verdict="accept", rewritten=kind, packet=replace(at.packet, target=to, port=port, translated=True))


def _looked_up(rules: Ruleset, chain: ChainKey, has: Mapping[str, Any], at: Outcome, words: str) -> Iterator[tuple[Outcome, str]]:
    found = verdicts(rules, chain, has, at.packet)
    if found is None or any(verb == "?" for verb, _ in found):
        yield replace(at, verdict="unknown", unsure=at.unsure or f"{words} (vmap) is not for this to judge"), ""
        return
    if not found:
        yield at, "next"
    for verb, target in found:
        yield from _verdict(rules, chain, verb, {"target": target} if target else None, at, words)
