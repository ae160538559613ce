"""
What a node's nftables do with one packet at one hook, as far as this subset goes; of the rest it says that it can't judge it.

Pure. Judged: base chains of the families ip and inet; what nft_match.py knows of a packet; accept, drop, reject, return, jump,
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

MAX_BRANCHES = 512
"""Ways through the rules that are followed; a Service with more endpoints is not judged any further."""

_HARMLESS = {"counter", "log", "xt comment", "notrack", "comment", "limit", "set"}
_OTHER_FAMILIES = ("bridge", "arp", "netdev")


@dataclass(frozen=True)
class Outcome:
    """
    A possible outcome for a packet: *verdict* "accept", "drop" or "unknown", *why*, and the *packet* as it leaves the hook.

    *unsure* names a rule that was not judged, and on which it may depend. *rewritten*: by dnat, snat, or ("own") masquerade.
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


def summary(possible: list[Outcome]) -> Judgement:
    """One judgement of several possible outcomes, of which one is drawn, or depends on a rule that was not judged."""
    drops = [outcome for outcome in possible if outcome.verdict == "drop"]
    if drops and (len(drops) == len(possible) or any(not outcome.unsure for outcome in drops)):
        return Judgement("drop", drops[0].why)
    if len(drops) == 0 and all(outcome.verdict == "accept" for outcome in possible):
        return Judgement("accept")
    unsure = next(outcome.unsure for outcome in possible if outcome.unsure)
    return Judgement("unknown", f"{drops[0].why}, but {unsure}" if drops else unsure)


def outcomes(ruleset: Ruleset, hook: str, packet: Packet) -> list[Outcome]:
    """All possible outcomes of *packet* at a hook, whose base chains it passes in the order of their priorities."""
    if ruleset.problem:
        return [Outcome("unknown", packet, unsure=ruleset.problem)]
    possible = [Outcome("accept", packet)]
    for key, chain in _base_chains(ruleset, hook):
        possible = _merged(after for before in possible for after in _through_chain(ruleset, key, chain, before))
        if len(possible) > MAX_BRANCHES:
            return [Outcome("unknown", packet, unsure=f"chain {key[2]} has too many ways through it")]
    unjudged = _unjudged_chain(ruleset)
    return [*possible, Outcome("unknown", packet, unsure=f"chain {unjudged} is of a family that is not judged")] if unjudged else possible


def _through_chain(ruleset: Ruleset, key: ChainKey, chain: Mapping[str, Any], before: Outcome) -> Iterator[Outcome]:
    if before.verdict != "accept" or (chain["type"] == "nat" and (before.packet.reply or before.rewritten)):
        yield before  # chains of the type nat see the first packet of a connection alone
        return
    for end in _chain(ruleset, key, 0, before, ()):
        if end.verdict == "":
            end = replace(end, verdict=chain.get("policy", "accept"), why=f"the policy of chain {key[2]}")
        yield end


def _base_chains(ruleset: Ruleset, hook: str) -> list[tuple[ChainKey, Mapping[str, Any]]]:
    chains = ((key, ruleset.objects[("chain", *key)]) for key in ruleset.rules if key[0] in ("ip", "inet"))
    return sorted(((key, chain) for key, chain in chains if chain.get("hook") == hook), key=lambda pair: pair[1]["prio"])


def _unjudged_chain(ruleset: Ruleset) -> str:
    """The name of a chain that has rules, or drops, in a family that is not judged; "" if there is none."""
    keys = (key for key in ruleset.rules if key[0] in _OTHER_FAMILIES)
    return next((key[2] for key in keys if ruleset.rules[key] or ruleset.objects[("chain", *key)].get("policy") == "drop"), "")


def _merged(possible: Iterable[Outcome]) -> list[Outcome]:
    """Without duplicates; of equal outcomes a certain one is kept rather than an unsure one."""
    best: dict[tuple, Outcome] = {}
    for outcome in possible:
        key = (outcome.verdict, outcome.packet, outcome.rewritten)
        if key not in best or (best[key].unsure and not outcome.unsure):
            best[key] = outcome
    return list(best.values())


