"""
What the firewalls of a namespace do with one packet at one hook: right, or unsure.

Pure. Base chains of the families that are asked for, in the order in which the kernel runs them; where a rule can't be judged,
both ways are followed: only what holds on each of them is said for certain. Sources: net/netfilter/core.c,
nf_tables_core.c, nf_nat_core.c of the kernel, libnftables-json(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from podnet_lab.explain.firewall import statements
from podnet_lab.explain.firewall.connection import has_connection
from podnet_lab.explain.firewall.kinds import Place
from podnet_lab.explain.firewall.outcome import Outcome, merged, summary
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.explain.firewall.rewrite import Context
from podnet_lab.model.nftables import ChainKey, Ruleset

__all__ = ["Packet", "outcomes", "summary"]

MAX_BRANCHES = 512
"""Ways through the rules that are followed; a Service with more endpoints is not judged any further."""

MAX_DEPTH = 64
"""Chains that lead to each other; nftables allows 16 (NFT_JUMP_STACK_SIZE), iptables as many as there are chains."""

NAT_PRIORITY = {"prerouting": -100, "output": -100, "postrouting": 100, "input": 100}
"""Where the kernel runs all chains of the type nat, whatever their own priority, which only orders them among each other."""

IP = ("ip", "inet")

_DROPS = re.compile(r"a rule of chain (\S+) says drop")


def outcomes(ruleset: Ruleset, hook: str, packet: Packet, families: tuple[str, ...] = IP, device: str = "") -> list[Outcome]:
    """
    All possible outcomes of *packet* at a hook, whose base chains it passes in the order of their priorities.

    *hook* is prerouting, input, forward, output or postrouting for the families ("ip", "inet") and ("bridge",), ingress for
    ("netdev", "inet") and egress for ("netdev",), of a *device*; input, output for ("arp",), whose packets are ARP frames.
    """
    if ruleset.problem:
        return [Outcome("unknown", packet, unsure=ruleset.problem)]
    possible = [Outcome("accept", packet)]
    for key, chain in base_chains(ruleset, hook, families, packet):
        attached = _is_attached(chain, device) if hook in ("ingress", "egress") else True
        if attached is False:
            continue
        ends = merged(end for before in possible for end in _through_chain(ruleset, hook, key, chain, before))
        unsure = f"which device chain {key[2]} is for is not known"
        possible = ends if attached else merged([*possible, *(end.doubted(unsure) for end in ends)])
        if len(possible) > MAX_BRANCHES:
            return [Outcome("unknown", packet, unsure=f"chain {key[2]} has too many ways through it")]
    return possible + [Outcome("unknown", packet, unsure=words) for family, words in ruleset.unread if family in families]


def base_chains(ruleset: Ruleset, hook: str, families: tuple[str, ...], packet: Packet) -> list[tuple[ChainKey, Mapping[str, Any]]]:
    """The chains that a packet meets at a hook, in order: of equal priority the one that was added last comes first."""
    if packet.ethertype != "ip":
        families = tuple(family for family in families if family in ("bridge", "arp", "netdev"))
    found = []
    for number, key in enumerate(ruleset.rules):
        chain = ruleset.objects.get(("chain", *key), {})
        if key[0] in families and chain.get("hook") == hook and not ruleset.is_dormant(key[:2]):
            priority = chain["prio"]
            found.append(((NAT_PRIORITY.get(hook, priority) if chain["type"] == "nat" else priority, priority, -number), key, chain))
    return [(key, chain) for _, key, chain in sorted(found, key=lambda entry: entry[0])]


def _is_attached(chain: Mapping[str, Any], device: str) -> bool | None:
    """Whether a chain at ingress or egress is for a device; None where nft did not say for which it is."""
    devices = chain.get("dev")
    if devices is None:
        return None
    names = [devices] if isinstance(devices, str) else devices
    return any(device.startswith(name[:-1]) if name.endswith("*") else device == name for name in names)


def _through_chain(ruleset: Ruleset, hook: str, key: ChainKey, chain: Mapping[str, Any], before: Outcome) -> Iterator[Outcome]:
    if before.verdict != "accept":
        yield before
        return
    priority = NAT_PRIORITY.get(hook, chain["prio"]) if chain["type"] == "nat" else chain["prio"]
    place = Place(hook, key[0], priority)
    if chain["type"] == "nat" and not _translates(before, place):
        yield before
        return
    ended, fell_through = _chain(ruleset, key, [replace(before, verdict="")], place, 0)
    yield from ended
    policy = chain.get("policy", "accept")
    for end in fell_through:
        yield replace(end, verdict=policy, why=f"the policy of chain {key[2]}")


def _translates(before: Outcome, place: Place) -> bool:
    """Chains of the type nat see the first packet of a connection alone, until one of them has translated it."""
    packet = before.packet
    settled = packet.iif == "lo" and place.hook in ("prerouting", "input")  # it went through output and postrouting here
    first = not packet.reply and not settled and packet.state in ("", "new", "related", "?")
    return first and not before.rewritten and has_connection(packet, place) is not False


def chain_that_drops(why: str) -> str:
    """The chain one of whose rules drops a packet, by what is said of it; "" if it is said of something else, such as a policy."""
    match = _DROPS.fullmatch(why)
    return match[1] if match else ""


def _chain(ruleset: Ruleset, key: ChainKey, at: list[Outcome], place: Place, depth: int) -> tuple[list[Outcome], list[Outcome]]:
    """A chain's rules, one after the other, on each way that leads to it: those that end there, and those that go on behind it."""
    words = f"a rule of chain {key[2]}"
    if depth > MAX_DEPTH:
        return [way.unknown(f"chain {key[2]} leads back to itself") for way in at], []
    here = Context(ruleset, key[:2], place, words)
    ended: list[Outcome] = []
    returned: list[Outcome] = []
    for rule in ruleset.rules.get(key, ()):
        following = []
        for way in at:
            for after, go in statements.rule(rule, way, here):
                verb, _, target = go.partition(" ")
                if verb == "next":
                    following.append(after)
                elif verb == "return":
                    returned.append(after)
                elif not verb:
                    ended.append(after)
                else:
                    stopped, back = _chain(ruleset, (*key[:2], target), [after], place, depth + 1)
                    ended += stopped
                    (following if verb == "jump" else returned).extend(back)
        at = merged(following)
        if len(at) + len(ended) > 2 * MAX_BRANCHES:
            return [at[0].unknown(f"chain {key[2]} has too many ways through it")] if at else ended, []
        if not at:
            break
    return merged(ended), merged([*at, *returned])


def _judged(rule: list, at: Outcome, here: Context) -> list[statements.Way]:
    """The possible outcomes of one rule; of one that is listed in a way that nobody here has ever seen, that it is not judged."""
    try:
        return list(statements.rule(rule, at, here))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        unsure = f"{here.words} says something that is not for this to judge"
        return [(at.doubted(unsure), "next"), (at.unknown(unsure), "")]
