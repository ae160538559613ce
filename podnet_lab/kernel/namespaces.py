"""
Network namespaces, as `ip netns` keeps them: a mount below /run/netns for each name.

Only the agent's kernel thread enters them. It must not be the process's first thread: another process that
joins this one by its pid gets the first thread's namespaces.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

from podnet_lab.printable_names import printable, raw_path

CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS = 0x40000000, 0x20000, 0x4000000
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED, MNT_DETACH = 0x1000, 0x4000, 1 << 18, 1 << 20, 2
NS_GET_NSTYPE = 0xB703
"""linux/nsfs.h: of which kind a namespace is."""

FOLDER = "/run/netns"
HERE = "/proc/thread-self/ns/net"

T = TypeVar("T")

Identity = tuple[int, int]
"""What tells a namespace from all others that there are: its device and inode numbers."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *arguments) -> None:
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def give_back_memory() -> None:
    """Give memory that is not used any more back to the system, where the C library can (malloc_trim(3), glibc's)."""
    with contextlib.suppress(AttributeError):
        _libc.malloc_trim(0)


def path(name: str) -> str:
    """The path where the namespace *name* is mounted."""
    return f"{FOLDER}/{raw_path(name)}"


def names() -> list[str]:
    """The names below /run/netns, in order."""
    try:
        return sorted(map(printable, os.listdir(os.fsencode(FOLDER))))
    except FileNotFoundError:
        return []


def here() -> int:
    """A descriptor of this thread's network namespace."""
    return os.open(HERE, os.O_RDONLY | os.O_CLOEXEC)


def open_named(name: str) -> int:
    """A descriptor of the namespace *name*; OSError (ENOENT) if there is none, or only its file, as for a moment of `ip netns add`."""
    return open_at(path(name))


def open_at(where: str) -> int:
    """A descriptor of the network namespace at a path, such as /proc/PID/ns/net; OSError (ENOENT) if there is none."""
    descriptor = os.open(where, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe of that name must not hold us
    try:
        kind = fcntl.ioctl(descriptor, NS_GET_NSTYPE)
    except OSError:  # ENOTTY: it is something else
        kind = 0
    if kind != CLONE_NEWNET:
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), where)
    return descriptor


def enter(descriptor: int) -> None:
    """Bring this thread into the network namespace of *descriptor*; OSError (EINVAL) if it is none."""
    _call(_libc.setns, descriptor, CLONE_NEWNET)


@contextlib.contextmanager
def inside(descriptor: int) -> Iterator[None]:
    """Be in the network namespace of *descriptor* for a while, and come back."""
    back = here()
    try:
        enter(descriptor)
        yield
    finally:
        enter(back)
        os.close(back)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """mount(2)."""
    words = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    _call(_libc.mount, *words, ctypes.c_ulong(flags), data.encode() if data else None)


def unmount(target: str) -> None:
    """umount2(2), at once, whoever still uses it."""
    _call(_libc.umount2, os.fsencode(target), MNT_DETACH)


def prepare() -> None:
    """
    Make /run/netns a shared mount of its own, as the first `ip netns add` does.

    If `ip` did it only after namespaces were there, each would be mounted twice, and could not be deleted any more.
    """
    os.makedirs(FOLDER, exist_ok=True)
    try:
        mount("", FOLDER, "none", MS_SHARED | MS_REC)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: it is no mount of its own yet
            raise
        mount(FOLDER, FOLDER, "none", MS_BIND | MS_REC)
        mount("", FOLDER, "none", MS_SHARED | MS_REC)


def unshare() -> None:
    """Bring this thread into a new network namespace without a name: it goes when nobody is in it."""
    _call(_libc.unshare, CLONE_NEWNET)


def unshare_node() -> None:
    """Bring this process, which has one thread, into new network, mount and UTS namespaces; what it mounts is nobody else's."""
    _call(_libc.unshare, CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def add(name: str, there: Callable[[], T] = lambda: None) -> T:
    """``ip netns add NAME``, and what *there* returns, which is called inside; OSError (EEXIST) if the name is taken."""
    prepare()
    os.close(os.open(path(name), os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    back = here()
    try:
        unshare()
        try:
            mount(HERE, path(name), flags=MS_BIND)
            try:
                return there()
            except OSError:
                unmount(path(name))
                raise
        finally:
            enter(back)
    except OSError:
        os.unlink(path(name))
        raise
    finally:
        os.close(back)


def identity(descriptor: int) -> Identity:
    """The device and inode numbers of a namespace: the same whatever its name, and no other's."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def identity_of(name: str | None) -> Identity | None:
    """The `identity` of the namespace that has *name* now; None if none has. Enters nothing: any thread may ask."""
    if name is None:
        return None
    try:
        status = os.stat(path(name))
    except OSError:
        return None
    return status.st_dev, status.st_ino


def by_network() -> dict[str, str]:
    """The names of all namespaces, by what /proc calls each ("net:[4026532001]")."""
    found = {}
    for name in names():
        if (identity := identity_of(name)) is not None:
            found.setdefault(f"net:[{identity[1]}]", name)
    return found


def remove_broken(machines: set[tuple[int, int]]) -> list[str]:
    """
    Remove names that are none of a namespace of its own (`broken`); returns them.

    What is in those that have another name is not this node's to take away.
    """
    removed = broken(machines)
    for name in removed:
        remove(name)
    return removed


def broken(machines: set[tuple[int, int]]) -> list[str]:
    """
    The names that are none of a namespace of its own.

    Plain files, as an interrupted `ip netns add` leaves, and second names for the node or for a Pod (`ip netns attach`), or for
    one of *machines*.
    """
    found, home = [], here()
    known = {identity(home), *machines}
    os.close(home)
    for name in names():
        if (which := _enterable(name)) is None or which in known:
            found.append(name)
        else:
            known.add(which)
    return found


def _enterable(name: str) -> tuple[int, int] | None:
    try:
        descriptor = open_named(name)
    except OSError:
        return None
    try:
        with inside(descriptor):
            return identity(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def remove(name: str) -> None:
    """``ip netns del NAME``; OSError (ENOENT) if there is none."""
    where = path(name)
    os.lstat(where)
    if os.path.islink(where):  # it would be followed, and what it leads to unmounted
        os.unlink(where)
        return
    try:
        unmount(where)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a plain file, not a mount: what a half-done `ip netns add` leaves
            raise
    (os.rmdir if os.path.isdir(where) else os.unlink)(where)
