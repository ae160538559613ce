"""An ipip tunnel's settings as the kernel takes and gives them (linux/if_tunnel.h, IFLA_IPTUN_*)."""

from __future__ import annotations

from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes, pack_ipv4, unpack_ipv4

LOCAL, REMOTE, PROTO, PMTUDISC, ENCAP_FLAGS = 2, 3, 9, 10, 16
_HARMLESS = {PROTO, PMTUDISC, ENCAP_FLAGS}
"""That it carries IPv4, what it does with DF, and flags of an encapsulation that is then named by another attribute."""


def encode(settings: dict[str, Any], lookup: Any) -> bytes:
    """IFLA_INFO_DATA for *local*, *remote* and *other* attributes in hexadecimal."""
    ends = ((LOCAL, settings.get("local")), (REMOTE, settings.get("remote")))
    data = b"".join(attribute(kind, pack_ipv4(end)) for kind, end in ends if end)
    return data + bytes.fromhex(settings.get("other", ""))


def decode(data: bytes, names: dict[int, str]) -> dict[str, Any]:
    """The same settings from IFLA_INFO_DATA; none where it takes what comes from anybody, and sends to whom the route says."""
    given = attributes(data)
    settings = {name: unpack_ipv4(given[kind]) for name, kind in (("local", LOCAL), ("remote", REMOTE)) if any(given.get(kind, b""))}
    unusual = {kind: value for kind, value in given.items() if kind not in {LOCAL, REMOTE} | _HARMLESS and any(value)}
    return settings | ({"other": b"".join(attribute(kind, unusual[kind]) for kind in sorted(unusual)).hex()} if unusual else {})
