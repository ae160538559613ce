"""
Rules that rewrite a packet: marks, TTL, and the translations of addresses and ports. Pure.

Sources: net/netfilter/nft_nat.c, nf_nat_redirect.c, xt_NETMAP.c of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from podnet_lab.explain.firewall.connection import has_connection
from podnet_lab.explain.firewall.kinds import Number, Place
from podnet_lab.explain.firewall.lookup import Found, look_up
from podnet_lab.explain.firewall.numbers import number
from podnet_lab.explain.firewall.outcome import Outcome
from podnet_lab.explain.firewall.packet import NOT_THERE, Packet
from podnet_lab.explain.firewall.values import value
from podnet_lab.model.nftables import Ruleset

HARMLESS = (
    {"meta": {"key": "nftrace"}}, {"meta": {"key": "priority"}}, {"meta": {"key": "secmark"}}, {"ct": {"key": "label"}},
    {"ct": {"key": "helper"}}, {"ct": {"key": "event"}}, {"ct": {"key": "secmark"}}, {"payload": {"protocol": "ip", "field": "id"}},
    {"payload": {"protocol": "ip", "field": "ecn"}}, {"tcp option": {"name": "maxseg", "field": "size"}},
)  # fmt: skip
"""What may be written without any effect on where a packet goes."""


@dataclass(frozen=True)
class Context:
    """Where a rule stands: *table* and chain of a *ruleset*, the *place* of the packet; *words* name the rule."""

    ruleset: Ruleset
    table: tuple[str, str]
    place: Place
    words: str


def mangled(mangle: Mapping[str, Any], at: Outcome, here: Context) -> Outcome | None:
    """After a statement that writes something into the packet, or into its connection; None: the rule ends there."""
    key = mangle["key"]
    if key in HARMLESS:
        return at
    field = _FIELDS.get(_flat(key))
    if field == "ct_mark":
        tracked = has_connection(at.packet, here.place)
        if not tracked:
            return at if tracked is False else at.unknown(f"{here.words} writes a connection's mark, and whether there is one is not known")
    found = _written(mangle["value"], field or "", at.packet, here) if field else None
    if found is NOT_THERE:
        return None
    if field is None or found is None:
        return at.unknown(f"{here.words} rewrites {_flat(key)}, and that is not for this to judge")
    return replace(at, packet=replace(at.packet, **{field: found}))


_FIELDS = {"meta mark": "mark", "ct mark": "ct_mark", "ip ttl": "ttl", "ip dscp": "dscp"}


def _flat(key: Mapping[str, Any]) -> str:
    """What is written, as a person types it: ``ip ttl``, ``meta mark``."""
    ((kind, body),) = key.items()
    if not isinstance(body, Mapping):
        return kind
    words = ("protocol", "field") if kind == "payload" else ("key", "field")
    return " ".join([*([] if kind == "payload" else [kind]), *(str(body[word]) for word in words if word in body)])


def _written(to: Any, field: str, packet: Packet, here: Context) -> Any:
    """The number that is written; NOT_THERE: none is, for the rule ends there; None: not known."""
    if isinstance(to, Mapping) and "map" in to:
        found = look_up(here.ruleset, here.table, to["map"], packet, here.place)
        if found is not None and not found.data:
            return NOT_THERE
        if found is None or len(found.data) != 1 or not found.sure or found.none:
            return None
        to = found.data[0]
    if isinstance(to, int | str):
        return number(to, field)
    found = value(to, packet, here.place)
    return found if found is NOT_THERE else found.exact if isinstance(found, Number) else None


def translated(kind: str, nat: Mapping[str, Any], at: Outcome, here: Context) -> Iterator[Outcome]:
    """The possible outcomes of dnat, snat, masquerade, redirect or netmap; the verdict is "" where a map has nothing for it."""
    words = f"{here.words} ({kind}) is not for this to judge"
    if has_connection(at.packet, here.place) is not True:
        yield at.unknown(words)
        return
    if kind == "masquerade":
        yield replace(at, verdict="accept", rewritten="own")
        return
    if kind == "redirect":
        nat = nat | {"addr": str(at.packet.redirect_to)}
    if kind == "netmap":
        kind = "dnat" if here.place.hook in ("prerouting", "output") else "snat"
    found = _targets(nat, at.packet, here)
    if found is None:
        yield at.unknown(words)
        return
    for address, port in found.data:
        after = _to("snat" if kind == "snat" else "dnat", address, port, nat, at)
        yield at.unknown(words) if after is None else after if found.sure and not found.none else after.doubted(words)
    if found.none:
        yield at.doubted(words) if found.data else at


def _targets(nat: Mapping[str, Any], packet: Packet, here: Context) -> Found | None:
    """The possible (address, port) of a translation."""
    address, port = nat.get("addr"), nat.get("port")
    if not isinstance(address, Mapping) or "map" not in address:
        return Found(((address, _from_map(port, packet, here)),))
    found = look_up(here.ruleset, here.table, address["map"], packet, here.place)
    return found and replace(found, data=tuple(_pair(data, port) for data in found.data))


def _pair(data: Any, port: Any) -> tuple[Any, Any]:
    parts = data["concat"] if isinstance(data, Mapping) and "concat" in data else [data, port]
    return (parts[0], parts[1]) if len(parts) == 2 else (parts, "?")


def _from_map(port: Any, packet: Packet, here: Context) -> Any:
    """A port, looked up in a map if it stands in one; "?" where it is not known."""
    if not isinstance(port, Mapping) or "map" not in port:
        return port
    found = look_up(here.ruleset, here.table, port["map"], packet, here.place)
    return found.data[0] if found and found.sure and len(found.data) == 1 and not found.none else "?"


def _to(kind: str, address: Any, port: Any, nat: Mapping[str, Any], at: Outcome) -> Outcome | None:
    """The packet with another target (dnat) or source; None where that can't be told."""
    packet = at.packet
    now = packet.source if kind == "snat" else packet.target
    to = now if address is None else _address(address, now, nat)
    if to is None or (port is not None and not isinstance(port, int) and kind == "dnat"):
        return None
    if kind == "snat":
        return replace(at, verdict="accept", rewritten=kind, packet=replace(packet, source=to, source_translated=to != now))
    port = packet.port if port is None or packet.protocol not in ("tcp", "udp") else port
    own = packet.is_local(to)
    changed = packet.translated or (to, port) != (packet.target, packet.port)
    after = replace(packet, target=to, port=port, translated=changed, local_target=packet.local_target if own is None else own)
    return replace(at, verdict="accept", rewritten=kind, packet=after)


def _address(address: Any, now: IPv4Address, nat: Mapping[str, Any]) -> IPv4Address | None:
    if isinstance(address, Mapping) and "range" in address and address["range"][0] == address["range"][1]:
        address = address["range"][0]
    try:
        if isinstance(address, Mapping) and "netmap" in nat.get("flags", ()):
            network = IPv4Network(f"{address['prefix']['addr']}/{address['prefix']['len']}")
            return IPv4Address(int(network.network_address) | int(now) & int(network.hostmask))
        return IPv4Address(address) if isinstance(address, str) else None
    except (KeyError, ValueError):
        return None
