"""
What docs/performance.md shows of a run, made of docs/bench/bench.json: ``python -m bench.page``, the end of `make bench`.

In the page each part that is made stands between two comments that name it; all else is written by hand. The plots lie beside
bench.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from bench import tables
from bench.aims import BATCHED, BUILT, CNI, MININET, SCRIPT, VERIFIED, C, Medians
from podnet_lab.show.chart import Bars

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
FOLDER = PAGE.with_name("bench")

NONE = "None in this run."
"""What stands for a table without rows."""

_PART = re.compile(r"(?P<begin><!-- made: (?P<name>[a-z ]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


def parts(found: Medians, machine: Mapping[str, str | int]) -> dict[str, str]:
    """All that a page can have of a run, by its name there."""
    made = {**tables.aims(found), "networks": tables.networks(found), "medians": tables.medians(found)}
    made["growth"] = "\n\n".join(part for part in (_growth_plot(found), tables.growth(found)) if part)
    made |= {"headline": headline(found), "machine": ", ".join(f"{what} {value}" for what, value in machine.items()) + "."}
    return made


def headline(found: Medians) -> str:
    """What one of 200 Pods takes, whoever wires it, in a sentence."""
    cost = {who: f"{found[f'200: {who}'] / 200 * 1e3:.2f} ms" if f"200: {who}" in found else "(not measured)" for who in _WIRE}
    return (
        f"One of 200 Pods on a node takes {cost[BUILT]} to build, and {cost[VERIFIED]} to build and verify. A C program that sends the"
        f" same requests to the kernel and does nothing else takes {cost[C]} one by one, and {cost[BATCHED]} in batches, the limit; the"
        f" CNI plugins {cost[CNI]}, a shell script with `ip` {cost[SCRIPT]}, Mininet {cost[MININET]} ([who is who](#who-is-who))."
    )


def _growth_plot(found: Medians) -> str:
    plot = charts(found)["growth.svg"]
    return f"![{plot.title}](bench/growth.svg)" if plot.values else ""


_WIRE = (C, BATCHED, BUILT, VERIFIED, SCRIPT, CNI, MININET)


def filled(page: str, made: Mapping[str, str]) -> str:
    """The page with its parts as they are *made*; KeyError if it has one that nothing makes."""
    return _PART.sub(lambda part: f"{part['begin']}\n{made[part['name']].strip() or NONE}\n\n{part['end']}", page)


def charts(found: Medians) -> dict[str, Bars]:
    """The plots, by the names of their files."""
    costs = {name.removeprefix("200: "): value / 200 * 1e3 for name, value in found.items() if name.startswith("200: ")}
    costs = dict(sorted(costs.items(), key=lambda one: one[1]))
    return {
        "bench.svg": Bars("Milliseconds for one of 200 Pods on a node", costs, "{:.2f}", (BUILT, VERIFIED)),
        "growth.svg": Bars("Milliseconds for a Pod, built and verified, by nodes × Pods on each", tables.growth_costs(found), "{:.2f}"),
    }


def main() -> None:
    """Write the page and the plots anew."""
    run = json.loads((FOLDER / "bench.json").read_text())
    found = {name: median(values) for name, values in run["rounds"].items()}
    PAGE.write_text(filled(PAGE.read_text(), parts(found, run["machine"])))
    for name, chart in charts(found).items():
        if chart.values:
            (FOLDER / name).write_text(chart.svg)


if __name__ == "__main__":
    main()
