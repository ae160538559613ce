"""
What a plugin answers to ADD: interfaces, addresses, routes and names, in the shape that each version of the specification has. Pure.

Source: SPEC.md of containernetworking/cni, section 5; of its versions 0.3.1, 0.4.0 and 1.0.0 the same page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podnet_lab.cni.call import at_least


@dataclass(frozen=True)
class Interface:
    """An interface of an attachment; *sandbox* is the path of the namespace that it is in, "" for the node's own."""

    name: str
    mac: str
    mtu: int = 0
    sandbox: str = ""

    def written(self, version: str) -> dict[str, Any]:
        """As *version* writes it."""
        mtu = {"mtu": self.mtu} if self.mtu and at_least(version, "1.1.0") else {}
        return {"name": self.name, "mac": self.mac, **mtu, **({"sandbox": self.sandbox} if self.sandbox else {})}


@dataclass(frozen=True)
class Wired:
    """What ADD made: *interfaces*, the Pod's the last; its *address* with prefix length, its *gateway*, *routes* as (to, via), *dns*."""

    interfaces: Sequence[Interface]
    address: str
    gateway: str
    routes: Sequence[tuple[str, str | None]]
    dns: Mapping[str, Any]


def result(wired: Wired, version: str, previous: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answer to ADD; what plugins *previous* in a chain made comes first, and is passed on."""
    before = previous or {}
    known = list(before.get("interfaces") or [])
    interfaces = [*known, *(interface.written(version) for interface in wired.interfaces)]
    address = {"address": wired.address, "gateway": wired.gateway, "interface": len(interfaces) - 1}
    if not at_least(version, "1.0.0"):
        address = {"version": "4", **address}
    routes = [{"dst": to, **({"gw": via} if via else {})} for to, via in wired.routes]
    return {
        "cniVersion": version,
        "interfaces": interfaces,
        "ips": [*(before.get("ips") or []), address],
        "routes": [*(before.get("routes") or []), *routes],
        "dns": dict(wired.dns) or before.get("dns") or {},
    }


def addresses_of(previous: Mapping[str, Any], ifname: str, sandbox: str) -> list[str]:
    """The IPv4 addresses with prefix length that a result gives the container's interface *ifname*."""
    ours = _numbers_of(previous, ifname, sandbox)
    return [ip["address"] for ip in previous.get("ips") or [] if ip.get("interface") in ours and ":" not in ip["address"]]


def macs_of(previous: Mapping[str, Any], ifname: str, sandbox: str) -> set[str]:
    """The MACs, in small letters, that a result gives the container's interface *ifname*: one, or none if it does not say."""
    given = (previous["interfaces"][number].get("mac") for number in _numbers_of(previous, ifname, sandbox))
    return {mac.lower() for mac in given if mac}


def _numbers_of(previous: Mapping[str, Any], ifname: str, sandbox: str) -> set[int]:
    """Where in a result's interfaces the container's *ifname* is: where none says in which namespace it is, all that are called so."""
    interfaces = previous.get("interfaces") or []
    mine = {number for number, one in enumerate(interfaces) if one.get("name") == ifname and one.get("sandbox") in (sandbox, None, "")}
    return {number for number in mine if interfaces[number].get("sandbox")} or mine
