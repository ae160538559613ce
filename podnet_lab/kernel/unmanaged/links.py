"""
Settings of interfaces that steps have no word for: queue length, group, alias, promiscuity, XDP programs, offloads, …

Only of interfaces that are there both times; which there are, their MTU, their MAC and their state are snapshots' matter.
Numbers: linux/if_link.h, linux/if.h, linux/ethtool.h.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from array import array
from contextlib import suppress
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.unmanaged.base import Kind, Look
from podnet_lab.printable_names import printable, raw

RTM_NEWLINK, RTM_DELLINKPROP = 16, 109
IFLA_IFALIAS, IFLA_PROTO_DOWN, IFLA_XDP, IFLA_PROP_LIST, IFLA_ALT_IFNAME = 20, 39, 43, 52, 53
IFLA_XDP_FD, IFLA_XDP_ATTACHED, IFLA_XDP_FLAGS = 1, 2, 3
XDP_MODES = {1: 4, 2: 2, 3: 8}
"""What to say (XDP_FLAGS_*) to take off a program that is attached so (XDP_ATTACHED_*)."""

NUMBERS = {
    2: "broadcast",
    13: "txqueuelen",
    17: "mode",
    20: "alias",
    27: "group",
    39: "protodown",
    40: "gso_max_segs",
    41: "gso_max_size",
    58: "gro_max_size",
    63: "gso_ipv4_max_size",
    64: "gro_ipv4_max_size",
}
"""Attributes that are set by sending them back, and what `ip link set` calls each."""

FLAGS = {0x4: "debug", 0x20: "trailers", 0x100: "promisc", 0x200: "allmulticast", 0x1000: "multicast", 0x8000: "dynamic"}
UP = 0x1
NEW = {"mode": "00", "group": "00000000", "protodown": "00", "debug": False, "promisc": False, "allmulticast": False, "xdp": 0}
"""What an interface has that was just made, whatever its kind."""
FALLBACKS = ("tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip_vti0", "ip6tnl0", "ip6_vti0", "ip6gre0")
"""Interfaces that the kernel puts into a namespace by itself, and that can't be deleted; new ones are down."""

SIOCETHTOOL, GET_FEATURES, SET_FEATURES = 0x8946, 0x3A, 0x3B
MOST_WORDS = 8


