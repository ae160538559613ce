"""
The cause that a chain sends on what comes by, or goes to, interfaces that its map has, drops all else, and has not this one. Pure.

So Felix sends packets of Pods on (felix/rules/dispatch.go), and whoever else keeps a list of interfaces.
"""

from __future__ import annotations

import re

from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.firewall.elements import pair
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.explain.firewall.verdict import chain_that_drops
from podnet_lab.model.nft_text import bare
from podnet_lab.model.nftables import ChainKey, Ruleset
from podnet_lab.model.nftables import name as element_name
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.base import FAMILY

_NAMEABLE = re.compile(r"[A-Za-z0-9.]+")


def not_dispatched(place: Place, rules: Ruleset, why: str, packet: Packet) -> Cause | None:
    """
    The cause that a map has no entry for the interface, if what drops *packet* is the end of a chain that looks it up; else None.

    *why* is what the judge of firewalls says of the rule. Mended by the verdict that all other entries have.
    """
    chain = chain_that_drops(why)
    for key in [key for key in rules.rules if key[2] == chain]:
        if (looked_up := _looked_up(rules, key)) is None:
            continue
        which, name = looked_up
        dev = packet.iif if which == "iifname" else packet.oif
        entries = [(element_name(one), pair(one)[1]) for one in rules.sets.get((*key[:2], name), ())]
        if dev is None or any(entry == dev for entry, _ in entries):
            continue
        where = " ".join((*key[:2], name))
        text = f"{place_name(place)}'s firewall drops it: {name} has no entry for {dev}"
        question = f"Which interfaces does {place_name(place)}'s {name} send on?"
        verdicts = {verdict for _, data in entries if (verdict := _verdict(data))}
        known = key[0] == FAMILY and len(verdicts) == 1 and _NAMEABLE.fullmatch(dev)
        repair = [nft.element(name, dev, verdicts.pop(), table=key[1])] if known else []
        undecided = "what is to become of its packets, the other entries do not say"
        return Cause(text, "firewall", place, question, f"nft list map {where}", *repair, undecided=undecided)
    return None


def _looked_up(rules: Ruleset, chain: ChainKey) -> tuple[str, str] | None:
    """By which side ("iifname" or "oifname") a chain looks interfaces up, and in which map, if it then drops, and that is all."""
    match [bare(rule) for rule in rules.rules[chain]]:
        case ([{"vmap": {"key": {"meta": {"key": "iifname" | "oifname" as which}}, "data": str(name)}}], [{"drop": None}]):
            return which, name.removeprefix("@")
    return None


def _verdict(data: object) -> str:
    """A verdict as one types it; "" if it is none."""
    match data:
        case {"return": None}:
            return "return"
        case {"accept": None}:
            return "accept"
        case {"goto": {"target": str(target)}}:
            return f"goto {target}"
        case {"jump": {"target": str(target)}}:
            return f"jump {target}"
    return ""
