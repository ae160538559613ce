"""
An agent in another process's namespaces, none of whose code comes from there: ``python -m podnet_lab.kernel.entered_agent PID … -c CODE``.

Whoever works on a node may mount something over Python, or over this package, and is root there. So all that an agent
needs is loaded first; then it enters, and from then on imports nothing. With the word *guarded* nobody on the node can look into
it or change it, either (ptrace(2)): its memory is that of a program which was started outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pkgutil
import signal
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from types import ModuleType

import podnet_lab.devices
import podnet_lab.kernel
from podnet_lab.kernel import processes
from podnet_lab.kernel.namespaces import _call, _libc

KINDS = {"user": 0x10000000, "pid": 0x20000000, "uts": 0x4000000, "net": 0x40000000, "mnt": 0x20000}
"""Namespaces in the order in which they are entered, and setns(2)'s word for each: the files are gone from sight last."""

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4

LATER = (
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.unicode_escape",
    "heapq",
    "http.client",
    "linecache",
    "locale",
    "opcode",
    "queue",
    "shlex",
    "socket",
    "subprocess",
    "tempfile",
    "tokenize",
    "traceback",
    "weakref",
)
"""What the standard library, or execnet, would import when it is first needed."""


def load() -> None:
    """Import all that an agent may ever need, and see to it that nothing else is imported from now on."""
    sys.modules.setdefault("ssl", None)  # http.client goes without it, and in half the time
    rooms = (podnet_lab.kernel, podnet_lab.devices)
    for room in rooms:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if room is podnet_lab.kernel or module.name.endswith(".codec"):
                with contextlib.suppress(ImportError):  # what only a VM has
                    importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter]
    sys.path.clear()


def enter(pid: int) -> None:
    """Enter the namespaces of the process *pid*; of its PID namespace the next child is a part."""
    spaces = {kind: os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in KINDS}
    strange = os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
    if strange and os.geteuid() == 0:
        os.setgroups([])
    for kind, space in spaces.items():
        if kind != "user" or strange:
            _call(_libc.setns, space, KINDS[kind])
        os.close(space)
    if strange:  # be its root: a root of the machine is nobody there
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)


def _wait(child: int) -> int:
    """Wait for the agent's end; if somebody on the node stops it, so that whoever asks it would wait for ever, it ends."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    while True:
        status = os.waitpid(child, os.WUNTRACED)[1]
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(child, signal.SIGKILL)


def main(pid: int, guarded: bool, code: str) -> int:
    """Run *code* as an agent beside the process *pid*; its exit status is this one's."""
    load()
    processes.take_name()
    enter(pid)
    _call(_libc.prctl, PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))  # as setpriv had said; a change of user has forgotten it
    _call(_libc.prctl, PR_SET_DUMPABLE, ctypes.c_ulong(not guarded))  # a change of user has changed that
    if child := os.fork():
        for descriptor in (0, 1):
            os.close(descriptor)
        return _wait(child)
    program = sys.modules["__main__"] = ModuleType("__main__")
    exec(code, vars(program))  # noqa: S102 - what `python -c` would do
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2] == "guarded", sys.argv[-1]))
