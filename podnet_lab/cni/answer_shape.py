"""
What a runtime can make nothing of in a plugin's answer, though it is a JSON object: libcni would refuse it, too. Pure.

Source: pkg/types of containernetworking/cni; SPEC.md, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any

LISTS = ("interfaces", "ips", "routes")
"""What a result has as lists of objects."""


def problem(command: str, answer: Mapping[str, Any]) -> str | None:
    """Why an answer to ADD or VERSION is none; None if it is one."""
    if command == "VERSION":
        listed = answer.get("supportedVersions")
        return None if isinstance(listed, list) else "supportedVersions is no list of versions"
    if answer.get("code"):
        return f"it answers with error {answer['code']}, and ends with status 0: {answer.get('msg', '')}"
    for name in LISTS:
        listed = answer.get(name) or []
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            return f"{name} is no list of objects"
    return next(filter(None, map(_ip_problem, answer.get("ips") or [])), None)


def _ip_problem(ip: Mapping[str, Any]) -> str | None:
    address = ip.get("address")
    try:
        if not isinstance(address, str) or "/" not in address:
            raise ValueError
        ip_interface(address)
    except ValueError:
        return f"an address of ips has its prefix length, like 10.244.1.5/24, and this is {address!r}"
    return None
