"""
A vxlan's settings that no step gives, in the words of ``ip link``; and which of them an explanation does not follow. Pure.

Numbers as in linux/if_link.h (IFLA_VXLAN_*).
"""

from __future__ import annotations

from collections.abc import Iterable

from podnet_lab.devices.nlattr import attributes

_WORDS = {
    5: "ttl",
    6: "tos",
    8: "ageing",
    9: "maxaddress",
    10: "srcport",
    11: "proxy",
    12: "rsc",
    13: "l2miss",
    14: "l3miss",
    16: "group or remote (IPv6)",
    17: "local (IPv6)",
    18: "udpcsum",
    19: "udp6zerocsumtx",
    20: "udp6zerocsumrx",
    21: "remcsumtx",
    22: "remcsumrx",
    23: "gbp",
    24: "remcsum nopartial",
    25: "external",
    26: "flowlabel",
    27: "gpe",
    28: "ttl inherit",
    29: "df",
    30: "vnifilter",
    31: "nolocalbypass",
    33: "reserved_bits",
}
_HARMLESS = {8, 9, 13, 14, 18, 19, 20, 26}
"""
How long, and how much, is learnt (ageing, maxaddress), messages to programs (l2miss, l3miss), and checksums and flow labels of the
packet outside, which every host takes (udpcsum, udp6zerocsumtx, udp6zerocsumrx, flowlabel).
"""


def words(other: str) -> list[str]:
    """What *other*, the kernel's own bytes of such settings in hexadecimal, has."""
    return _named(attributes(bytes.fromhex(other)))


def not_followed(other: str) -> list[str]:
    """What of it may decide what becomes of a packet."""
    return _named(attributes(bytes.fromhex(other)).keys() - _HARMLESS)


def _named(kinds: Iterable[int]) -> list[str]:
    return [_WORDS.get(kind, f"number {kind}") for kind in sorted(kinds)]
