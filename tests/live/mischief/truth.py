"""Who really reaches whom: echoes and connections by sockets in the namespaces themselves, and what the receiver saw."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

from live.helpers import links_of_processes
from live.lab_facade import processes
from live.mischief.shapes import End, Pair

PROBE = Path(__file__).parent / "probe.py"

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
"""One that everybody may run: a root's lab is somebody's to whom root's own folders are closed."""


class Truth:
    """
    A program beside the lab that opens sockets in its namespaces, and in no other way has to do with the library.

    It lives in the lab's user and process namespaces and in none of its networks, so that nobody on a node sees it, and
    `goto` does not end it. A pair is "works" (each echo was answered by the address that was asked, and the receiver
    itself had got it), "broken" (none was), or "flaky".
    """

    def __init__(self, lab) -> None:
        self._pids = _numbers(lab)
        self._process = subprocess.Popen(
            [*_inside(self._pids["node1"]), PYTHON, "-S", "-E", "-c", PROBE.read_text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def listen(self, ends: list[End], port: int) -> None:
        """Have a server listen in each of these namespaces, as long as the network stays."""
        self._ask({"do": "listen", "spaces": [self._place(end) for end in ends], "port": port})

    def settings(self, places: list[tuple[str, str]]) -> list[list[str]]:
        """What of IPv4, bridges and netfilter can be set in each of these namespaces (node and name), as paths below /proc/sys."""
        return self._ask({"do": "settings", "spaces": [[self._pids[node], name] for node, name in places]})

    def deaf(self) -> None:
        """Close all servers: an open socket keeps its namespace."""
        self._ask({"do": "deaf"})

    def of(self, pairs: list[Pair], patience: float) -> list[str]:
        """Of each pair, all tried at the same time: "works", "broken" or "flaky"."""
        asked = [
            {"source": self._place(pair.source), "receiver": self._place(pair.receiver), "address": pair.address, "port": pair.tcp}
            for pair in pairs
        ]
        return self._ask({"do": "try", "pairs": asked, "patience": patience})

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._process.stdout.close()

    def _place(self, end: End) -> list:
        return [self._pids[end.node], end.space]

    def _ask(self, what: dict):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], 20)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise RuntimeError(f"the probe did not answer {what['do']}")
        said = json.loads(line)
        if "error" in said:
            raise RuntimeError(said["error"])
        return said["said"]


def _inside(pid: str) -> list[str]:
    """How to become root in the lab's user namespace, where it has one of its own, with a network that one may come back to."""
    if os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user"):
        return []
    owner = os.stat(f"/proc/{pid}").st_uid
    become = [] if owner == os.geteuid() else ["setpriv", f"--reuid={owner}", f"--regid={owner}", "--clear-groups"]
    return [*become, "nsenter", "-t", pid, "-U", "--preserve-credentials", "unshare", "--net"]


def _numbers(lab) -> dict[str, str]:
    """The numbers that this machine gives the nodes' agents, by their namespaces: the lab counts its own way."""
    wanted = {one["namespaces"]["net"]: name for name, one in processes(lab).items()}
    found: dict[str, str] = {}
    for pid, spaces in sorted(links_of_processes(["net"]).items(), key=lambda item: int(item[0]), reverse=True):
        found |= {wanted[space]: pid for space in spaces if space in wanted}
    return found
