"""The live matrix: who reaches whom, each pair to be asked about."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from podnet_lab.checks.reachability import Matrix, Ping
from podnet_lab.errors import BadInput, LabGone
from podnet_lab.show import heatmap, html
from podnet_lab.show.canvas import key
from podnet_lab.show.changes import same
from podnet_lab.widgets.picture import Picture

if TYPE_CHECKING:
    from podnet_lab.widgets.watched_lab import WatchedLab

HELP = "<p>Click a pair to see what came of it, and why.</p>"
NOBODY = "<p>There is no pair of Pods yet: <code>lab.goto(&quot;done&quot;)</code> makes some.</p>"
WHY = "What is in the way now?"
OLD = "The network has changed since these were tried."
AS_OF = '<p class="podnet-note">As of before the last change: click the pair again.</p>'


class LiveMatrix(Picture):
    """Every ordered pair of a lab's Pods, as it was when they were tried; a click asks the kernels about one as they are now."""

    def __init__(self, lab: WatchedLab, matrix: Matrix) -> None:
        self._lab, self.matrix = lab, matrix
        self._tried_in = self._asked_in = lab.snapshot()
        super().__init__(buttons=[["again", "Try all again"]], pane=_help(matrix))
        self._show()

    @property
    def still(self) -> str:
        """The picture as SVG for where nothing can be clicked."""
        return heatmap.draw(self.matrix)

    def refresh(self) -> None:
        """Say whether the network is still the one that was tried."""
        try:
            now = self._tried_in if self._lab.busy else self._lab.snapshot()
            self.note = "" if same(now, self._tried_in) else OLD
            if self.picked and not self._lab.busy:
                self.pane = ("" if same(now, self._asked_in) else AS_OF) + self.pane.removeprefix(AS_OF)
        except LabGone:
            self.note = "The lab is closed."

    def _show(self) -> None:
        with self.hold_sync():
            self.svg, self.words = heatmap.sketch(self.matrix, live=True).svg(), str(self.matrix)

    def _put(self, ping: Ping) -> None:
        """One pair anew."""
        pairs = [ping if (old.source.name, old.target.name) == (ping.source.name, ping.target.name) else old for old in self.matrix]
        self.matrix = Matrix.of(pairs, self.matrix.total or len(pairs))
        self._show()

    def _do_again(self) -> None:
        self.note = "trying …"
        self.matrix = self._lab.matrix()
        self._tried_in = self._lab.snapshot()
        self.picked, self.pane, self.note = "", _help(self.matrix), ""
        self._show()

    def _do_pick(self, key: list) -> None:
        self.picked = json.dumps(key)
        source, target = key
        ping = next((ping for ping in self.matrix if [ping.source.name, ping.target.name] == key), None)
        if ping is None:
            raise BadInput(f"{source} → {target} was not tried")
        self.pane = f"<h4>{escape(source)} → {escape(target)}</h4>{html.ping(ping)}{self._now(key)}"

    def _now(self, pair: list, asked: bool = False) -> str:
        """What the snapshots say of a pair now, and what else can be done about it; in an exercise only if it was *asked* for."""
        self._asked_in = self._lab.snapshot()
        told = asked or not self._lab.unaided
        choices = (("ping", "Try again"), ("trace", "Trace"), *(() if told else (("explain", WHY),)))
        more = "".join(f'<button type="button" data-do="{what}" data-key="{key(pair)}">{words}</button> ' for what, words in choices)
        now = f"<h5>{WHY}</h5>{html.explanation(self._lab.explain(*pair))}" if told else ""
        return f"{now}<p>{more}</p>"

    def _do_explain(self, key: list) -> None:
        source, target = key
        self.pane = f"<h4>{escape(source)} → {escape(target)}</h4>{self._now(key, asked=True)}"

    def _do_ping(self, key: list) -> None:
        ping = self._lab.ping(*key)
        self._put(ping)
        self._do_pick(key)

    def _do_trace(self, key: list) -> None:
        trace = self._lab.trace(*key)
        self.pane = html.trace(trace) + self._now(key)


def _help(matrix: Matrix) -> str:
    # Whether there are pairs, not whether a matrix is true: that it is when all of them are reached.
    return HELP if len(matrix) else NOBODY