class Links(Kind):
    """Attributes and flags of the interfaces here."""

    name = "interface"

    def read(self, look: Look) -> dict[str, Any]:
        return {name: self._settings(flags, has) for name, (_, flags, has) in look.links.items()}

    def _settings(self, flags: int, has: dict[int, bytes]) -> dict[str, Any]:
        settings: dict[str, Any] = {word: has.get(kind, b"").hex() for kind, word in NUMBERS.items()}
        settings |= {word: bool(flags & bit) for bit, word in FLAGS.items()}
        xdp = attributes(has.get(IFLA_XDP, b""))
        settings["xdp"] = xdp.get(IFLA_XDP_ATTACHED, b"\0")[0]
        settings["altnames"] = _names(has.get(IFLA_PROP_LIST, b""))
        return settings

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = [line for name in now.keys() & then.keys() for line in self._restore(look, name, now[name], then[name])]
        for name in (name for name in FALLBACKS if name in now and name not in then and look.links[name][1] & UP):
            words += self._sent(look, f"ip link set {name} down", name, flags=0, mask=UP)
        return words

    def _restore(self, look: Look, name: str, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        for kind, word in NUMBERS.items():
            if word in then and now[word] != then[word]:
                value = bytes.fromhex(then[word])
                words += self._sent(look, f"ip link set dev {name} {word} {_told(word, value)}".rstrip(), name, attribute(kind, value))
        for bit, word in FLAGS.items():
            if now[word] != then.get(word, now[word]):
                command = f"ip link set dev {name} {word} {'on' if then[word] else 'off'}"
                words += self._sent(look, command, name, flags=bit if then[word] else 0, mask=bit)
        if now["xdp"] and not then.get("xdp"):
            words += self._without_xdp(look, name, now["xdp"])
        for alternative in set(now["altnames"]) - set(then.get("altnames", now["altnames"])):
            body = struct.pack("=BxHiII", 0, 0, look.index(name), 0, 0) + _properties(alternative)
            words += [f"ip link property del dev {name} altname {alternative}"] if look.tell(RTM_DELLINKPROP, 0, body) else []
        return words

    def _without_xdp(self, look: Look, name: str, mode: int) -> list[str]:
        words = []
        for flags in [XDP_MODES[mode]] if mode in XDP_MODES else XDP_MODES.values():  # several programs at once
            off = attribute(IFLA_XDP_FD, struct.pack("=i", -1)) + attribute(IFLA_XDP_FLAGS, struct.pack("=I", flags))
            words += self._sent(look, f"ip link set dev {name} xdp off", name, attribute(IFLA_XDP | 0x8000, off))
        return words[:1]

    def _sent(self, look: Look, command: str, name: str, attributes: bytes = b"", flags: int = 0, mask: int = 0) -> list[str]:
        body = struct.pack("=BxHiII", 0, 0, look.index(name), flags, mask) + attributes
        return [command] if look.tell(RTM_NEWLINK, 0, body) else []

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [
            f"{word} of {name} is not as it was"
            for name in now.keys() & then.keys()
            for word in now[name]
            if word in then[name] and now[name][word] != then[name][word]
        ]

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        made = [(name, word) for name in now.keys() - then.keys() for word in NEW if now[name][word] not in (NEW[word], "")]
        return [*self.left(now, then), *(f"{word} of {name} is not as with a new one" for name, word in sorted(made))]


def _names(properties: bytes) -> list[str]:
    """The other names of an interface: each is an attribute of the same kind."""
    found, offset = [], 0
    while offset + 4 <= len(properties):
        length, kind = struct.unpack_from("=HH", properties, offset)
        if kind & 0x3FFF == IFLA_ALT_IFNAME:
            found.append(printable(properties[offset + 4 : offset + length].rstrip(b"\0")))
        offset += max(4, (length + 3) & ~3)
    return sorted(found)


def _properties(name: str) -> bytes:
    return attribute(IFLA_PROP_LIST | 0x8000, attribute(IFLA_ALT_IFNAME, raw(name) + b"\0"))


def _told(word: str, value: bytes) -> str:
    """A value as `ip` takes it."""
    if word == "alias":
        return repr(value.rstrip(b"\0").decode(errors="replace"))
    return value.hex(":") if word == "broadcast" else str(int.from_bytes(value, "little"))


class Offloads(Kind):
    """What an interface is asked to do in place of the kernel (`ethtool -k`), as the kernel's own bits."""

    name = "offloads of"

    def read(self, look: Look) -> dict[str, Any]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return {name: wanted for name in look.links if (wanted := _wanted(sock, name))}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for name in (name for name in now.keys() & then.keys() if now[name] != then[name]):
                given = [word for was, is_now in zip(then[name], now[name], strict=True) for word in (was ^ is_now, was)]
                with suppress(OSError):
                    _features(sock, name, struct.pack(f"=II{len(given)}I", SET_FEATURES, len(given) // 2, *given))
                    words.append(f"(the offloads of {name}, as ethtool -K sets them)")
        return words

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [f"the offloads of {name} are not as they were" for name in now.keys() & then.keys() if now[name] != then[name]]


def _features(sock: socket.socket, name: str, request: bytes) -> bytes:
    buffer = array("B", request)
    address, _ = buffer.buffer_info()
    fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", raw(name), address))
    return buffer.tobytes()


def _wanted(sock: socket.socket, name: str) -> list[int]:
    """The features that are asked for; none where the interface has no such thing."""
    try:
        answer = _features(sock, name, struct.pack("=II", GET_FEATURES, MOST_WORDS) + bytes(16 * MOST_WORDS))
    except OSError:
        return []
    (size,) = struct.unpack_from("=I", answer, 4)
    return [struct.unpack_from("=4I", answer, 8 + 16 * number)[1] for number in range(size)]
