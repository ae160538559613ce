"""
What a runtime can make nothing of in a plugin's answer, though it is a JSON object: libcni would refuse it, too. Pure.

Source: pkg/types of containernetworking/cni, whose fields are found whatever the case of their names; SPEC.md, section 5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_interface
from math import isfinite
from typing import Any, NamedTuple, NoReturn

MOST_SHOWN = 60
"""Letters of a value that can't be, as it is told."""


class Shape(NamedTuple):
    """What a value has to be: in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


def _is_ip(value: Any) -> bool:
    with suppress(ValueError):
        return isinstance(value, str) and (value == "" or bool(ip_address(value)))  # Go reads an empty text as no address
    return False


def _is_cidr(value: Any) -> bool:
    with suppress(ValueError):
        return isinstance(value, str) and "/" in value and bool(ip_interface(value))
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


TEXT = Shape("is no text", lambda value: isinstance(value, str))
TEXTS = Shape("is no list of texts", lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value))
NUMBER = Shape("is no whole number", _is_number)
IP = Shape("is no IP address", _is_ip)
CIDR = Shape("is no address with its prefix length, like 10.244.1.0/24", _is_cidr)

LISTS: dict[str, dict[str, Shape]] = {
    "interfaces": {"name": TEXT, "mac": TEXT, "mtu": NUMBER, "sandbox": TEXT, "socketpath": TEXT, "pciid": TEXT},
    "ips": {"address": CIDR, "gateway": IP, "interface": NUMBER, "version": TEXT},
    "routes": {"dst": CIDR, "gw": IP, **dict.fromkeys(("mtu", "advmss", "priority", "table", "scope"), NUMBER)},
}
"""What a result has as lists of objects, and what is in each of those."""

REQUIRED = {"ips": "an address", "routes": "a dst"}
EXAMPLES = {"ips": "10.244.1.5/24", "routes": "0.0.0.0/0"}

DNS = {"nameservers": TEXTS, "domain": TEXT, "search": TEXTS, "options": TEXTS}


def problem(command: str, answer: Mapping[str, Any]) -> str | None:
    """Why an answer to ADD or VERSION is none; None if it is one."""
    if command == "VERSION":
        listed = answer.get("supportedVersions")
        return None if isinstance(listed, list) else "supportedVersions is no list of versions"
    if answer.get("code"):
        return f"it answers with error {answer['code']}, and ends with status 0: {answer.get('msg', '')}"
    return result_problem(answer)


def result_problem(result: Mapping[str, Any], within: str = "") -> str | None:
    """What in a result, called with *within* before its names, can't be read as one; None if all of it can."""
    for name, shapes in LISTS.items():
        listed = result.get(name)
        if listed is None:
            continue
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            return f"{within}{name} is no list of objects"
        for number, one in enumerate(listed):
            required = REQUIRED.get(name)
            if required and (not CIDR.holds(value := one.get(required.split()[1]))):
                return f"{required} of {within}{name} has its prefix length, like {EXAMPLES[name]}, and this is {_shown(value)}"
            if wrong := _wrong(one, shapes):
                return f"{within}{name}[{number}].{wrong}"
    return dns_problem(result.get("dns"), f"{within}dns")


def dns_problem(dns: Any, called: str = "dns") -> str | None:
    """What in the names of a result, or of a configuration, can't be read; None if all can, or there are none."""
    if dns is None:
        return None
    if not isinstance(dns, dict):
        return f"{called} is no object"
    return f"{called}.{wrong}" if (wrong := _wrong(dns, DNS)) else None


def _wrong(given: Mapping[str, Any], shapes: Mapping[str, Shape]) -> str | None:
    for name, value in given.items():
        shape = shapes.get(name.lower())
        if shape is not None and value is not None and not shape.holds(value):
            return f"{name} {shape.words}: {_shown(value)}"
    return None


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"


def read_json(text: str) -> Any:
    """A JSON text as others read it: ValueError also for NaN, and for a number without end, which Python alone would write again."""
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        _refuse(text)
    return number