def _chain(ruleset: Ruleset, chain: ChainKey, start: int, at: Outcome, above: tuple[tuple[ChainKey, int], ...]) -> Iterator[Outcome]:
    """From rule *start* of a chain to its end; *above* is the jump stack. The verdict "" is the end of the base chain."""
    if len(above) > 16:  # as the kernel (NFT_JUMP_STACK_SIZE)
        yield replace(at, verdict="unknown", unsure=f"chain {chain[2]} leads back to itself")
        return
    statements = ruleset.rules.get(chain, ())
    if start >= len(statements):
        if not above:
            yield replace(at, verdict="")
        else:
            (back, number), *rest = reversed(above)
            yield from _chain(ruleset, back, number, at, tuple(reversed(rest)))
        return
    for after, go in _rule(ruleset, chain, statements[start], at):
        if go == "":
            yield after
        elif go == "next":
            yield from _chain(ruleset, chain, start + 1, after, above)
        elif go == "return":
            yield from _chain(ruleset, chain, len(statements), after, above)
        else:
            verb, _, target = go.partition(" ")
            yield from _chain(ruleset, (*chain[:2], target), 0, after, (*above, (chain, start + 1)) if verb == "jump" else above)


def _rule(ruleset: Ruleset, chain: ChainKey, statements: list, at: Outcome) -> Iterator[tuple[Outcome, str]]:
    """The possible outcomes of one rule, and where each continues: "next", "return", "jump X", "goto X", or "" for nowhere."""
    words = f"a rule of chain {chain[2]}"
    for statement in statements:
        ((kind, body),) = (statement or {"": None}).items()
        if kind == "" or kind in _HARMLESS:
            continue
        if kind == "match":
            fit = fits(ruleset, chain, body, at.packet)
            if fit is None:
                at = replace(at, unsure=at.unsure or f"{words} is not for this to judge")
                yield at, "next"  # as if it did not fit; and below, as if it did
            elif not fit:
                yield at, "next"
                return
        elif kind == "mangle":
            at = _mangled(body, at, words)
        else:
            yield from _verdict(ruleset, chain, kind, body, at, words)
            return
    yield at, "next"


def _mangled(mangle: Mapping[str, Any], at: Outcome, words: str) -> Outcome:
    if mangle["key"] != {"meta": {"key": "mark"}}:
        return replace(at, unsure=at.unsure or f"{words} rewrites something that is not for this to judge")
    to = mangle["value"]
    if isinstance(to, dict) and "|" in to and value(to["|"][0], at.packet) is not None and isinstance(to["|"][1], int):
        return replace(at, packet=replace(at.packet, mark=value(to["|"][0], at.packet) | to["|"][1]))
    if isinstance(to, int):
        return replace(at, packet=replace(at.packet, mark=to))
    return replace(at, unsure=at.unsure or f"{words} writes a mark that is not for this to judge")


def _verdict(ruleset: Ruleset, chain: ChainKey, kind: str, body: Any, at: Outcome, words: str) -> Iterator[tuple[Outcome, str]]:
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
            yield at, f"{kind} {body['target']}"
        case "masquerade":
            yield replace(at, verdict="accept", rewritten="own"), ""
        case "dnat" | "snat":
            yield _translated(kind, body or {}, at, words), ""
        case "vmap":
            yield from _looked_up(ruleset, chain, body, at, words)
        case _:
            yield replace(at, verdict="unknown", unsure=at.unsure or f"{words} ({kind}) is not for this to judge"), ""


def _translated(kind: str, nat: Mapping[str, Any], at: Outcome, words: str) -> Outcome:
    try:
        to = IPv4Address(nat["addr"])
    except (KeyError, ValueError, TypeError):
        return replace(at, verdict="unknown", unsure=at.unsure or f"{words} ({kind}) is not for this to judge")
    if kind == "snat":
        return replace(at, verdict="accept", rewritten=kind, packet=replace(at.packet, source=to))
    port = nat.get("port", at.packet.port)
    return replace(at, verdict="accept", rewritten=kind, packet=replace(at.packet, target=to, port=port, translated=True))


def _looked_up(ruleset: Ruleset, chain: ChainKey, vmap: Mapping[str, Any], at: Outcome, words: str) -> Iterator[tuple[Outcome, str]]:
    looked_up = verdicts(ruleset, chain, vmap, at.packet)
    if looked_up is None or any(verb == "?" for verb, _ in looked_up):
        yield replace(at, verdict="unknown", unsure=at.unsure or f"{words} (vmap) is not for this to judge"), ""
        return
    if not looked_up:
        yield at, "next"
    for verb, target in looked_up:
        yield from _verdict(ruleset, chain, verb, {"target": target} if target else None, at, words)
