"""
A process in a sandbox: user, mount, PID, network, IPC, UTS and cgroup namespaces of its own, and limits.

``python -m podnet_lab.kernel.sandbox PARENT``, by the process PARENT.

Standard input begins with a line of JSON (`Order`), and is the program's from then on. Standard output begins with a line
of JSON, {"init": its number as seen from here} or {"cannot": why not}.

Two user namespaces lie in one another, or, for a real root, a user that nobody else is and one namespace. What was
mounted in the outer one can neither be unmounted nor written in the inner one, and processes are counted in it alone.
No capability is left to the program, and whoever it was started by, it is not root of the machine: it may make
namespaces below its own, as an ordinary user may.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import struct
import sys
from typing import NamedTuple

from podnet_lab.kernel import nobodys_id, sandbox_root
from podnet_lab.kernel.namespaces import _call, _libc, mount

NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = (
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
SIOCSIFFLAGS, IFF_UP = 0x8914, 1

KEYCTL, KEYCTL_JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219, "riscv64": 219}, 1

USER = 1000
"""Who the program is, as it sees itself."""

MOST = 1 << 26
"""Bytes that an order may have."""


class Order(NamedTuple):
    """What runs in a sandbox, and what it has: see `sandbox_root.build` for the files; *memory* is a process's, in bytes."""

    command: list[str]
    env: dict[str, str]
    home: str
    show: list[str]
    hide: list[str]
    files: dict[str, str]
    folders: dict[str, int]
    size: int
    memory: int
    processes: int


def _die_with_parent() -> None:
    _call(_libc.prctl, PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))


def _read_order() -> Order:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1) if len(line) < 20 else b""  # its length first, for not a byte more may be taken
        if not byte:
            raise EOFError("nobody said what is to run")
        line += byte
    wanted, content = int(line), b""
    while len(content) < min(wanted, MOST) and (more := os.read(0, wanted - len(content))):
        content += more
    return Order(**json.loads(content))


def _say(**words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _map(user: int, group: int) -> None:
    """Be *USER* in a new user namespace whose maker is *user* and *group*."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{USER} {user} 1"), ("gid_map", f"{USER} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _limit(order: Order) -> None:
    limits = {
        resource.RLIMIT_NPROC: order.processes,
        resource.RLIMIT_AS: order.memory,
        resource.RLIMIT_FSIZE: order.size,
        resource.RLIMIT_NOFILE: 4096,
        resource.RLIMIT_CORE: 0,
    }
    for which, number in limits.items():
        hard = resource.getrlimit(which)[1]
        number = number if hard == resource.RLIM_INFINITY else min(number, hard)
        resource.setrlimit(which, (number, number))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if the machine has no memory left, this goes first


def _enter(order: Order) -> None:
    """Bring this process into the sandbox's namespaces but the PID namespace, which its next child is the first of."""
    nobody, user, group = nobodys_id.for_root(), os.geteuid(), os.getegid()
    if nobody is not None:
        user = group = nobody
        _call(_libc.unshare, NEW_NS)
    else:
        _call(_libc.unshare, NEW_USER | NEW_NS)
        _map(user, group)
        user = group = USER
    sandbox_root.build(order.show, order.hide, order.files, order.folders, user, order.size)
    _limit(order)
    if nobody is not None:
        nobodys_id.become(nobody)
        _call(_libc.prctl, PR_SET_DUMPABLE, ctypes.c_ulong(1))  # or its own maps would be another's files
    _call(_libc.unshare, NEW_USER | NEW_NS | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS | NEW_CGROUP)
    _map(user, group)
    _die_with_parent()  # a change of user has forgotten it


def _forget_keys() -> None:
    """Leave the keys of whoever grades (keyrings(7)): a session's are handed on to all that is started in it."""
    if (number := KEYCTL.get(platform.machine())) is not None:
        _libc.syscall(ctypes.c_long(number), ctypes.c_long(KEYCTL_JOIN_SESSION_KEYRING), None)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        fcntl.ioctl(some, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))


def _become_program(order: Order, parent: int) -> None:
    """Be the first process of the sandbox, once something comes through the pipe *parent*, which ends with the parent."""
    _die_with_parent()
    if not os.read(parent, 1):
        os._exit(1)
    mount("none", "/proc", "proc", sandbox_root.MS_NOSUID | sandbox_root.MS_NODEV | sandbox_root.MS_NOEXEC)
    _forget_keys()
    _loopback_up()
    socket.sethostname("grading")
    os.chdir(order.home)
    os.execve(order.command[0], order.command, order.env)


def main(parent: int) -> int:
    """Do what the order says, as a child of the process *parent*; the program's exit status is this one's."""
    try:
        _die_with_parent()
        if os.getppid() != parent:
            return 1
        order = _read_order()
        _enter(order)
        ours, theirs = os.pipe()
        child = os.fork()
    except (OSError, EOFError, ValueError, TypeError) as error:
        _say(cannot=f"{type(error).__name__}: {error}")
        return 1
    if child == 0:
        try:
            os.close(theirs)
            _become_program(order, ours)
        except BaseException as error:  # noqa: BLE001 - nothing may go on here as if it were the parent
            _say(cannot=f"{type(error).__name__}: {error}")
        os._exit(1)
    _say(init=child)
    os.write(theirs, b"!")
    for descriptor in (0, 1):  # the program's alone, so that its end is seen
        os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    os._exit(main(int(sys.argv[1])) & 0xFF)
