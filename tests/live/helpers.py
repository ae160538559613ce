"""What the live tests share: a look at kernels that can be compared, and waiting with a deadline."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from live.lab_facade import processes
from podnet_lab.model import Namespace, Snapshot
from podnet_lab.show.changes import facts

ROOT = Path(__file__).parents[2]
UPLINK = os.environ.get("PODNET_UPLINK", "eth0")
"""A node's interface on the external network; in a VM the test that runs these says what it is called there."""

VMS = "PODNET_UPLINK" in os.environ
"""Whether these tests run on the three VMs, for make test-vagrant."""

_pause = threading.Event()


def until(holds: Callable[[], object], seconds: float = 5.0, what: str = "it") -> object:
    """What *holds* returns once that is true; a failure if it is not within *seconds*."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        _pause.wait(0.01)
    return found


def _space(space: Namespace) -> dict:
    return {
        "facts": facts(space),
        "links": {one.name: (one.kind, one.up, one.mtu, one.arp, one.master, one.peer) for one in space.links.values()},
        "kinds": {link.name: (link.lower, link.settings, bool(link.info)) for link in space.links.values()},
        "tunnels": sorted(f"{entry.dev} {entry.mac} {entry.remote}" for entry in space.fdb if entry.remote and entry.permanent),
        "addresses": sorted(f"{one.dev} {one.interface}" for one in space.addresses),
        "routes": sorted(f"{one} table {one.table} {one.kernel}" for one in space.routes),
        "neighbours": sorted(f"{one.dev} {one.address} {one.mac}" for one in space.neighbours if one.state == "PERMANENT"),
        "conf": dict(space.conf),
    }


def stable(seen: Snapshot | Mapping[str, Snapshot]) -> dict:
    """All of a node, or of several, that is the same whenever the same was done: no MACs, no numbers, nothing learnt."""
    if isinstance(seen, Snapshot):
        return {name or "": _space(space) for name, space in seen.spaces.items()}
    return {name: stable(node) for name, node in seen.items()}


def everything(lab) -> dict:
    """The stable facts of every node of a lab, and of the host outside."""
    return stable(lab.snapshot(*[node.name for node in lab.nodes], "outside"))


def owner(script: str, *arguments: str, **options) -> subprocess.Popen:
    """A Python of its own that runs *script*, in a process group of its own, and talks through pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
        **options,
    )


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with the package's folder on Python's path."""
    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{path}".rstrip(":"), **more}


def limited(**more: str) -> dict[str, str]:
    """`environment` for a Python that may write no whole file: 3.11 keeps what part of a module's code it could write, for others."""
    return environment(PYTHONDONTWRITEBYTECODE="1", **more)


def podnet(*words: str, seconds: float = 30, **more: str) -> subprocess.CompletedProcess:
    """The program `podnet`, as from another terminal."""
    command = [sys.executable, "-c", "from podnet_lab.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment(**more), check=False)


def links_of_processes(kinds: Iterable[str] = ("pid", "net", "mnt")) -> dict[str, set[str]]:
    """Which namespaces each process of this machine lives in, as far as this user may look."""
    found: dict[str, set[str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        for kind in kinds:
            try:
                found.setdefault(path.name, set()).add(os.readlink(path / "ns" / kind))
            except OSError:
                continue
    return found


def processes_in(lab) -> set[str]:
    """The processes that live on the nodes of a one-machine lab, whoever started them, as pid/birth."""
    spaces = {node["namespaces"]["net"] for node in processes(lab).values()}
    return {f"{pid}/{birth(pid)}" for pid, found in links_of_processes(["net"]).items() if found & spaces}


def mounts() -> str:
    """Every mount that a process of this machine sees."""
    seen: dict[str, str] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            seen[os.readlink(path / "ns/mnt")] = (path / "mountinfo").read_text()
        except OSError:
            continue
    return "".join(seen.values())


def traces(namespaces: Iterable[str], pids: Iterable[str] = ()) -> list[str]:
    """
    What is left of *namespaces* ("net:[…]") and processes: processes in them, mounts of them, the processes themselves.

    A zombie is none: it has run and holds nothing, and when its number is free again is up to the machine's first process.
    """
    wanted, births = set(namespaces), dict(pid.split("/") for pid in pids)
    inside = {pid: found & wanted for pid, found in links_of_processes().items() if found & wanted}
    left = [f"process {pid} in {', '.join(found)}" for pid, found in inside.items() if birth(pid)]
    everywhere = mounts()
    left += [f"mount of {one}" for one in wanted if one in everywhere]
    return left + [f"process {pid}" for pid, born in births.items() if birth(pid) == born]


def birth(pid: str) -> str:
    """When a process began, as /proc tells it; "" if it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def of_lab(lab) -> tuple[list[str], list[str]]:
    """The namespaces of a lab, its Pods' included, and its processes as pid/birth, seen from outside."""
    found = {space for node in processes(lab).values() for kind, space in node["namespaces"].items() if kind in ("pid", "net", "mnt")}
    for node in (*lab.nodes, lab.outside):
        numbers = node.shell("for one in /run/netns/*; do [ -e $one ] && stat -L -c %i $one; done; true").split()
        found |= {f"net:[{number}]" for number in numbers}
    mine = os.readlink("/proc/self/ns/pid"), os.readlink("/proc/self/ns/mnt"), os.readlink("/proc/self/ns/net")
    found -= set(mine)
    pids = [f"{pid}/{birth(pid)}" for pid, spaces in links_of_processes().items() if spaces & found]
    return sorted(found), [one for one in pids if not one.endswith("/")]
