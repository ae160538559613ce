"""A lab's life: ``python -m bench.life`` prints JSON: seconds to import, open, build, draw and close; its processes' memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

NODES, PODS = 3, 110
IMPORT = "import time; t = time.perf_counter(); import podnet_lab; print(time.perf_counter() - t)"


def clock(action) -> float:
    """Seconds that *action* takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def memory(parent: int) -> int:
    """Bytes that a process and all below it have for themselves (proportional set size)."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    found, todo = 0, [parent]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found += 1024 * int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
    return found


def main() -> None:
    """Open, measure, build, measure, close."""
    importing = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    from podnet_lab import Lab

    start = time.perf_counter()
    lab = Lab.open(nodes=NODES, pods=PODS, name="life")
    found = {"import": float(importing.stdout), "open": time.perf_counter() - start}
    lab.snapshot()
    empty = memory(os.getpid())
    found |= {"build": clock(lab.build)}
    full = memory(os.getpid())
    found |= {"memory": full, "memory per Pod": (full - empty) / (NODES * PODS)}
    found |= {"topology": clock(lambda: lab.topology().svg), "close": clock(lab.close)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
