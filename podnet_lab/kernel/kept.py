"""
A Pod as it was read last, and what tells whether it still is so without reading it again (decision 37).

The kernel gives notices of nearly all that is read of a Pod (`podnet_lab.kernel.notices`). What it gives none of is looked at all
the same, where that is cheap; and a Pod that has other such things is read each time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Mapping
from typing import Any

from podnet_lab.kernel import namespaces
from podnet_lab.printable_names import raw_path

End = tuple[int | None, int]

NS_GET_USERNS = 0xB701
IFA_F_PERMANENT, FLAGS_OF_ADDRESS = 0x80, slice(4, 6)
"""The second: where they are in the hexadecimal digits of what the kernel says of an address (linux/if_addr.h, ifaddrmsg)."""

SETTING, SETTING_OF_LINK = "ipv4/icmp_echo_ignore_all", "ipv4/conf/{}/route_localnet"
"""What is read of a Pod, and of each of its interfaces, though the kernel gives no notice of it."""

OFF = b"0\n"
EMPTY = ("learnt", "neighbours", "fdb", "ipv6", "silent", "bridged", "tables")
"""What changes without a notice, or is not worth one's while to follow: a Pod that has none of these can be kept."""


class Kept:
    """
    A Pod as it was read last.

    *number* is the node's for it; *links* are the names of its interfaces by their numbers; *ends* what they hang on, as
    (number of the namespace there, None for the node's own; interface number), with (name of the namespace, of the interface).
    """

    __slots__ = ("_numbers_of_ends", "ends", "links", "name", "number", "settings")

    def __init__(self, name: str, links: Iterable[Mapping[str, Any]]) -> None:
        """With its interfaces as they were read, and the name by which it is told."""
        self.name = name
        self.links = {link["index"]: link["name"] for link in links}
        self._numbers_of_ends = {link["name"]: link["peer_index"] for link in links if link["peer_index"]}
        self.number: int
        self.ends: dict[End, tuple[str, str]] = {}
        self.settings: list[int] = []

    def hang_on(self, space: Mapping[str, Any], number: int | None, numbers: Mapping[str, int]) -> bool:
        """Take in what was read, now that what its interfaces hang on has names; False if that is not known, or its own number is not."""
        if number is None:
            return False
        self.number = number
        for link in space["links"]:
            if link["kind"] == "loopback":
                continue
            there, name = link["peer"] or (None, None)
            if name is None or (there is not None and there not in numbers):
                return False
            self.ends[numbers[there] if there else None, self._numbers_of_ends[link["name"]]] = (there or "", name)
        return True

    def open_settings(self) -> bool:
        """From the thread that is in it: keep descriptors of its settings, which do not keep it alive; False if that can't be done."""
        try:
            for key in (SETTING, *map(SETTING_OF_LINK.format, self.links.values())):
                self.settings.append(os.open(f"/proc/sys/net/{raw_path(key)}", os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.close()
        return bool(self.settings)

    def settings_are_off(self) -> bool:
        """Whether all of those are 0, as they are by themselves."""
        try:
            return all(os.pread(descriptor, 4, 0) == OFF for descriptor in self.settings)
        except OSError:  # the interface is gone, or all of it
            return False

    def close(self) -> None:
        """Give its descriptors back."""
        for descriptor in self.settings:
            os.close(descriptor)
        self.settings = []


def tells_all(space: Mapping[str, Any]) -> bool:
    """Whether the kernel gives notices of all that can change in a namespace that was read, but for settings, and for new neighbours."""
    return (
        not any(space[what] for what in EMPTY)
        and all(_is_plain(link) for link in space["links"])
        and all(not extra and int(remade[FLAGS_OF_ADDRESS], 16) & IFA_F_PERMANENT for _, _, extra, remade in space["addresses"])
        and not any(route[7] for route in space["routes"])  # what no step gives one, as a nexthop object that changes elsewhere
        and all(len(values) == 3 for values in space["conf"].values())  # route_localnet or proxy_delay, which nobody tells
    )


def _is_plain(link: Mapping[str, Any]) -> bool:
    """
    Whether it is the loopback, or a cable on which neighbours are asked for: else what is sent goes without a neighbour.

    And up: of another name, a note, or settings that come with them, the kernel gives a notice while it is (netif_state_change).
    """
    if not link["up"]:
        return False
    return link["kind"] == "loopback" or (link["kind"] == "veth" and link["arp"] and not link["master_index"] and not link["info"])


def own_users() -> namespaces.Identity:
    """The user namespace of this process."""
    status = os.stat("/proc/self/ns/user")
    return status.st_dev, status.st_ino


def users_of(descriptor: int) -> namespaces.Identity | None:
    """The user namespace to which a network namespace belongs; None where that is out of sight. Of another one's, notices may not come."""
    try:
        users = fcntl.ioctl(descriptor, NS_GET_USERNS)
    except OSError:
        return None
    try:
        return namespaces.identity(users)
    finally:
        os.close(users)
