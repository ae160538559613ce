"""What was measured, as tables in Markdown, and what each figure is called between those who measure and these. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bench.aims import AIMS, BATCHED, BUILT, VERIFIED, Medians

HEADINGS = ("reached", "missed", "not measured")
"""The tables of aims, each of those that it says."""

NETWORK, GROWTH = "network ", "growth "
"""What figures of `bench.networks` and of `bench.growth` begin with: they have tables of their own."""

GENERATOR = "(one Pod, over lo)"
"""In place of a network's name: traffic inside one Pod, the most that the generator itself can do."""

WHOLE, WIRE = "whole", "wire"
ONE_NODE, ACROSS = "one node", "across nodes"
STREAM, MEDIAN, P99 = "TCP", "median", "p99"

ECHO = 84
"""Bytes of an echo with its IPv4 header, as `ping` sends it unasked."""


def network_figure(network: str, what: str, where: str = "") -> str:
    """The name of a network's figure: *what* it is of, and for traffic *where*: ONE_NODE or ACROSS."""
    return f"{NETWORK}{network}: {what}{f', {where}' if where else ''}"


def growth_figure(nodes: int, pods: int, who: str) -> str:
    """The name of the seconds that *who* takes for *nodes* × *pods* Pods."""
    return f"{GROWTH}{nodes} × {pods}: {who}"


def table(*rows: Iterable[str]) -> str:
    """Rows of cells as a table, the first as its heading."""
    heading, *others = (list(row) for row in rows)
    return "\n".join("|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in [heading, ["---"] * len(heading), *others])


def aims(found: Medians) -> dict[str, str]:
    """The aims that are reached, those that are missed, and those that were not measured, each as a table; "" if there are none."""
    rows: dict[str, list[tuple[str, ...]]] = {heading: [] for heading in HEADINGS}
    for aim in AIMS:
        value = aim.measure(found)
        heading = "not measured" if value is None else "reached" if aim.holds(value) else "missed"
        rows[heading].append((aim.what, aim.aim, aim.measured(found)))
    return {heading: table((heading, "aim", "measured"), *some) if some else "" for heading, some in rows.items()}


def medians(found: Medians) -> str:
    """All figures that have no table of their own."""
    plain = {name: value for name, value in found.items() if not name.startswith((NETWORK, GROWTH))}
    return table(("median of a round", ""), *((name, _human(name, value)) for name, value in plain.items()))


def _human(name: str, value: float) -> str:
    if name.startswith("memory"):
        return f"{value / 1e6:.2f} MB"
    if name.startswith("one "):
        return f"{value * 1e3:.1f} ms"
    pods = int(name.partition(":")[0]) if name.partition(":")[0].isdigit() else 0
    return f"{value:.3f} s" + (f" ({value / pods * 1e3:.2f} ms a Pod)" if pods else "")


def networks(found: Medians) -> str:
    """The networks beside each other: how fast each is wired; then what traffic has of it. "" if none was measured."""
    names = _names(found, NETWORK)
    generator = [name for name in names if name == GENERATOR]
    names = [name for name in names if name != GENERATOR]
    if not names:
        return ""
    wired = table(
        ("network", "built, Pods a second", "built and verified, Pods a second", "the whole of it, three nodes"),
        *((name, *_wired(found, name)) for name in names),
    )
    ways = [f"{what}, {where}" for where in (ONE_NODE, ACROSS) for what in (STREAM, "a request")]
    traffic = table(("network", *ways, f"{ECHO} bytes on the wire"), *((name, *_traffic(found, name)) for name in names + generator))
    return f"{wired}\n\n{traffic}"


def _wired(found: Medians, name: str) -> list[str]:
    rates = [_cell(found, network_figure(name, what), 1, "{:.0f}") for what in (BUILT, VERIFIED)]
    return [*rates, _cell(found, network_figure(name, WHOLE), 1, "{:.2f} s")]


def _traffic(found: Medians, name: str) -> list[str]:
    cells = []
    for where in (ONE_NODE, ACROSS):
        cells.append(_cell(found, network_figure(name, STREAM, where), 1e-9, "{:.1f} Gbit/s"))
        times = [_cell(found, network_figure(name, part, where), 1e6, "{:.0f}") for part in (MEDIAN, P99)]
        cells.append(f"{times[0]} µs, p99 {times[1]} µs" if all(times) else "")
    return [*cells, _cell(found, network_figure(name, WIRE), 1, "{:.0f}")]


def growth(found: Medians) -> str:
    """What one Pod takes, by how many there are, and on how many nodes; "" if it was not measured."""
    rows: list[tuple[str, ...]] = []
    for name in _names(found, GROWTH):
        nodes, pods = map(int, name.split(" × "))
        cells = (_cell(found, growth_figure(nodes, pods, who), 1e3 / (nodes * pods), "{:.2f} ms") for who in (BATCHED, BUILT, VERIFIED))
        rows.append((str(nodes), str(pods), str(nodes * pods), *cells))
    return table(("nodes", "Pods on each", "Pods", BATCHED, "built", "built and verified"), *rows) if rows else ""


def growth_costs(found: Medians) -> dict[str, float]:
    """Milliseconds of one Pod, built and verified, by "nodes × Pods", for a chart."""
    sizes = [tuple(map(int, name.split(" × "))) for name in _names(found, GROWTH)]
    costs = {size: found.get(growth_figure(*size, VERIFIED)) for size in sizes}
    return {f"{nodes} × {pods} Pods": cost / (nodes * pods) * 1e3 for (nodes, pods), cost in costs.items() if cost is not None}


def _names(found: Medians, beginning: str) -> list[str]:
    """The networks, or sizes, that have figures, in the order in which they were measured."""
    return list(dict.fromkeys(name.removeprefix(beginning).partition(": ")[0] for name in found if name.startswith(beginning)))


def _cell(found: Medians, name: str, by: float, form: str) -> str:
    return form.format(found[name] * by) if name in found else ""
