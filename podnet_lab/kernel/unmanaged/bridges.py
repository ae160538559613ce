"""
Settings of bridges and of their ports that steps have no word for: spanning tree, ageing, multicast, a port's cost, …

How a port is unusual in the way that it passes frames is snapshots' matter (`podnet_lab.model.Link.port`).
Numbers: linux/if_link.h (IFLA_BR_…, IFLA_BRPORT_…); words: ip-link(8).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel import encode, namespaces
from podnet_lab.kernel.encode import IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_INFO_SLAVE_DATA, IFLA_LINKINFO
from podnet_lab.kernel.unmanaged.base import Kind, Look, opened

RTM_NEWLINK, IFLA_INFO_SLAVE_KIND = 16, 4

BRIDGE = {
    1: "forward_delay",
    2: "hello_time",
    3: "max_age",
    4: "ageing_time",
    5: "stp_state",
    6: "priority",
    7: "vlan_filtering",
    8: "vlan_protocol",
    9: "group_fwd_mask",
    20: "group_address",
    22: "mcast_router",
    23: "mcast_snooping",
    24: "mcast_query_use_ifaddr",
    25: "mcast_querier",
    27: "mcast_hash_max",
    28: "mcast_last_member_count",
    29: "mcast_startup_query_count",
    30: "mcast_last_member_interval",
    31: "mcast_membership_interval",
    32: "mcast_querier_interval",
    33: "mcast_query_interval",
    34: "mcast_query_response_interval",
    35: "mcast_startup_query_interval",
    36: "nf_call_iptables",
    37: "nf_call_ip6tables",
    38: "nf_call_arptables",
    39: "vlan_default_pvid",
    41: "vlan_stats_enabled",
    42: "mcast_stats_enabled",
    43: "mcast_igmp_version",
    44: "mcast_mld_version",
    45: "vlan_stats_per_port",
    46: "switches (no_linklocal_learn, mcast_vlan_snooping, …)",
    49: "fdb_max_learned",
}

PORT = {
    2: "priority",
    3: "cost",
    5: "guard",
    6: "root_block",
    7: "fastleave",
    25: "mcast_router",
    27: "mcast_flood",
    28: "mcast_to_unicast",
    31: "group_fwd_mask",
    34: "backup_port",
    37: "mcast_eht_hosts_limit",
    42: "mcast_max_groups",
}

COSTS = (1, 2, 4, 5, 19, 100)
"""What a kernel gives a port by the speed of its interface (port_cost in net/bridge/br_if.c)."""


class _Settings(Kind):
    """Attributes of one message within the description of an interface, in hexadecimal, and what `ip link set` calls each."""

    known: Mapping[int, str]
    what: str

    def request(self, kind: int, value: bytes) -> bytes:
        """What sets one of them."""
        raise NotImplementedError

    def new(self) -> dict[str, str]:
        """What one has that was just made."""
        raise NotImplementedError

    def read_from(self, data: bytes) -> dict[str, str]:
        """Those of one interface."""
        has = attributes(data)
        return {word: has[kind].hex() for kind, word in self.known.items() if kind in has}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [
            f"ip link set dev {name} type {self.name} {word} {_told(then[name][word])}"
            for name, word in _differ(now, then)
            for kind in (kind for kind, one in self.known.items() if one == word)
            if look.tell(RTM_NEWLINK, 0, _about(look, name) + self.request(kind, bytes.fromhex(then[name][word])))
        ]

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [
            f"{word} of the {self.what} {name} is {_told(now[name][word])}, not {_told(then[name][word])}"
            for name, word in _differ(now, then)
        ]

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        made = sorted(now.keys() - then.keys())
        new = self.new() if made else {}
        unlike = ((name, word) for name in made for word, value in now[name].items() if self.is_unlike(word, value, new))
        return [*self.left(now, then), *(f"{word} of the {self.what} {name} is {_told(now[name][word])}" for name, word in unlike)]

    def is_unlike(self, word: str, value: str, new: Mapping[str, str]) -> bool:
        """Whether one that was just made has something else."""
        return word in new and value != new[word]


class Bridges(_Settings):
    """What bridges were told."""

    name, what, known = "bridge", "bridge", BRIDGE

    def read(self, look: Look) -> dict[str, Any]:
        bridges = {name: info for name, info in _described(look) if info.get(IFLA_INFO_KIND, b"").rstrip(b"\0") == b"bridge"}
        return {name: self.read_from(info.get(IFLA_INFO_DATA, b"")) for name, info in bridges.items()}

    def request(self, kind: int, value: bytes) -> bytes:
        return attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, b"bridge") + attribute(IFLA_INFO_DATA, attribute(kind, value)))

    def new(self) -> dict[str, str]:
        return _new()["bridge"]


class Ports(_Settings):
    """What bridges' ports were told."""

    name, what, known = "bridge_slave", "bridge's port", PORT

    def read(self, look: Look) -> dict[str, Any]:
        ports = {name: info for name, info in _described(look) if info.get(IFLA_INFO_SLAVE_KIND, b"").rstrip(b"\0") == b"bridge"}
        return {name: self.read_from(info.get(IFLA_INFO_SLAVE_DATA, b"")) for name, info in ports.items()}

    def request(self, kind: int, value: bytes) -> bytes:
        slave = attribute(IFLA_INFO_SLAVE_KIND, b"bridge") + attribute(IFLA_INFO_SLAVE_DATA, attribute(kind, value))
        return attribute(IFLA_LINKINFO, slave)

    def new(self) -> dict[str, str]:
        return _new()["port"]

    def is_unlike(self, word: str, value: str, new: Mapping[str, str]) -> bool:
        return super().is_unlike(word, value, new) and not (word == "cost" and int.from_bytes(bytes.fromhex(value), "little") in COSTS)


def _described(look: Look) -> Iterator[tuple[str, dict[int, bytes]]]:
    """The name of each interface, and what the kernel says of its kind."""
    return ((name, attributes(has.get(IFLA_LINKINFO, b""))) for name, (_, _, has) in look.links.items())


def _about(look: Look, name: str) -> bytes:
    return struct.pack("=BxHiII", 0, 0, look.index(name), 0, 0)


def _differ(now: dict[str, Any], then: dict[str, Any]) -> list[tuple[str, str]]:
    both = sorted(now.keys() & then.keys())
    return [(name, word) for name in both for word in now[name] if word in then[name] and now[name][word] != then[name][word]]


def _told(value: str) -> str:
    """A value as people write it."""
    data = bytes.fromhex(value)
    return data.hex(":") if len(data) == 6 else str(int.from_bytes(data[:4] if len(data) == 8 and data[4:] != bytes(4) else data, "little"))


@cache
def _new() -> dict[str, dict[str, str]]:
    """What a new bridge has on this kernel, and its new port; made for a moment in a namespace that has no name."""
    home = namespaces.here()
    try:
        namespaces.unshare()
        with opened() as sock:
            sock.request([encode.link_add("bridge", "bridge", b""), encode.link_add("port", "veth", b"")])
            sock.request([encode.link_set("port", master=sock.index("bridge"))])
            look = Look(sock)
            return {"bridge": Bridges().read(look)["bridge"], "port": Ports().read(look)["port"]}
    except OSError:
        return {"bridge": {}, "port": {}}
    finally:
        namespaces.enter(home)
        os.close(home)
