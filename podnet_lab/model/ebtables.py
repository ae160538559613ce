"""Rules of ebtables, as ebtables-save prints them, as statements in nft's JSON; see iptables.py. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from podnet_lab.model.iptables_matches import Statement, interface, masked, match, meta, network, payload, span
from podnet_lab.model.save_lines import Option, Part

VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "RETURN": "return", "CONTINUE": "continue"}


def statements(parts: Iterable[Part], chains: Mapping[str, Any]) -> list[Statement]:
    """The statements of one rule; *chains* are those of its table, to which it may lead."""
    return [statement for part in parts for statement in (_target(part, chains) if part.kind == "target" else _matches(part))]


def _target(part: Part, chains: Mapping[str, Any]) -> list[Statement]:
    if part.name in chains:
        return [{"jump": {"target": part.name}}]
    verdict = VERDICTS.get(part.name)
    if verdict is None:
        return [{"xt": {"type": "target", "name": part.name}}]
    return [{verdict: None}]


def _matches(part: Part) -> list[Statement]:
    found = []
    for option in part.options:
        made = _OPTIONS.get(option.name)
        try:
            found.append(made(option) if made else {"unjudged": f"has the match {option.name}, which is not for this to judge"})
        except ValueError:
            found.append({"unjudged": f"has the match {option.name} {option.argument}, which is not for this to judge"})
    return found


def _hardware(field: str) -> Callable[[Option], Statement]:
    def made(option: Option) -> Statement:
        address, _, mask = option.argument.partition("/")
        if address in _GROUPS:
            address, mask = _GROUPS[address]
        left = payload("ether", field)
        return match({"&": [left, mask]} if mask else left, address, option.negated)

    return made


_GROUPS = {
    "Broadcast": ("ff:ff:ff:ff:ff:ff", ""),
    "Multicast": ("01:00:00:00:00:00", "01:00:00:00:00:00"),
    "Unicast": ("00:00:00:00:00:00", "01:00:00:00:00:00"),
}


def _protocol(option: Option) -> Statement:
    return match(payload("ether", "type"), option.argument, option.negated)


def _of(left: Statement, made: Callable[[str], Any]) -> Callable[[Option], Statement]:
    return lambda option: match(left, made(option.argument), option.negated)


def _name_or_number(text: str) -> str:
    return text.lower()


def _ports(text: str) -> Any:
    return span(text, 65535)


_OPTIONS: dict[str, Callable[[Option], Statement]] = {
    "-p": _protocol,
    "-s": _hardware("saddr"),
    "-d": _hardware("daddr"),
    "-i": _of(meta("iifname"), interface),
    "-o": _of(meta("oifname"), interface),
    "--ip-src": _of(payload("ip", "saddr"), network),
    "--ip-source": _of(payload("ip", "saddr"), network),
    "--ip-dst": _of(payload("ip", "daddr"), network),
    "--ip-destination": _of(payload("ip", "daddr"), network),
    "--ip-proto": _of(payload("ip", "protocol"), _name_or_number),
    "--ip-protocol": _of(payload("ip", "protocol"), _name_or_number),
    "--ip-sport": _of(payload("th", "sport"), _ports),
    "--ip-dport": _of(payload("th", "dport"), _ports),
    "--arp-op": _of(payload("arp", "operation"), _name_or_number),
    "--arp-opcode": _of(payload("arp", "operation"), _name_or_number),
    "--arp-ip-src": _of(payload("arp", "saddr ip"), network),
    "--arp-ip-dst": _of(payload("arp", "daddr ip"), network),
    "--arp-mac-src": _of(payload("arp", "saddr ether"), str),
    "--mark": lambda option: masked(meta("mark"), option.argument, option.negated),
}
