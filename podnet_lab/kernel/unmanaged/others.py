"""Settings (`sysctl`), the host name, namespaces that are held elsewhere than `ip netns` does, groups that were joined by hand."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import struct
from contextlib import suppress
from typing import Any

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel import namespaces
from podnet_lab.kernel.all_settings import AllSettings, read_open
from podnet_lab.kernel.sysctl import ROOT, write_sysctl
from podnet_lab.kernel.unmanaged.base import Kind, Look
from podnet_lab.printable_names import quoted, raw, raw_path

DRIFTING = ("tcp_fastopen_key", "tcp_mem", "udp_mem", "nf_conntrack_max", "nf_conntrack_buckets", "nf_conntrack_expect_max")
"""Settings that the kernel draws anew at each boot, or takes from the memory that there is."""

SIOCDELMULTI = 0x8932


def _values(paths: list[str]) -> dict[str, str]:
    values = {}
    for path in paths:
        with suppress(OSError):  # it went with an interface this moment, or can only be written
            descriptor = os.open(ROOT + raw_path(path), os.O_RDONLY | os.O_CLOEXEC)
            try:
                values[path] = read_open(descriptor)
            finally:
                os.close(descriptor)
    return values


def _typed(value: str) -> str:
    """A setting's value as one types it: the kernel parts several numbers by tabs, and takes blanks; an empty one is a blank."""
    return value.replace("\t", " ") or " "


class Settings(Kind):
    """Every setting of this namespace's network that can be read and written, by its path below /proc/sys/net."""

    name = "sysctl"
    MOST_PASSES = 3

    def __init__(self) -> None:
        self._all = AllSettings()

    def read(self, look: Look) -> dict[str, Any]:
        found = {path: value for path, value in self._all.read().items() if not path.endswith(DRIFTING)}
        return {path: value for path, value in found.items() if look.hidden.isdisjoint(path.split("/"))} if look.hidden else found

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words, now = [], _with_unwritable(now, then)
        wanted = self._wanted(now, then)
        for _ in range(self.MOST_PASSES):  # some set others, such as ip_forward
            todo = {path: value for path, value in wanted.items() if now.get(path) != value}
            for path, value in todo.items():
                with suppress(OSError):  # one that the kernel keeps in step with another, or takes in another form
                    write_sysctl(path, value or "\n")
                    words.append(f"sysctl -w {quoted(f'net/{path}={_typed(value)}')}")
            if not todo:
                break
            now = now | _values(list(wanted.keys() & now.keys()))
        return list(dict.fromkeys(words))

    def _wanted(self, now: dict[str, Any], then: dict[str, Any]) -> dict[str, str]:
        """What settings are to be: as they were; those that came with a module since then, as in a new namespace."""
        late = [path for path in now if path not in then and not path.startswith(_PER_LINK)]
        return {path: value for path, value in then.items() if path in now} | (_defaults(late) if late else {})

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        now = _with_unwritable(now, then)
        wanted = self._wanted(now, then)
        return [f"sysctl net/{path} is {now[path]!r}, not {value!r}" for path, value in wanted.items() if now[path] != value]

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        wanted = {path: now.get(_default(path), value) if path not in then else then[path] for path, value in now.items()}
        other = (path for path, value in wanted.items() if now[path] != value and not _SAID.fullmatch(path))
        other = (path for path in other if path in then or (path.rpartition("/")[2], now[path]) not in _WITHOUT_MAC)
        return [f"sysctl net/{path} is {now[path]!r}, not {wanted[path]!r}" for path in other]


_SAID = re.compile(
    r"ipv4/(ip_forward|icmp_echo_ignore_all|conf/[^/]+/(forwarding|rp_filter|proxy_arp|route_localnet)|neigh/[^/]+/proxy_delay"
    r"|conf/all/accept_redirects)|.*/mtu"
)
"""Settings that steps say, that snapshots name, or that go with those: forwarding switches accept_redirects."""


_WITHOUT_MAC = {("accept_dad", "-1"), ("use_tempaddr", "-1"), ("addr_gen_mode", "3")}
"""What the kernel gives a new interface that has no MAC, such as a TUN device, by itself (ipv6_add_dev in net/ipv6/addrconf.c)."""


def _default(path: str) -> str:
    """The setting that an interface's own began with."""
    family, what, dev, *rest = path.split("/") if path.startswith(_PER_LINK) else ("", "", "")
    return "/".join([family, what, "default", *rest]) if rest and dev not in ("all", "default") else ""


