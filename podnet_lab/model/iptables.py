"""
Rules of iptables, as iptables-save prints them, as statements in nft's JSON, so that one judge knows both. Pure.

Sources: iptables(8), iptables-extensions(8); priorities: linux/netfilter_ipv4.h. What is not translated is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from podnet_lab.model.iptables_matches import Statement, ct, matches, meta, network, payload
from podnet_lab.model.save_lines import Option, Part, SavedTable

HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output", "POSTROUTING": "postrouting"}

PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
NAT_PRIORITIES = {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100}

HARMLESS_TARGETS = frozenset(
    (
        *("LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "TCPMSS", "TCPOPTSTRIP", "ECN", "CHECKSUM", "CLASSIFY", "SET"),
        *("IDLETIMER", "LED", "RATEEST", "SECMARK", "CONNSECMARK"),
    )
)
"""Targets after which a packet goes on as before."""

_32 = (1 << 32) - 1


def base_chain(table: str, chain: str, policy: str) -> dict[str, Any]:
    """A chain as `podnet_lab.model.nftables` describes it; empty if it is none of the kernel's own."""
    if chain not in HOOKS:
        return {}
    priority = NAT_PRIORITIES[chain] if table == "nat" else PRIORITIES[table]
    return {"type": "nat" if table == "nat" else "filter", "hook": HOOKS[chain], "prio": priority, "policy": policy.lower() or "accept"}


def statements(parts: Iterable[Part], chains: Mapping[str, Any]) -> list[Statement]:
    """The statements of one rule; *chains* are those of its table, to which it may lead."""
    found: list[Statement] = []
    for part in parts:
        if part.kind == "goto":
            found.append({"goto": {"target": part.name}})
        elif part.kind == "target":
            found += _target(part, chains)
        else:
            found += matches(part)
    return found


def translated(table: SavedTable) -> dict[str, tuple[list[Statement], ...]]:
    """The rules of each chain of a table."""
    return {chain: tuple(statements(rule, table.rules) for rule in rules) for chain, rules in table.rules.items()}


def _target(part: Part, chains: Mapping[str, Any]) -> list[Statement]:
    if part.name in chains:
        return [{"jump": {"target": part.name}}]
    if part.name in HARMLESS_TARGETS:
        return []
    made = _TARGETS.get(part.name)
    try:
        found = made({option.name: option for option in part.options}) if made else None
    except (ValueError, KeyError):
        found = None
    return [{"xt": {"type": "target", "name": part.name}}] if found is None else found


Options = Mapping[str, Option]


def _just(verdict: str) -> Callable[[Options], list[Statement]]:
    return lambda _: [{verdict: None}]


def _translation(verb: str, option_name: str) -> Callable[[Options], list[Statement]]:
    """DNAT and SNAT, with one address, one port, or both; of a range of either neither is known."""

    def made(options: Options) -> list[Statement]:
        address, _, port = options[option_name].argument.partition(":")
        to: dict[str, Any] = {"addr": {"range": address.split("-")} if "-" in address else address} if address else {}
        if port:
            to["port"] = int(port) if port.isdigit() else port
        return [{verb: to}]

    return made


def _redirect(options: Options) -> list[Statement]:
    port = options["--to-ports"].argument if "--to-ports" in options else ""
    return [{"redirect": {"port": int(port) if port.isdigit() else port} if port else None}]


def _netmap(options: Options) -> list[Statement]:
    to = network(options["--to"].argument)
    prefix = to if isinstance(to, dict) else {"prefix": {"addr": to, "len": 32}}
    return [{"netmap": {"addr": prefix, "flags": "netmap"}}]


def _written(key: Statement, value: Any) -> list[Statement]:
    return [{"mangle": {"key": key, "value": value}}]


def _set_bits(key: Statement, text: str, clears: bool) -> list[Statement]:
    """``value/mask``: the mask's bits go; then the value's are turned over (--set-xmark), or set (--set-mark)."""
    value, _, mask = text.partition("/")
    number, gone = int(value, 0), int(mask, 0) if mask else _32
    gone |= number if clears else 0
    return _written(key, {"^": [{"&": [key, ~gone & _32]}, number]})


def _mark(key: Statement, options: Options) -> list[Statement] | None:
    for name, option in options.items():
        number = option.argument
        match name:
            case "--set-xmark" | "--set-mark":
                return _set_bits(key, number, name == "--set-mark")
            case "--and-mark":
                return _written(key, {"&": [key, int(number, 0)]})
            case "--or-mark":
                return _written(key, {"|": [key, int(number, 0)]})
            case "--xor-mark":
                return _written(key, {"^": [key, int(number, 0)]})
    return None


def _connection_mark(options: Options) -> list[Statement] | None:
    """The connection's mark: set, or copied from the packet (save), or to it (restore), each with masks (xt_connmark.c)."""
    if "--save-mark" not in options and "--restore-mark" not in options:
        return _mark(ct("mark"), options)
    of_packet, of_connection = (_mask(options, name) for name in ("--nfmask", "--ctmask"))
    packet, connection = meta("mark"), ct("mark")
    if "--save-mark" in options:
        return _written(connection, {"^": [{"&": [connection, ~of_connection & _32]}, {"&": [packet, of_packet]}]})
    return _written(packet, {"^": [{"&": [packet, ~of_packet & _32]}, {"&": [connection, of_connection]}]})


def _mask(options: Options, name: str) -> int:
    option = options.get(name) or options.get("--mask")
    return int(option.argument, 0) if option else _32


def _ct(options: Options) -> list[Statement] | None:
    if "--notrack" in options:
        return [{"notrack": None}]
    return [] if set(options) <= {"--helper", "--timeout", "--ctevents", "--expevents"} else None


def _ttl(options: Options) -> list[Statement] | None:
    """The time to live: set, or counted up or down, which ends at 0 and 255 (xt_HL.c)."""
    ((name, option),) = options.items()
    key, number = payload("ip", "ttl"), int(option.argument)
    value = {"--ttl-set": number, "--ttl-dec": {"+": [key, -number]}, "--ttl-inc": {"+": [key, number]}}.get(name)
    return None if value is None else _written(key, value)


def _dscp(options: Options) -> list[Statement]:
    return _written(payload("ip", "dscp"), int(options["--set-dscp"].argument, 0))


def _tos(options: Options) -> list[Statement]:
    """``value/mask`` of the whole byte, of which the DSCP is the upper six bits (xt_DSCP.c)."""
    value, _, mask = options["--set-tos"].argument.partition("/")
    number, gone = int(value, 0) >> 2, (int(mask, 0) if mask else 0xFF) >> 2
    key = payload("ip", "dscp")
    return _written(key, {"^": [{"&": [key, ~gone & 0x3F]}, number]})


_TARGETS: dict[str, Callable[[Options], list[Statement] | None]] = {
    "ACCEPT": _just("accept"),
    "DROP": _just("drop"),
    "RETURN": _just("return"),
    "REJECT": _just("reject"),
    "MASQUERADE": _just("masquerade"),
    "NOTRACK": _just("notrack"),
    "DNAT": _translation("dnat", "--to-destination"),
    "SNAT": _translation("snat", "--to-source"),
    "REDIRECT": _redirect,
    "NETMAP": _netmap,
    "MARK": lambda options: _mark(meta("mark"), options),
    "CONNMARK": _connection_mark,
    "CT": _ct,
    "TTL": _ttl,
    "DSCP": _dscp,
    "TOS": _tos,
    "TEE": lambda _: [{"dup": None}],
}
