"""The matrix as a picture: from above to below who sends, from left to right who is to hear."""

from __future__ import annotations

from podnet_lab.reach import Matrix, Verdict
from podnet_lab.show.canvas import CHARACTER, Canvas

SIGNS = {
    Verdict.REACHED: ("✓", "pod", "ink"),
    Verdict.TRANSLATED: ("≠", "node", "wrong"),
    Verdict.NO_REPLY: ("✗", "node", "wrong"),
    Verdict.NOT_TESTED: ("?", "node", "faint"),
}
CELL = 24
MARGIN_FOR_LEGEND = 370


def draw(matrix: Matrix) -> str:
    """The picture of *matrix* as SVG; columns are numbered, since names do not fit above them."""
    names = [one.name for one in matrix.endpoints]
    label = max((len(name) for name in names), default=0) * CHARACTER + 40
    size = CELL * len(names)
    canvas = Canvas(max(label + size + 12, MARGIN_FOR_LEGEND), 34 + size + 46, "Who reaches whom", matrix.summary)
    found = {(ping.source.name, ping.target.name): ping.verdict for ping in matrix}
    for row, source in enumerate(names):
        y = 30 + row * CELL
        canvas.text(label - 8, y + 16, f"{source}  {row + 1:>2}", anchor="end")
        canvas.text(label + row * CELL + CELL / 2, 22, str(row + 1), "faint", anchor="middle")
        for column, target in enumerate(names):
            x = label + column * CELL
            if row == column or (source, target) not in found:
                continue
            sign, fill, ink = SIGNS[found[source, target]]
            canvas.box(x + 1, y + 1, CELL - 2, CELL - 2, fill)
            canvas.text(x + CELL / 2, y + 16, sign, ink, anchor="middle")
    canvas.text(8, 30 + size + 22, "✓ reached  ≠ translated  ✗ no reply  ? not tested", "faint")
    canvas.text(8, 30 + size + 38, f"{matrix.reached} of {len(matrix)} ordered pairs reached")
    return canvas.svg()