def _with_unwritable(now: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """*now* with the settings that could be written then, and can't be any more."""
    return now | _values([path for path in then if path not in now])


_PER_LINK = ("ipv4/conf/", "ipv6/conf/", "ipv4/neigh/", "ipv6/neigh/", "mpls/conf/")
"""Settings that come and go with an interface."""

_NODES = {"bridge/bridge-nf-call-iptables": "0"}
"""Settings that a node starts with where a new namespace has others (`podnet_lab.kernel.node_setup`)."""


def _defaults(paths: list[str]) -> dict[str, str]:
    """What settings are in a new network namespace."""
    home = namespaces.here()
    try:
        namespaces.unshare()
        found = _values(paths)
    finally:
        namespaces.enter(home)
        os.close(home)
    return found | {path: value for path, value in _NODES.items() if path in found}


class HostName(Kind):
    """The node's name for itself."""

    name = "host name"

    def read(self, look: Look) -> str:
        return socket.gethostname()

    def restore(self, look: Look, now: Any, then: Any) -> list[str]:
        socket.sethostname(then)
        return [f"hostname {then}"]

    def left(self, now: Any, then: Any) -> list[str]:
        return [f"the host name is {now}"] if now != then else []


class Ipv6OfItsOwn(Kind):
    """
    Interfaces that lack the IPv6 address which the kernel gives each by itself (::1, and a link-local one of its MAC).

    It comes with the interface, or when IPv6 is switched on; one that somebody took away does not come back by itself, and one
    of a MAC that it had meanwhile does not go. Nothing is told of it: it may be late by a moment.
    """

    name = "own IPv6 address"
    LOOPBACK, LINK = 254, 253
    IFF_LOOPBACK = 0x8
    ADDRESS, IFLA_ADDRESS = 1, 1

    def read(self, look: Look) -> list[str]:
        have: dict[str | None, set[bytes]] = {}
        for body in look.dump(22, [struct.pack("=BBBBI", socket.AF_INET6, 0, 0, 0, 0)]):
            if body[3] in (self.LOOPBACK, self.LINK):
                have.setdefault(look.names.get(struct.unpack_from("=I", body, 4)[0]), set()).add(attributes(body, 8)[self.ADDRESS])
        up = [name for name, (_, flags, _) in look.links.items() if flags & 0x10001 == 0x10001 and self._lacks(look, name, have)]
        wanted = ([f"ipv6/conf/{name}/{key}" for key in ("disable_ipv6", "addr_gen_mode")] for name in up)
        return [name for name, paths in zip(up, wanted, strict=True) if _values(paths) == dict.fromkeys(paths, "0")]

    def _lacks(self, look: Look, name: str, have: dict[str | None, set[bytes]]) -> bool:
        _, flags, has = look.links[name]
        mac = has.get(self.IFLA_ADDRESS, b"")
        if name not in have or flags & self.IFF_LOOPBACK or len(mac) != 6:
            return name not in have
        return bytes([0xFE, 0x80, *bytes(6), mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]]) not in have[name]  # RFC 4291, appendix A

    def restore(self, look: Look, now: Any, then: Any) -> list[str]:
        for name in (name for name in now if name not in then):
            with suppress(OSError):
                write_sysctl(f"ipv6/conf/{name}/disable_ipv6", 1)
                write_sysctl(f"ipv6/conf/{name}/disable_ipv6", 0)
        return []

    def left(self, now: Any, then: Any) -> list[str]:
        return []


class HeldNamespaces(Kind):
    """Mounts that keep a network namespace alive outside of /run/netns."""

    name = "mounted namespace"

    def read(self, look: Look) -> dict[str, Any]:
        with open("/proc/thread-self/mountinfo") as file:
            fields = [line.split() for line in file if " nsfs " in line]
        return {words[4]: words[3] for words in fields if words[3].startswith("net:") and not words[4].startswith(namespaces.FOLDER)}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        for path in now.keys() - then.keys():
            with suppress(OSError):
                namespaces.unmount(path)
                words.append(f"umount {path}")
        return words

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [f"the namespace {now[path]} is mounted at {path}" for path in now.keys() - then.keys()]


class Multicast(Kind):
    """MACs of groups that an interface was told to listen to (`ip maddr add`)."""

    name = "ip maddr"

    def read(self, look: Look) -> dict[str, Any]:
        try:
            with open("/proc/thread-self/net/dev_mcast") as file:
                fields = [line.split() for line in file]
        except OSError:
            return {}
        return {f"{words[4]} {words[1]}": "" for words in fields if words[3] != "0" and words[1] in look.links}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for key in now.keys() - then.keys():
                mac, dev = key.split(" ", 1)
                with suppress(OSError):
                    fcntl.ioctl(sock, SIOCDELMULTI, struct.pack("16sH14s8x", raw(dev), socket.AF_UNSPEC, bytes.fromhex(mac)))
                    words.append(f"ip maddr del {bytes.fromhex(mac).hex(':')} dev {dev}")
        return words
