"""The matrix as a picture: a row for each source, a column for each target."""

from __future__ import annotations

from podnet_lab.checks.reachability import SILENCE, Endpoint, Matrix, Ping, Verdict
from podnet_lab.show.canvas import CHARACTER, Canvas

SIGNS = {
    Verdict.REACHED: ("✓", "pod", "ink"),
    Verdict.TRANSLATED: ("≠", "node", "wrong"),
    Verdict.NO_REPLY: ("✗", "node", "wrong"),
    Verdict.DENIED: ("⊘", "bridge", "new"),  # blue: who can't tell red from green can tell it from both, and the sign is another
    Verdict.NOT_TESTED: ("?", "node", "faint"),
}
CELL = 24
LONGEST = 20
"""Characters of a name; of a longer one its middle is left out."""

MARGIN_FOR_LEGEND, MARGIN_FOR_DENIED = 470, 70

MOST = 30
"""Of more Pods only so many are drawn: those with the most failures, in their order."""


def draw(matrix: Matrix) -> str:
    """The picture of *matrix* as SVG; names above the columns are written upwards, so that they fit."""
    return sketch(matrix).svg()


def sketch(matrix: Matrix, live: bool = False) -> Canvas:
    """The drawing; in a *live* one, a cell is known by the names of its pair."""
    everyone = chosen(matrix)
    names = [endpoint.name for endpoint in everyone]
    name = min(max(map(len, names), default=0), LONGEST) * CHARACTER
    label, top, size = name + 20, name + 16, CELL * len(names)
    legend = MARGIN_FOR_LEGEND + (MARGIN_FOR_DENIED if matrix.denied else 0)
    canvas = Canvas(
        max(label + size + 12, legend),
        top + size + 68,
        "Who reaches whom",
        matrix.summary,
        live=live,
    )
    pairs = {(ping.source, ping.target): ping for ping in matrix}
    for row, source in enumerate(everyone):
        y = top + row * CELL
        canvas.text(label - 8, y + 16, names[row], anchor="end", within=LONGEST * CHARACTER, name=True)
        canvas.text(label + row * CELL + CELL / 2 + 4, top - 6, names[row], upwards=True, within=LONGEST * CHARACTER, name=True)
        for column, target in enumerate(everyone):
            if (ping := pairs.get((source, target))) is not None:
                with canvas.part((source.name, target.name), str(ping)[6:]):
                    _cell(canvas, label + column * CELL, y, ping)
    below = top + size
    denied = " · ⊘ denied by policy" if matrix.denied else ""
    canvas.text(8, below + 22, f"✓ reached · ≠ translated · ✗ no reply{denied} · ? not tested", "faint")
    canvas.text(8, below + 38, "dashed frame: the kernels' tables say why · thick frame: nobody knows", "faint")
    more = f"; the {MOST} of {len(matrix.endpoints)} with most failures" if len(matrix.endpoints) > MOST else ""
    canvas.text(8, below + 54, f"{matrix.reached} of {len(matrix)} ordered pairs reached{more}", within=canvas.width - 16)
    return canvas


def chosen(matrix: Matrix) -> list[Endpoint]:
    """The endpoints that are drawn: all, or those with the most failures."""
    everyone = matrix.endpoints
    if len(everyone) <= MOST:
        return everyone
    failures = dict.fromkeys(everyone, 0)
    for ping in matrix:
        failures[ping.source] += ping.is_broken
        failures[ping.target] += ping.is_broken
    worst = set(sorted(everyone, key=lambda endpoint: -failures[endpoint])[:MOST])
    return [endpoint for endpoint in everyone if endpoint in worst]


def surprising(ping: Ping) -> bool:
    """Whether a failure is not explained by the snapshots."""
    return ping.verdict == Verdict.TRANSLATED or (ping.verdict == Verdict.NO_REPLY and ping.why in ("", SILENCE))


def _cell(canvas: Canvas, x: float, y: float, ping: Ping) -> None:
    sign, fill, ink = SIGNS[ping.verdict]
    surprise = surprising(ping)
    explained = ping.verdict in (Verdict.NO_REPLY, Verdict.NOT_TESTED) and not surprise
    canvas.box(x + 1, y + 1, CELL - 2, CELL - 2, fill, "wrong" if surprise else "line", dashed=explained, bold=surprise)
    canvas.text(x + CELL / 2, y + 16, sign, ink, anchor="middle", bold=surprise)
