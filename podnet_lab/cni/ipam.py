"""
Which address a container gets: files in the layout of host-local, the plugin that most networks leave this to, under its lock.

In DIR/NETWORK there is a file for each address that is given out, with the container's id and its interface; last_reserved_ip.0
has the last one, after which the next search begins. So whoever reads host-local's files reads ours, and the other way round.

Source: plugins/ipam/host-local/backend of containernetworking/plugins.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from podnet_lab.cni.call import Call, CniError, Code
from podnet_lab.kernel.file_lock import locked

DATA_DIR = "/var/lib/cni/networks"
"""Where host-local keeps its files, unless the configuration says otherwise (ipam.dataDir)."""

LAST, LOCK = "last_reserved_ip.0", "lock"
BREAK = "\r\n"


@dataclass(frozen=True)
class Pool:
    """The addresses that are given out: from *first* to *last* of *subnet*, and not its *gateway*."""

    subnet: IPv4Network
    first: IPv4Address
    last: IPv4Address
    gateway: IPv4Address

    def __iter__(self) -> Iterator[IPv4Address]:
        return self._between(int(self.first), int(self.last))

    def _between(self, first: int, last: int) -> Iterator[IPv4Address]:
        return (ip for ip in map(IPv4Address, range(first, last + 1)) if ip != self.gateway)

    def __contains__(self, ip: IPv4Address) -> bool:
        return self.first <= ip <= self.last and ip != self.gateway

    def after(self, last: IPv4Address | None) -> Iterator[IPv4Address]:
        """All addresses, those after *last* first: one that was given back is not given out again at once."""
        start = int(last) if last is not None and self.first <= last <= self.last else int(self.last)
        yield from self._between(start + 1, int(self.last))
        yield from self._between(int(self.first), start)


def pool_of(config: Mapping[str, Any]) -> Pool:
    """The pool of a configuration's ``ipam``; CniError if it has none, or one that can't be."""
    ipam = config.get("ipam")
    if not isinstance(ipam, dict):
        raise CniError(Code.CONFIG, "ipam is missing", '"ipam": {"subnet": "10.244.1.0/24"}')
    given = _only_range(ipam)
    if not given.get("subnet"):
        raise CniError(Code.CONFIG, "ipam.subnet is missing", '"ipam": {"subnet": "10.244.1.0/24"}')
    if ":" in str(given["subnet"]):
        raise CniError(Code.FIELD, f"unsupported field ipam.subnet: {given['subnet']!r}", "addresses are IPv4 here")
    texts = {name: given.get(name) or None for name in ("subnet", "gateway", "rangeStart", "rangeEnd")}
    for name, value in texts.items():
        if not isinstance(value, str | None):  # a number would be an address, too
            raise CniError(Code.CONFIG, f"ipam.{name} can't be that", f"{value!r} is no text")
    return _pool(*texts.values())


@lru_cache(64)  # for the daemon: every call comes with the whole configuration
def _pool(given: str, router: str | None, start: str | None, end: str | None) -> Pool:
    subnet = _read(IPv4Network, "subnet", given)
    if subnet.prefixlen > 30:
        raise CniError(Code.CONFIG, "ipam.subnet is too small", f"{subnet} has no address for a container")
    gateway = _read(IPv4Address, "gateway", router or str(subnet.network_address + 1))
    first = _read(IPv4Address, "rangeStart", start or str(subnet.network_address + 1))
    last = _read(IPv4Address, "rangeEnd", end or str(subnet.broadcast_address - 1))
    for name, ip in (("gateway", gateway), ("rangeStart", first), ("rangeEnd", last)):
        if ip not in subnet or ip in (subnet.network_address, subnet.broadcast_address):
            raise CniError(Code.CONFIG, f"ipam.{name} is no host of {subnet}", str(ip))
    if first > last:
        raise CniError(Code.CONFIG, "ipam.rangeStart is after ipam.rangeEnd", f"{first} > {last}")
    return Pool(subnet, first, last, gateway)


def _only_range(ipam: Mapping[str, Any]) -> Mapping[str, Any]:
    ranges = ipam.get("ranges")
    if ranges is None:
        return ipam
    try:
        ((only,),) = ranges
        return dict(only)
    except (TypeError, ValueError):
        raise CniError(Code.FIELD, f"unsupported field ipam.ranges: {ranges!r}", "one range is given out here") from None


def _read(kind: type, name: str, value: str) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise CniError(Code.CONFIG, f"ipam.{name} can't be that", str(error)) from None


class Leases:
    """The addresses that are given out of a network's *pool*, in its folder below *data_dir*."""

    def __init__(self, network: str, data_dir: str, pool: Pool | None = None) -> None:
        self.folder, self.pool = os.path.join(data_dir, network), pool

    @classmethod
    def of(cls, call: Call) -> Leases:
        """Those of the network that a call is about."""
        pool = pool_of(call.config)
        return cls(call.network_name, data_dir(call.config), pool)

    @classmethod
    def to_give_back(cls, call: Call) -> Leases:
        """Those of which DEL gives back: what is kept says which, so it needs no pool, nor a configuration that ADD would take."""
        try:
            return cls(call.network_name, data_dir(call.config))
        except CniError:  # in such a place none can be kept
            return cls(call.network_name, DATA_DIR)

    def take(self, container: str, ifname: str, wanted: IPv4Address | None = None) -> IPv4Interface:
        """The next free address, or the one that is *wanted*, which is this container's from now on; CniError if there is none."""
        if not os.path.isdir(self.folder):
            os.makedirs(self.folder, 0o755, exist_ok=True)
        with locked(self._path(LOCK)):
            for ip, *holder in self._held():
                if holder == [container, ifname]:
                    raise CniError(Code.TAKEN, f"{container} has {ip} at {ifname} already", "DEL comes between two ADDs")
            if wanted is not None and wanted not in self.pool:
                raise CniError(Code.CONFIG, f"{wanted} is not one of the addresses that are given out", str(self.pool.subnet))
            for ip in self.pool.after(self._last()) if wanted is None else [wanted]:
                if self._reserve(ip, f"{container}{BREAK}{ifname}"):
                    return IPv4Interface((ip, self.pool.subnet.prefixlen))
        if wanted is not None:
            raise CniError(Code.TAKEN, f"{wanted} is given out already", str(self.pool.subnet))
        raise CniError(Code.LATER, f"no address is left in {self.pool.subnet}", f"all {self.total} are given out; DEL gives one back")

    def _reserve(self, ip: IPv4Address, holder: str) -> bool:
        try:
            descriptor = os.open(self._path(str(ip)), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return False
        try:
            _write(descriptor, holder)
            _write(os.open(self._path(LAST), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC, 0o644), str(ip))
        except OSError:  # no room left: what nobody holds would never be given back
            os.unlink(self._path(str(ip)))
            raise
        return True

    def give_back(self, container: str, ifname: str) -> None:
        """Free what a container's interface has; no error if that is nothing."""
        for ip, *holder in self.held():
            if holder == [container, ifname]:
                self.free(ip)

    def free(self, ip: str) -> None:
        """Free one address; no error if it is free."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(ip))

    def held(self) -> list[tuple[str, str, str]]:
        """(address, container, interface) of all that are given out, in order."""
        if not os.path.isdir(self.folder):
            return []
        with locked(self._path(LOCK)):
            return self._held()

    def _held(self) -> list[tuple[str, str, str]]:
        found = []
        for name in os.listdir(self.folder):
            with suppress(ValueError, OSError):  # the lock, the last one, what somebody else has put there, or what goes this moment
                ip = IPv4Address(name)
                container, _, ifname = _text(self._path(name)).strip().partition(BREAK)
                found.append((ip, container, ifname))
        return [(str(ip), container, ifname) for ip, container, ifname in sorted(found)]

    def _last(self) -> IPv4Address | None:
        with suppress(OSError, ValueError):
            return IPv4Address(_text(self._path(LAST)).strip())
        return None

    @property
    def total(self) -> int:
        """How many addresses can be given out."""
        span = int(self.pool.last) - int(self.pool.first) + 1
        return span - (self.pool.first <= self.pool.gateway <= self.pool.last)

    def full(self) -> bool:
        """Whether none is left."""
        return sum(IPv4Address(ip) in self.pool for ip, _, _ in self.held()) >= self.total

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


# Mostly a file of a few bytes; `open` would take four times as long, for each of them that a container waits for.
AT_ONCE, MOST_IN_A_FILE = 4096, 1 << 18  # a variable of an environment, such as a container's id, has 128 KiB at most (execve(2))


def _text(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        data = part = os.read(descriptor, AT_ONCE)
        while len(part) == AT_ONCE and len(data) < MOST_IN_A_FILE:
            data += (part := os.read(descriptor, AT_ONCE))
        return data.decode(errors="replace")
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    try:
        data = text.encode()
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def data_dir(config: Mapping[str, Any]) -> str:
    """Where a configuration has its addresses kept."""
    ipam = config.get("ipam")
    given = (ipam.get("dataDir") if isinstance(ipam, dict) else None) or DATA_DIR
    if not isinstance(given, str) or not given.startswith("/") or "\0" in given:
        raise CniError(Code.CONFIG, "ipam.dataDir is no absolute path", repr(given))
    return given


def wanted_address(call: Call) -> IPv4Address | None:
    """The address that the runtime asks for: the capability ``ips``, or IP in CNI_ARGS."""
    ips = (call.config.get("runtimeConfig") or {}).get("ips") or []
    asked = ips[0] if ips else (call.args or {}).get("IP")
    if asked is None:
        return None
    try:
        return IPv4Address(str(asked).partition("/")[0])
    except ValueError as error:
        code = Code.CONFIG if ips else Code.ENVIRONMENT
        raise CniError(code, f"{'runtimeConfig.ips' if ips else 'IP in CNI_ARGS'} is no IPv4 address", str(error)) from None
