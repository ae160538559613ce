"""One plot: bars that start at zero, the shortest first, each with its figure."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.show.canvas import Canvas

LABEL, BAR, ROW, EDGE = 230, 380, 28, 14


def bars(title: str, values: Mapping[str, float]) -> str:
    """An SVG of *values*, all to one scale."""
    ordered = sorted(values.items(), key=lambda one: one[1])
    most = max(values.values(), default=1.0)
    words = "; ".join(f"{name}: {value:.2f}" for name, value in ordered)
    canvas = Canvas(LABEL + BAR + 90, 2 * EDGE + 26 + ROW * len(ordered), title, words)
    canvas.text(EDGE, EDGE + 10, title, bold=True)
    for row, (name, value) in enumerate(ordered):
        top = EDGE + 26 + row * ROW
        canvas.text(LABEL, top + 14, name, anchor="end", bold=name.startswith("podnet"))
        canvas.box(LABEL + 8, top, max(1.0, value / most * BAR), ROW - 8, "new" if name.startswith("podnet") else "bridge")
        canvas.text(LABEL + 14 + value / most * BAR, top + 14, f"{value:.2f}")
    return canvas.svg()
