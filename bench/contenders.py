"""
Who wires Pods, and how long each takes: every one in a process of its own, inside namespaces of its own.

A contender makes *nodes* × *pods* Pods on bridges that are there already and says the seconds that took. What it made is
counted afterwards, so that nobody is fast by doing less.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.aims import BATCHED, BUILT, MININET, SCRIPT, VERIFIED, C
from bench.aims import CNI as PLUGINS

HERE = Path(__file__).parent
CNI = Path(os.environ.get("CNI_PATH", "/usr/lib/cni"))
PREPARE = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && mount -t sysfs sysfs /sys && ip link set lo up && "$@"'
SECONDS = 300


@dataclass(frozen=True)
class Contender:
    """
    Somebody who wires Pods.

    *command* gives the command line for (nodes, pods); *needs* are programs or files without which it can't run, each
    with the Debian package that has it; *several*: whether it can wire several nodes at once.
    """

    name: str
    command: Callable[[int, int], list[str]]
    needs: tuple[tuple[str, str], ...] = ()
    several: bool = True
    root: bool = False
    own_namespaces: bool = False

    def missing(self) -> str | None:
        """What it lacks here, in a word; None if it can run."""
        if self.root and os.geteuid() != 0:
            return "needs root"
        lacks = [package for name, package in self.needs if not (shutil.which(name) or Path(name).exists())]
        return f"not installed: {', '.join(lacks)}" if lacks else None

    def run(self, nodes: int, pods: int) -> float:
        """Seconds that wiring *nodes* × *pods* Pods took; RuntimeError if it failed, or made something else."""
        quiet()
        line = self.command(nodes, pods)
        if not self.own_namespaces:
            line = private("bash", "-c", PREPARE, "bash", *line)
        done = subprocess.run(line, cwd=HERE.parent, capture_output=True, text=True, timeout=SECONDS, check=False)
        words = done.stdout.split()
        if done.returncode or len(words) != 2:
            raise RuntimeError(f"{self.name}: {(done.stderr or done.stdout).strip()[-500:]}")
        if int(words[1]) != self.expected(nodes, pods):
            raise RuntimeError(f"{self.name} counts {words[1]}, not {self.expected(nodes, pods)}")
        return float(words[0])

    def expected(self, nodes: int, pods: int) -> int:
        """What it has to count in the end."""
        return nodes * pods


def private(*words: str) -> list[str]:
    """A command line that runs *words* in network, mount and process namespaces of its own; all that it starts ends with it."""
    spaces = "-nmp" if os.geteuid() == 0 else "-Urnmp"
    return ["unshare", spaces, "--fork", "--kill-child", "--mount-proc", "--propagation", "private", *words]


def quiet() -> None:
    """Wait until the kernel has cleared away what was there before."""
    subprocess.run(private(sys.executable, "-m", "bench.settle"), cwd=HERE.parent, check=True, timeout=SECONDS)


def limit() -> Path:
    """The C program, compiled on the spot; it is gone with this process."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    made = Path(folder) / "limit"
    subprocess.run(["cc", "-O2", "-o", made, HERE / "limit.c"], check=True)
    return made


def program() -> Path | None:
    """The C program, or None where there is no compiler."""
    try:
        return limit()
    except (OSError, subprocess.CalledProcessError):
        return None


def able(every: list[Contender]) -> list[Contender]:
    """Those that can run here; says of the others what they lack."""
    found = []
    for one in every:
        if (lack := one.missing()) is None:
            found.append(one)
        else:
            print(f"left out: {one.name} ({lack})", file=sys.stderr)
    return found


def python(module: str, *words: str, interpreter: str = sys.executable) -> Callable[[int, int], list[str]]:
    """A contender that is a module of this folder."""
    return lambda nodes, pods: [interpreter, "-m", f"bench.{module}", str(nodes), str(pods), *words]


def counted(program: str, *words: str) -> Callable[[int, int], list[str]]:
    """A contender that is no Python: what it made is counted by the script `count`."""
    return lambda nodes, pods: ["bash", str(HERE / "count"), program, str(nodes), str(pods), *words]


def contenders(program: Path | None) -> list[Contender]:
    """All of them; *program* is what `limit` made, None where there is no compiler."""
    c = str(program or HERE / "limit")
    return [
        Contender(C, counted(c), ((c, "gcc"),)),
        Contender(BATCHED, counted(c, "batched"), ((c, "gcc"),)),
        Contender(BUILT, python("ours", "applied"), own_namespaces=True),
        Contender(VERIFIED, python("ours", "verified"), own_namespaces=True),
        Contender(SCRIPT, python("script"), (("ip", "iproute2"),), several=False),
        Contender(PLUGINS, python("cni"), ((str(CNI / "bridge"), "containernetworking-plugins"),), several=False),
        Contender(
            MININET,
            python("mininet_net", interpreter="/usr/bin/python3"),
            (("mn", "mininet"), ("brctl", "bridge-utils")),
            several=False,
            root=True,
        ),
    ]
