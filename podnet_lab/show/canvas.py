"""
A small SVG canvas: shapes and text with colours that suit a light and a dark page.

Colours stand in presentation attributes, for viewers that take styles away, and as light-dark() on top.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from math import hypot

COLOURS = {
    "page": ("#ffffff", "#14181d"),
    "node": ("#f3f6f9", "#1e242b"),
    "pod": ("#e6f2ea", "#1c3526"),
    "bridge": ("#dfe9f7", "#1b2f4a"),
    "line": ("#4d5863", "#a9b4bf"),
    "ink": ("#16202a", "#e8edf2"),
    "faint": ("#5c6873", "#9aa5b0"),
    "wrong": ("#a3210f", "#ff9a85"),
    "new": ("#0a4fb3", "#7db6ff"),
}
CHARACTER = 6.7
"""Width of a character of the 11-point monospace font, in units of the picture."""


class Canvas:
    """Collects shapes; `svg()` is the picture; in a *live* one, parts can be picked, and the page says what it shows in words."""

    def __init__(self, width: float, height: float, title: str, description: str, *, live: bool = False) -> None:
        self.width, self.height, self.live = width, height, live
        self._head = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        self._parts: list[str] = []

    @contextmanager
    def part(self, which: Sequence[object], label: str) -> Iterator[None]:
        """What is drawn within is one part, *which*, that can be picked; *label* says what it is."""
        if self.live:
            self._parts.append(
                f'<g class="part" data-key="{key(which)}" role="button" tabindex="0" aria-label="{escape(label, quote=True)}">'
            )
        yield
        if self.live:
            self._parts.append("</g>")

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, stroke: str = "line", *, dashed: bool = False, bold: bool = False
    ) -> None:
        """A rectangle with round corners."""
        look = self._stroke(stroke, dashed, bold)
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" '
            f'class="f-{fill} s-{stroke}" fill="{COLOURS[fill][0]}" {look}/>'
        )

    def tube(
        self, x: float, y: float, width: float, height: float, stroke: str = "line", *, dashed: bool = False, bold: bool = False
    ) -> None:
        """A tube that lies on its side: what goes in at one end comes out somewhere else."""
        look, half = self._stroke(stroke, dashed, bold), height / 2
        shape = f'class="f-page s-{stroke}" fill="{COLOURS["page"][0]}" {look}/>'
        self._parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{half / 2:g}" ry="{half:g}" {shape}')
        self._parts.append(f'<ellipse cx="{x + half / 2:g}" cy="{y + half:g}" rx="{half / 2:g}" ry="{half:g}" {shape}')

    def dotted(self, points: Sequence[tuple[float, float]], stroke: str = "line", *, bold: bool = False) -> None:
        """A dotted line past *points*: what is joined without a cable of its own."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        look = f'stroke="{COLOURS[stroke][0]}" stroke-width="{3.4 if bold else 2.2}" stroke-linecap="round" stroke-dasharray="0.1 5"'
        self._parts.append(f'<polyline points="{path}" class="s-{stroke}" fill="none" {look}/>')

    def casing(self, points: Sequence[tuple[float, float]], stroke: str) -> None:
        """A wide, pale line past *points*, around what is drawn on it later."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        look = f'stroke="{COLOURS[stroke][0]}" stroke-width="14" stroke-opacity="0.25" fill="none" stroke-linejoin="round"'
        self._parts.append(f'<polyline points="{path}" class="s-{stroke}" {look}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str = "line", *, dashed: bool = False, bold: bool = False) -> None:
        """A straight line."""
        look = self._stroke(stroke, dashed, bold)
        self._parts.append(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="s-{stroke}" {look}/>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        colour: str = "ink",
        *,
        anchor: str = "start",
        bold: bool = False,
        upwards: bool = False,
        within: float | None = None,
        name: bool = False,
    ) -> None:
        """
        One line of text, from left to right or *upwards*; cut where it is longer than *within*, and then a page tells it as a whole.

        A *name* is cut in the middle: those that begin alike are told apart by their ends.
        """
        shown = words if within is None else (clip_middle if name else clip)(words, within)
        turn = f' transform="rotate(-90 {x:g} {y:g})"' if upwards else ""
        weight = ' font-weight="bold"' if bold else ""
        text = (
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="f-{colour}" '
            f'fill="{COLOURS[colour][0]}"{weight}{turn}>{escape(shown)}</text>'
        )
        self._parts.append(text if shown == words else f"<g><title>{escape(words)}</title>{text}</g>")

    def way(self, points: Sequence[tuple[float, float]], stroke: str, *, dashed: bool = False) -> None:
        """A thick line past *points*, with an arrow head at its end."""
        if len(points) < 2:
            return
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dashes = ' stroke-dasharray="7 4"' if dashed else ""
        look = f'class="s-{stroke}" stroke="{COLOURS[stroke][0]}" stroke-width="3" fill="none" stroke-linejoin="round"{dashes}'
        self._parts.append(f'<polyline points="{path}" {look}/>')
        (x1, y1), (x2, y2) = points[-2:]
        length = max(hypot(x2 - x1, y2 - y1), 1)
        dx, dy = 9 * (x2 - x1) / length, 9 * (y2 - y1) / length
        head = f"{x2:g},{y2:g} {x2 - dx - dy / 2:g},{y2 - dy + dx / 2:g} {x2 - dx + dy / 2:g},{y2 - dy - dx / 2:g}"
        self._parts.append(f'<polygon points="{head}" class="f-{stroke}" fill="{COLOURS[stroke][0]}"/>')

    def badge(self, x: float, y: float, words: str) -> None:
        """A small round mark with a number in it."""
        look = f'class="f-page s-new" fill="{COLOURS["page"][0]}" stroke="{COLOURS["new"][0]}" stroke-width="1.3"'
        self._parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="8.5" {look}/>')
        of_text = f'text-anchor="middle" font-size="9.5" class="f-new" fill="{COLOURS["new"][0]}"'
        self._parts.append(f'<text x="{x:g}" y="{y + 3.5:g}" {of_text}>{escape(words)}</text>')

    def lock(self, x: float, y: float, colour: str = "ink") -> None:
        """A padlock, 10 wide and 11 high, that stands at *x* on the line *y*."""
        shackle = (
            f'd="M{x + 2:g} {y - 6:g}v-2a3 3 0 0 1 6 0v2" class="s-{colour}" stroke="{COLOURS[colour][0]}" stroke-width="1.4" fill="none"'
        )
        body = f'x="{x:g}" y="{y - 6:g}" width="10" height="6" rx="1" class="f-{colour}" fill="{COLOURS[colour][0]}"'
        self._parts.append(f"<path {shackle}/><rect {body}/>")

    def cross(self, x: float, y: float) -> None:
        """A cross: it ends here."""
        for slant in (-6, 6):
            self.line(x - 6, y - slant, x + 6, y + slant, "wrong", bold=True)

    @staticmethod
    def _stroke(stroke: str, dashed: bool, bold: bool) -> str:
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        return f'stroke="{COLOURS[stroke][0]}" stroke-width="{2.6 if bold else 1.3}"{dashes}'

    def svg(self) -> str:
        """The picture."""
        style = "".join(
            f".f-{name}{{fill:light-dark({light},{dark})}}.s-{name}{{stroke:light-dark({light},{dark})}}"
            for name, (light, dark) in COLOURS.items()
        )
        role = 'role="group" aria-label="picture"' if self.live else 'role="img"'
        head = "" if self.live else self._head  # a page shows a title as a tooltip, wherever the pointer is
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {role} viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="11">'
            f"{head}<style>svg:root{{color-scheme:light dark}}{style}</style>"
            f'<rect width="100%" height="100%" class="f-page" fill="{COLOURS["page"][0]}"/>{"".join(self._parts)}</svg>'
        )


def key(which: Sequence[object]) -> str:
    """What a part is known by on a page, as an attribute's value: JSON, so that any name will do."""
    return escape(json.dumps(which), quote=True)


def clip(words: str, width: float) -> str:
    """*words*, cut with an ellipsis to fit *width*."""
    most = int(width / CHARACTER)
    return words if len(words) <= most else words[: max(most - 1, 1)] + "…"


def clip_middle(words: str, width: float) -> str:
    """*words*, cut in the middle to fit *width*: its end is seen, too."""
    most = int(width / CHARACTER)
    if len(words) <= most:
        return words
    tail = max(most // 2, 1)
    return f"{words[: max(most - tail - 1, 1)]}…{words[-tail:]}"
