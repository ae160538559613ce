"""One kind of chart: bars that start at zero, all to one scale, each with its figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podnet_lab.show.canvas import CHARACTER, Canvas

BAR, ROW, EDGE = 380, 28, 14


@dataclass(frozen=True)
class Bars:
    """A bar for each of *values*, in their order, with *form* for its figure; those in *bold* stand out."""

    title: str
    values: Mapping[str, float]
    form: str = "{:g}"
    bold: tuple[str, ...] = ()

    @property
    def svg(self) -> str:
        """The chart as SVG."""
        label = max((len(name) for name in self.values), default=0) * CHARACTER + EDGE
        most = max(self.values.values(), default=0) or 1
        canvas = Canvas(max(label + BAR, len(self.title) * CHARACTER) + 110, 2 * EDGE + 26 + ROW * len(self.values), self.title, repr(self))
        canvas.text(EDGE, EDGE + 10, self.title, bold=True)
        for row, (name, value) in enumerate(self.values.items()):
            top, length = EDGE + 26 + row * ROW, value / most * BAR
            canvas.text(label, top + 14, name, anchor="end", bold=name in self.bold)
            canvas.box(label + 8, top, max(1.0, length), ROW - 8, "new" if name in self.bold else "bridge")
            canvas.text(label + 16 + length, top + 14, self.form.format(value))
        return canvas.svg()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.svg}

    def __repr__(self) -> str:
        width = max((len(name) for name in self.values), default=0)
        return "\n".join([self.title, *(f"  {name:>{width}}  {self.form.format(value)}" for name, value in self.values.items())])
