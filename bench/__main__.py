"""
`make bench`: who wires Pods how fast, in one run and in turn; ratios first.

Prints a table; ``--out FOLDER`` also writes bench.json (all rounds, the machine) and bench.svg (the plot).
``--quick`` measures only the first aims, with fewer Pods, and fails if one has fallen to half of what it should be.
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

from bench.aims import AIMS, BUILT, VERIFIED, C
from bench.contenders import HERE, Contender, contenders, limit, python
from podnet_lab.show.chart import Bars

QUICK_ROUNDS = 11
"""Odd, and more than a few: on a machine that is shared one in three takes half as long again."""

QUICK_PODS, QUICK_MOST = 100, {BUILT: 2.2, VERIFIED: 2.6}
"""What a quick run wires, and the ratios to the C program at which it fails: twice the aims."""


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
            print(f"left out: {one.name} ({lack})")
    return found


def jobs(every: list[Contender]) -> list[tuple[str, Contender, int, int]]:
    """(name, who, nodes, pods) of all that is measured in each round, in turn."""
    by_name = {one.name: one for one in every}
    found = [(f"200: {one.name}", one, 1, 200) for one in every]
    found += [(f"330: {name}", by_name[name], 3, 110) for name in (C, VERIFIED) if name in by_name]
    found += [(f"{pods}: {VERIFIED}", by_name[VERIFIED], 1, pods) for pods in (25, 250)]
    found.append(("mesh", _Pairs("full mesh", python("mesh"), own_namespaces=True), 3, 110))
    mininet = next((one for one in every if "Mininet" in one.name), None)
    if mininet:
        pingall = _Pairs("Mininet's pingall", python("mininet_net", "pingall", interpreter="/usr/bin/python3"), (("ping", "iputils-ping"),))
        found += [("pingall", one, 1, 20) for one in able([pingall])]
    return found


class _Pairs(Contender):
    """Counted in ordered pairs of all Pods."""

    def expected(self, nodes: int, pods: int) -> int:
        return nodes * pods * (nodes * pods - 1)


def figures(module: str) -> dict[str, float]:
    """What a module of this folder prints as JSON."""
    done = subprocess.run([sys.executable, "-m", f"bench.{module}"], cwd=HERE.parent, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def measure(rounds: int) -> dict[str, list[float]]:
    """All rounds of everything, in turn: what the machine does meanwhile hits everyone alike."""
    todo, found = jobs(able(contenders(program()))), {}
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", flush=True)
        for name, who, nodes, pods in todo:
            found.setdefault(name, []).append(who.run(nodes, pods))
        for module in ("life", "big"):
            for name, value in figures(module).items():
                found.setdefault(name, []).append(value)
    return found


def quick() -> int:
    """The guard against regressions: by ratio, and only when it has fallen to half."""
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
        print(f"{name}: {ratio:.2f} × the C program (fails above {most})")
        worst += ratio > most
    return worst


def report(found: dict[str, list[float]]) -> str:
    """The aims that are reached, those that are missed or were not measured, then the medians."""
    medians = {name: median(values) for name, values in found.items()}
    rows: dict[str, list[str]] = {"reached": [], "missed": [], "not measured": []}
    for aim in AIMS:
        value = aim.measure(medians)
        heading = "not measured" if value is None else "reached" if aim.holds(value) else "missed"
        rows[heading].append(f"| {aim.what} | {aim.aim} | {'' if value is None else aim.form.format(value)} |")
    lines = []
    for heading, some in rows.items():
        if some:
            lines += [f"| {heading} | aim | measured |", "| --- | --- | --- |", *some, ""]
    lines += ["| median of a round | |", "| --- | --- |"]
    lines += [f"| {name} | {_human(name, value)} |" for name, value in medians.items()]
    return "\n".join(lines)


def _human(name: str, value: float) -> str:
    if name.startswith("memory"):
        return f"{value / 1e6:.2f} MB"
    pods = int(name.partition(":")[0]) if name.partition(":")[0].isdigit() else 0
    return f"{value:.3f} s" + (f" ({value / pods * 1e3:.2f} ms a Pod)" if pods else "")


def main() -> int:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        return quick()
    found, where = measure(given.rounds), machine()
    text = "\n".join([", ".join(f"{name} {value}" for name, value in where.items()), "", report(found)])
    print(text)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "bench.json").write_text(json.dumps({"machine": where, "rounds": found}, indent=1))
        (given.out / "bench.md").write_text(text + "\n")
        costs = {name.partition(": ")[2]: median(values) / 200 * 1e3 for name, values in found.items() if name.startswith("200: ")}
        costs = dict(sorted(costs.items(), key=lambda one: one[1]))
        chart = Bars("Milliseconds for one of 200 Pods on a node", costs, "{:.2f}", (BUILT, VERIFIED))
        (given.out / "bench.svg").write_text(chart.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
