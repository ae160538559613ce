"""
`make bench`: who wires Pods how fast, in one run and in turn; ratios first.

Prints tables; ``--out FOLDER`` also writes bench.json (all rounds, the machine), of which `bench.page` makes plots and a page.
``--quick`` measures only the first ratios, with fewer Pods, and fails if one has grown far beyond what it ever was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

from bench import tables
from bench.aims import BATCHED, BUILT, MININET, VERIFIED, C
from bench.contenders import HERE, Contender, able, contenders, program, python

QUICK_ROUNDS = 11
"""Odd, and more than a few: on a machine that is shared one in three takes half as long again."""

QUICK_PODS, QUICK_MOST = 100, {BUILT: 2.2, VERIFIED: 2.6}
"""What a quick run wires, and the ratios to the C program, one by one, at which it fails: an aim may be missed, a regression not."""

BEGINNING = {"networks": tables.NETWORK, "growth": tables.GROWTH}
PARTS, PART_ROUNDS = tuple(BEGINNING), 3
"""What is measured by itself, and its rounds, at most: each takes as long as a round of all else."""


def machine() -> dict[str, str | int]:
    """What this was measured on."""
    processor = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?"
    )
    return {
        "kernel": platform.release().partition("-")[0],
        "processor": processor,
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
    }


def jobs(every: list[Contender]) -> list[tuple[str, Contender, int, int]]:
    """(name, who, nodes, pods) of all that is measured in each round, in turn."""
    by_name = {one.name: one for one in every}
    found = [(f"200: {one.name}", one, 1, 200) for one in every]
    found += [(f"330: {name}", by_name[name], 3, 110) for name in (C, BATCHED, VERIFIED) if name in by_name]
    found += [(f"{pods}: {VERIFIED}", by_name[VERIFIED], 1, pods) for pods in (25, 250)]
    found.append(("mesh", _Pairs("full mesh", python("mesh"), own_namespaces=True), 3, 110))
    if MININET in by_name:
        pingall = _Pairs("Mininet's pingall", python("mininet_net", "pingall", interpreter="/usr/bin/python3"), (("ping", "iputils-ping"),))
        found += [("pingall", one, 1, 20) for one in able([pingall])]
    return found


class _Pairs(Contender):
    """Counted in ordered pairs of all Pods."""

    def expected(self, nodes: int, pods: int) -> int:
        return nodes * pods * (nodes * pods - 1)


def figures(module: str, *words: str) -> dict:
    """What a module of this folder prints as JSON."""
    done = subprocess.run([sys.executable, "-m", f"bench.{module}", *words], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def measure(rounds: int) -> dict[str, list[float]]:
    """All rounds of everyone, in turn: what the machine does meanwhile hits all alike."""
    todo, found = jobs(able(contenders(program()))), {}
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", flush=True)
        for name, who, nodes, pods in todo:
            found.setdefault(name, []).append(who.run(nodes, pods))
        for module in ("life", "among", "big", "plugins", "policies"):
            for name, value in figures(module).items():
                found.setdefault(name, []).append(value)
    return found


def part(module: str, rounds: int) -> dict[str, list[float]]:
    """All rounds of one of PARTS, which takes its own turns."""
    print(f"{module}, {min(rounds, PART_ROUNDS)} rounds", flush=True)
    return figures(module, "--json", "--rounds", str(min(rounds, PART_ROUNDS)))


def stored(folder: Path | None) -> dict[str, list[float]]:
    """The rounds of the run before."""
    if folder is None or not (folder / "bench.json").exists():
        raise SystemExit("--only replaces a part of a stored run: --out FOLDER says where it is")
    return json.loads((folder / "bench.json").read_text())["rounds"]


def store(folder: Path | None, found: dict[str, list[float]]) -> None:
    """Write down what was measured until now: a long run that fails at its end is not lost."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench.json").write_text(json.dumps({"machine": machine(), "rounds": found}, indent=1) + "\n")


def quick() -> int:
    """The guard against regressions: by ratio, as the machine's load hits both, and with room for what remains of it."""
    every = {one.name: one for one in able(contenders(program()))}
    if C not in every:
        print("no C compiler: not guarded")
        return 1
    rounds = {name: [] for name in (C, *QUICK_MOST)}
    for _ in range(QUICK_ROUNDS):
        for name, seconds in rounds.items():
            seconds.append(every[name].run(1, QUICK_PODS))
    worst = 0
    for name, most in QUICK_MOST.items():
        ratio = median(rounds[name]) / median(rounds[C])
        print(f"{name}: {ratio:.2f} × the C program, one by one (fails above {most})")
        worst += ratio > most
    return worst


def report(found: dict[str, list[float]]) -> str:
    """The aims that are reached, those that are missed or were not measured; the networks; growth; then all other medians."""
    figures = {name: median(values) for name, values in found.items()}
    parts = [*tables.aims(figures).values(), tables.networks(figures), tables.growth(figures), tables.medians(figures)]
    return "\n\n".join(part for part in parts if part)


def main() -> int:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=PARTS, nargs="+", help="measure this anew, and keep all else of the run in FOLDER")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        return quick()
    found = stored(given.out) if given.only else measure(given.rounds)
    store(given.out, found)
    for module in given.only or PARTS:
        kept = {name: values for name, values in found.items() if not name.startswith(BEGINNING[module])}
        found = kept | part(module, given.rounds)
        store(given.out, found)
    print("\n".join([", ".join(f"{name} {value}" for name, value in machine().items()), "", report(found)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
