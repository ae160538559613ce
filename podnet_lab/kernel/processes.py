"""
What runs on a node in the background: daemons, and what shells have left behind.

All nodes of a one-machine lab share a PID namespace. A node's processes are those in its UTS namespace (which `ip netns exec`
leaves alone), in its network or a Pod's, and whatever was started below one of its shells or daemons, which carries a mark in its
environment. A VM is a whole machine: there only Pods' networks and that mark count.

Not in the background, and left alone: agents; whatever runs below one (a cell that is not done); whoever entered from outside
(`podnet shell`); and on a terminal its shells and what runs in the foreground there.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from typing import Any, NamedTuple

from podnet_lab.kernel import listeners, namespaces
from podnet_lab.printable_names import quoted_words

AGENT = "podnet-agent"
"""An agent's name (/proc/PID/comm), so that any other agent knows it for what it is."""

NODE_MARK, DAEMON_MARK = "PODNET_NODE_UTS", "PODNET_DAEMON"
"""Environment variables: on which node a process was started, by its UTS namespace; and the folder of the daemon that it is."""

DAEMONS = "/run/podnet"
"""What the folders of daemons are in."""

HELD: set[int] = set()
"""Processes that this agent itself waits for."""

TRIES, MOMENT = 5, 0.001
"""How often, and after how many seconds, a program is asked again what it was started with."""

_PAUSE, _TICKS = threading.Event(), os.sysconf("SC_CLK_TCK")
_LISTEN, _UNCONNECTED = "0A", "07"
_TABLES = (("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6"))


class Stat(NamedTuple):
    """What /proc/PID/stat says of a process (proc(5)); *foreground* is the process group that has its terminal, if it has any."""

    comm: str
    state: str
    parent: int
    group: int
    session: int
    terminal: int
    foreground: int
    born: int


def take_name(name: str = AGENT) -> None:
    """Have this process be known for an agent, or by another *name*, of 15 letters at most."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as file:
        file.write(name)


def marks(folder: str = "") -> dict[str, str]:
    """What the environment of a shell of this node says, or of the daemon with that folder."""
    return {NODE_MARK: _link("/proc/self/ns/uts")} | ({DAEMON_MARK: folder} if folder else {})


def stat(pid: int) -> Stat | None:
    """A process's `Stat`; None if it is gone."""
    comm, _, rest = read(f"/proc/{pid}/stat").partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    if not fields:
        return None
    numbers = (int(fields[at]) for at in (1, 2, 3, 4, 5, 19))
    return Stat(os.fsdecode(comm), fields[0].decode(), *numbers)


def everything() -> dict[int, Stat]:
    """All processes of this PID namespace that run, by number."""
    stats = {int(name): stat(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: found for pid, found in stats.items() if found is not None and found.state not in "ZX"}


def agents_networks() -> set[tuple[int, int]]:
    """The networks of all agents here, as (device, inode): nodes, the host `outside`, and the lab that holds them."""
    found = set()
    for pid, status in everything().items():
        if status.comm == AGENT:
            with contextlib.suppress(OSError):  # it ends this moment
                network = os.stat(f"/proc/{pid}/ns/net")
                found.add((network.st_dev, network.st_ino))
    return found


def read(path: str) -> bytes:
    """A file's content; nothing if it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def network(pid: int) -> str:
    """The network namespace of a process, as /proc writes it ("net:[4026532001]")."""
    return _link(f"/proc/{pid}/ns/net")


def _given(pid: int, what: str) -> bytes:
    """What a program was started with ("cmdline" or "environ"); nothing for the kernel's own threads."""
    for _ in range(TRIES):
        if content := read(f"/proc/{pid}/{what}"):
            return content
        if not _link(f"/proc/{pid}/exe"):
            break
        _PAUSE.wait(MOMENT)  # it becomes another program, and has neither for a moment
    return b""


def _environment(pid: int) -> dict[str, str]:
    entries = (entry.partition(b"=") for entry in _given(pid, "environ").split(b"\0"))
    return {os.fsdecode(key): os.fsdecode(value) for key, _, value in entries if key.startswith(b"PODNET_")}


class Here(NamedTuple):
    """The namespaces by which a node's processes are known; *pods* are the names of its Pods by their networks."""

    pid: str
    uts: str
    net: str
    pods: dict[str, str]
    whole_machine: bool


def here(pods: dict[str, str], whole_machine: bool = False) -> Here:
    """This node, with its *pods*; *whole_machine*: it is a VM."""
    return Here(*(_link(f"/proc/self/ns/{kind}") for kind in ("pid", "uts", "net")), pods, whole_machine)


def background(node: Here) -> list[dict[str, Any]]:
    """The node's processes that nobody waits for, as plain data of `podnet_lab.model.Process`."""
    stats, processes = everything(), []
    for pid, found in stats.items():
        if found.comm != AGENT and _lives(pid, node) and not _is_held(pid, stats, node):
            command = command_line(pid)
            if command:  # what has none is the kernel's own, or ends this moment
                processes.append(_described(pid, found, command, node))
    return sorted(processes, key=lambda process: (process["namespace"] or "", process["command"], process["pid"]))


def command_line(pid: int) -> str:
    """A process's command line, as one would type it."""
    words = _given(pid, "cmdline")
    return quoted_words(map(os.fsdecode, words.removesuffix(b"\0").split(b"\0"))) if words.strip(b"\0") else ""


def _described(pid: int, found: Stat, command: str, node: Here) -> dict[str, Any]:
    net = network(pid)
    folder = _environment(pid).get(DAEMON_MARK, "") or _folder_of(command, net)
    spec = _spec(folder) if folder else ""
    return {
        "command": command,
        "namespace": node.pods.get(net, None if net == node.net else ""),
        "daemon": os.path.basename(folder).partition(".")[0] if spec else "",
        "spec": spec,
        "listens": listens(pid),
        "pid": pid,
        "born": found.born,
        "age": max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - found.born / _TICKS),
    }


