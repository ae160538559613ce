"""
Agents in other processes' namespaces, none of whose code comes from there.

Whoever works on a node may mount something over Python, or over this package, and is root there. So all that an agent
needs is loaded first; then, for each pair of pipes and number of a process that are asked for, an agent is forked, which
enters that process's namespaces, and imports nothing any more. A *guarded* one nobody on the node can look into
or change, either (ptrace(2)): its memory is that of a program which was started outside. The program is
`podnet_lab.backends.door_program`, and who asks it `podnet_lab.backends.door`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, FrozenImporter

import podnet_lab.devices
import podnet_lab.kernel
from podnet_lab.kernel import processes
from podnet_lab.kernel.descriptor_passing import Taker
from podnet_lab.kernel.namespaces import _call, _libc

DOOR = "podnet-door"
"""What forks the agents, by its name (/proc/PID/comm): it is none."""

READY = b"1"
"""What an agent says first; so execnet's own do."""

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


def _forked(work: Callable[[], int]) -> int:
    """Fork a process that does *work*, and ends with what it returns; its number."""
    if child := os.fork():
        return child
    status = 1
    try:
        status = work()
    except (FileNotFoundError, ProcessLookupError):
        pass  # the node has ended: whoever waits for its agent hears that, and says so
    except OSError as error:
        print(f"a node can't be entered: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)  # whatever happens: it must not become another door


def _wait(child: int) -> int:
    """Wait for the agent's end; if somebody on the node stops it, so that whoever asks it would wait for ever, it ends."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    while True:
        status = os.waitpid(child, os.WUNTRACED)[1]
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status) & 0x7F
        os.kill(child, signal.SIGKILL)


def _be_agent(hears: int, says: int, serve: Callable[[], object]) -> int:
    """Say that it is there, over two pipes that become its input and output, and *serve*, until nobody hears it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    for mine, wanted in ((hears, 0), (says, 1)):
        os.dup2(mine, wanted)
        os.close(mine)
    os.write(1, READY)
    serve()
    return 0


def _bring_agent(pid: int, guarded: bool, serve: Callable[[], object], hears: int, says: int) -> int:
    """Enter, and fork the agent, which alone is in the node's PID namespace; then wait for it."""
    processes.take_name()
    door = os.getppid()
    enter(pid)
    _call(_libc.prctl, PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))  # as setpriv had said of the door; a change of user forgets it
    _call(_libc.prctl, PR_SET_DUMPABLE, ctypes.c_ulong(not guarded))  # a change of user has changed that
    if os.getppid() != door:  # it has ended before it could have been the death of this one
        return 1
    child = _forked(lambda: _be_agent(hears, says, serve))
    for descriptor in (hears, says):
        os.close(descriptor)
    return _wait(child)


def bring_agents(asked_at: int, guarded: bool, serve: Callable[[], object]) -> None:
    """
    Bring an agent for each pair of pipes that comes to the descriptor *asked_at*, until nobody can ask any more; then wait for them.

    What comes is said with a process's number. *serve* is what an agent does on its input and output, once it is there.
    """
    load()
    processes.take_name(DOOR)
    gc.freeze()  # what is loaded is the same for all: no agent is to write to it by looking whether it is garbage
    asked = Taker(asked_at)
    waiting: list[int] = []  # each has its number until it is waited for, below: so nobody else is told to end
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(one, signal.SIGTERM) for one in waiting])

    def bring(pid: int, hears: int, says: int) -> int:
        asked.close()
        return _bring_agent(pid, guarded, serve, hears, says)

    while True:
        pid, descriptors = asked.take(2)
        if not pid:
            break
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        waiting.append(_forked(lambda: bring(int(pid), *descriptors)))  # noqa: B023 - it is called at once
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        for descriptor in descriptors:
            os.close(descriptor)
    for one in waiting:
        os.waitpid(one, 0)
