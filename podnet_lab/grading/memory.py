"""How much memory a sandbox's processes have, and whether the machine has any left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:")
"""Of /proc/PID/status: what a process alone has, and what is shared with nobody's file."""

FLOOR = 256 << 20
"""Bytes that the machine itself keeps, or a twentieth of what it has, if that is less."""


def descendants(first: int) -> set[int]:
    """A process and all below it, as this process sees them."""
    parents: dict[int, list[int]] = {}
    for pid, fields in _stats():
        parents.setdefault(int(fields[1]), []).append(pid)
    found, left = set(), [first]
    while left:
        found.add(pid := left.pop())
        left += [child for child in parents.get(pid, ()) if child not in found]
    return found


def _stats() -> Iterator[tuple[int, list[bytes]]]:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            yield int(path.name), (path / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue


def of_processes(pids: set[int]) -> int:
    """The bytes that these processes have together."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(COUNTED))
    return total << 10


def left(meminfo: str) -> tuple[int, int]:
    """The bytes that a machine has, and those of them that are free or could be, by the text of /proc/meminfo."""
    values = {line.partition(":")[0]: int(line.split()[1]) << 10 for line in meminfo.splitlines() if ":" in line}
    return values["MemTotal"], values.get("MemAvailable", values["MemTotal"])


def too_much(first: int, most: int) -> str:
    """What is wrong with the memory of a process and all below it, which may have *most* bytes; "" if nothing is."""
    if (found := of_processes(descendants(first))) > most:
        return f"it took more than {most >> 20} MB of memory ({found >> 20} MB)"
    total, free = left(Path("/proc/meminfo").read_text())
    if free < min(FLOOR, total // 20):
        return "the machine had no memory left while it ran"
    return ""
