"""What the project aims at, each as a ratio or a figure of one run of the benchmark. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

C, BATCHED = "C program, one by one", "C program, batched"
BUILT, VERIFIED = "podnet_lab, built", "podnet_lab, built and verified"
SCRIPT, CNI, MININET = "shell script with ip", "CNI bridge + host-local", "Mininet, Linux bridge"
PLUGIN, PLUGIN_IN_PYTHON, BRIDGE_PLUGIN, THERE = "podnet-cni", "podnet-cni, Python alone", "bridge + host-local", ", 100 Pods there"
STEP, SNAPSHOT, TRACE = "one step among 330 Pods", "one snapshot of 330 Pods", "one trace among 330 Pods"

Medians = Mapping[str, float]
"""Seconds (or bytes) by the name of what was measured."""


@dataclass(frozen=True)
class Aim:
    """
    One line of the table: *measure* gives its figure, None where something that it needs was not measured.

    *batched* gives, for a ratio to the C program that sends one request after the other, the ratio to the one that sends them in
    batches, and is nearer to what the kernel costs.
    """

    what: str
    aim: str
    measure: Callable[[Medians], float | None]
    holds: Callable[[float], bool]
    form: str = "{:.2f} ×"
    batched: Callable[[Medians], float | None] = lambda found: None

    def measured(self, found: Medians) -> str:
        """Its figure in words, with the ratio to the batched C program beside it; "" if it was not measured."""
        if (value := self.measure(found)) is None:
            return ""
        nearer = self.batched(found)
        return self.form.format(value) + ("" if nearer is None else f" ({self.form.format(nearer)} the batched one)")


def ratio(one: str, other: str, by: float = 1.0) -> Callable[[Medians], float | None]:
    """*one* over *other*, times *by*."""
    return lambda found: found[one] / found[other] * by if one in found and other in found else None


def against_c(pods: int, who: str, what: str, most: float) -> Aim:
    """An aim from above against the C program, of *who* with so many *pods*."""
    one_by_one, batched = (ratio(f"{pods}: {who}", f"{pods}: {program}") for program in (C, BATCHED))
    return Aim(what, f"≤ {most:g} ×", one_by_one, at_most(most), batched=batched)


def figure(name: str, by: float = 1.0) -> Callable[[Medians], float | None]:
    """A figure as it is, times *by*."""
    return lambda found: found[name] * by if name in found else None


def at_most(most: float) -> Callable[[float], bool]:
    """An aim from above."""
    return lambda value: value <= most


def at_least(least: float) -> Callable[[float], bool]:
    """An aim from below."""
    return lambda value: value >= least


def total(*names: str) -> Callable[[Medians], float | None]:
    """The sum of figures, if all were measured."""
    return lambda found: sum(found[name] for name in names) if set(names) <= set(found) else None


AIMS = (
    against_c(200, BUILT, "200 Pods on one node, built, against the C program", 1.05),
    against_c(200, VERIFIED, "200 Pods on one node, built and verified, against the C program's build", 1.15),
    against_c(330, VERIFIED, "3 nodes × 110 Pods, built and verified, against the C program", 1.05),
    Aim("200 Pods, verified: faster than the shell script", "≥ 18 ×", ratio(f"200: {SCRIPT}", f"200: {VERIFIED}"), at_least(18)),
    Aim("200 Pods, verified: faster than the CNI plugins", "≥ 6 ×", ratio(f"200: {CNI}", f"200: {VERIFIED}"), at_least(6)),
    Aim("200 Pods, verified: faster than Mininet", "≥ 12 ×", ratio(f"200: {MININET}", f"200: {VERIFIED}"), at_least(12)),
    Aim("cost of a Pod, 250 on a node against 25", "≤ 1.3 ×", ratio(f"250: {VERIFIED}", f"25: {VERIFIED}", 25 / 250), at_most(1.3)),
    Aim("full mesh of 3 × 110 Pods, 108,570 ordered pairs", "≤ 2.5 s", figure("mesh"), at_most(2.5), "{:.2f} s"),
    Aim(
        "a pair of the full mesh: faster than of Mininet's pingall with 20 hosts",
        "≥ 50 ×",
        ratio("pingall", "mesh", (330 * 329) / (20 * 19)),
        at_least(50),
    ),
    Aim("memory of a lab of 330 Pods", "≤ 300 MB", figure("memory", 1e-6), at_most(300), "{:.0f} MB"),
    Aim("of the memory, for each Pod beyond an empty lab", "≤ 25 KB", figure("memory per Pod", 1e-3), at_most(25), "{:.1f} KB"),
    Aim("an empty lab of 3 nodes is ready", "≤ 0.4 s", figure("open"), at_most(0.4), "{:.2f} s"),
    Aim("50 nodes are opened", "≤ 2 s", figure("big: open"), at_most(2), "{:.2f} s"),
    Aim("one step in a lab of 330 Pods", "≤ 15 ms", figure(STEP, 1e3), at_most(15), "{:.1f} ms"),
    Aim("a snapshot of 330 Pods", "≤ 50 ms", figure(SNAPSHOT, 1e3), at_most(50), "{:.1f} ms"),
    Aim("a trace among 330 Pods, answered", "≤ 0.5 s", figure(TRACE), at_most(0.5), "{:.2f} s"),
    Aim("import podnet_lab", "≤ 50 ms", figure("import", 1e3), at_most(50), "{:.1f} ms"),
    Aim("closing a lab of 330 Pods", "≤ 0.5 s", figure("close"), at_most(0.5), "{:.2f} s"),
    Aim("100 NetworkPolicies over 330 Pods, compiled, applied and verified", "≤ 1 s", figure("policies: apply"), at_most(1), "{:.2f} s"),
    Aim("the same, switched to 100 others", "≤ 1 s", figure("policies: switch"), at_most(1), "{:.2f} s"),
    Aim(
        "50 nodes × 20 Pods: opened, built, verified, 5,000 pairs checked",
        "≤ 10 s",
        total("big: open", "big: build", "big: check"),
        at_most(10),
        "{:.1f} s",
    ),
    Aim(
        "one ADD of podnet-cni, against the CNI plugins", "≤ 0.5 ×", ratio(f"one ADD: {PLUGIN}", f"one ADD: {BRIDGE_PLUGIN}"), at_most(0.5)
    ),
    Aim(
        "the same on a node with 100 Pods",
        "≤ 0.5 ×",
        ratio(f"one ADD: {PLUGIN}{THERE}", f"one ADD: {BRIDGE_PLUGIN}{THERE}"),
        at_most(0.5),
    ),
    Aim("one DEL of podnet-cni, against the CNI plugins", "≤ 1 ×", ratio(f"one DEL: {PLUGIN}", f"one DEL: {BRIDGE_PLUGIN}"), at_most(1)),
)