def _folder_of(command: str, net: str) -> str:
    """The folder of a daemon that a step had started, had ended, and somebody has started again by hand; "" of all other processes."""
    with contextlib.suppress(OSError):
        for name in os.listdir(DAEMONS):
            folder = f"{DAEMONS}/{name}"
            with contextlib.suppress(ValueError, KeyError, TypeError):
                same = quoted_words(json.loads(read(f"{folder}/daemon.json"))["command"]) == command
                if same and os.fsdecode(read(f"{folder}/network")) == net:
                    return folder
    return ""


def _spec(folder: str) -> str:
    """How a daemon was started; with its files as they are now, whoever has written them."""
    spec = os.fsdecode(read(f"{folder}/daemon.json"))
    try:
        given = json.loads(spec)
        files = [[name, os.fsdecode(read(f"{folder}/{name}"))] for name, _ in given["files"]]
    except (ValueError, KeyError, TypeError):
        return spec
    return spec if files == given["files"] else json.dumps(given | {"files": files})


def _lives(pid: int, node: Here) -> bool:
    """Whether a process is the node's."""
    if network(pid) in node.pods:
        return True
    if not node.whole_machine:
        if _link(f"/proc/{pid}/ns/uts") == node.uts or network(pid) == node.net:
            return True
    elif _link(f"/proc/{pid}/ns/pid") != node.pid:  # of a lab inside of this machine
        return False
    return _environment(pid).get(NODE_MARK) == node.uts


def _is_held(pid: int, stats: dict[int, Stat], node: Here) -> bool:
    """Whether somebody waits for a process: an agent, or a person."""
    found, top = stats[pid], pid
    for _ in range(len(stats)):  # a look at all takes a moment, in which a number may have become another's
        if top in HELD:
            return True
        parent = stats[top].parent
        if parent not in stats or parent == 1:
            break
        if stats[parent].comm == AGENT:
            return True
        top = parent
    if stats[top].parent == 1:  # its parents have ended; in a VM this is also where people's terminals are
        return node.whole_machine and _at_terminal(pid, found) and NODE_MARK not in _environment(pid)
    same_job = not found.terminal and (found.group, found.session) == (stats[top].group, stats[top].session)
    return pid == top or same_job or _at_terminal(pid, found)  # below one who entered from outside


def _at_terminal(pid: int, found: Stat) -> bool:
    """Whether a process is a terminal's shell, or in its foreground."""
    return bool(found.terminal) and (found.session == pid or found.group == found.foreground)


def listens(pid: int) -> list[tuple[str, int]]:
    """The (protocol, port) that a process waits at, in its own network."""
    numbers = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = _link(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:["):
                numbers.add(int(target[8:-1]))
    waiting = _ports(pid) if numbers else {}
    return sorted({waiting[number] for number in numbers & waiting.keys()})


def _ports(pid: int) -> dict[int, tuple[str, int]]:
    """The (protocol, port) of each socket that waits in a process's network, by its number."""
    found = None
    with contextlib.suppress(OSError):  # it is gone, or of other users
        network = namespaces.open_at(f"/proc/{pid}/ns/net")
        try:
            with namespaces.inside(network):
                found = listeners.ports()
        finally:
            os.close(network)
    return _ports_as_listed(pid) if found is None else found


def _ports_as_listed(pid: int) -> dict[int, tuple[str, int]]:
    """The same where the kernel has no inet_diag: this looks at all sockets of the machine."""
    found = {}
    for protocol, table in _TABLES:
        waits = _LISTEN if protocol == "tcp" else _UNCONNECTED
        for line in read(f"/proc/{pid}/net/{table}").decode().splitlines()[1:]:
            fields = line.split()
            if fields[3] == waits:
                found[int(fields[9])] = protocol, int(fields[1].rpartition(":")[2], 16)
    return found


def of_daemon(folder: str, command: str, net: str) -> list[int]:
    """The processes that a daemon runs as: those that have its mark, and those of its command line in its network."""
    uts, pids = _link("/proc/self/ns/uts"), []
    for pid in everything():
        mark = _environment(pid)
        if (mark.get(DAEMON_MARK), mark.get(NODE_MARK)) == (folder, uts) or (network(pid) == net and command_line(pid) == command):
            pids.append(pid)
    return pids
