"""The live topology: drawn from the kernels, and again whenever one of them says that something changed."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from podnet_lab.errors import LabGone
from podnet_lab.explain.trace import Trace
from podnet_lab.lab.snapshots import Snapshots
from podnet_lab.reach import endpoints
from podnet_lab.show import text
from podnet_lab.show.changes import changes
from podnet_lab.show.details import details
from podnet_lab.show.html import explanation
from podnet_lab.show.playing import film
from podnet_lab.show.topology import NETWORK_BOTTOM, Topology, sketch
from podnet_lab.widgets.picture import Picture

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

MOST_CHANGES = 12
HELP = "<p>Click a node, a Pod, a bridge or an interface, or choose two and send a packet.</p>"


class LiveTopology(Picture):
    """
    The network of a lab; what changed last, by a step or by hand, is marked, until something else changes.

    A trace that is drawn on it stays until the network is another one than the one that it was taken in.
    """

    def __init__(self, lab: Lab, trace: Trace | None = None) -> None:
        self._lab, self._trace = lab, trace
        self._runs = len(lab._journal)
        self._before = lab._journal[-1].before if lab._journal else None
        self._now: Snapshots | None = None
        self._told = HELP
        super().__init__()
        self.refresh()
        pods = [one.name for one in endpoints(self._now or {}).values() if one.namespace and one.addresses]
        if among := pods or self.names:
            self.ends = [among[0], among[-1]]

    @property
    def still(self) -> str:
        """The picture as SVG for where nothing can be clicked."""
        return self._shown().svg

    def refresh(self) -> None:
        """Look at the kernels, and show what they say."""
        with self._lock:
            try:
                now = self._lab._everyone()
            except LabGone:
                self.pane = "<p><b>The lab is closed.</b> This is how it was at last.</p>"
                return
            self._mark(now)
            self._show()

    def play(self, trace: Trace) -> None:
        """Draw a trace, as ``lab.trace`` gives it, and let the packet be moved along its way."""
        with self._lock:
            self._trace, self._told = trace, f"<p><b>{escape(trace.headline)}</b></p>"
            self.picked = ""
            self._show()
            self.traced += 1  # the same way once more has the same hops

    def _mark(self, now: Snapshots) -> None:
        """What counts as changed: since before the last run, or, by hand, since what was shown last."""
        runs = len(self._lab._journal)
        other = self._now is not None and text.cluster(now) != text.cluster(self._now)
        if runs > self._runs:
            self._before = {**now, **self._lab._journal[-1].before}
        elif other:
            self._before = self._now
        if other:
            self._trace = None
        self._runs, self._now = runs, now

    def _shown(self) -> Topology:
        now = dict(self._now or {})
        outside = now.pop("outside", None)
        before = None if self._before is None else {name: self._before.get(name, now[name]) for name in now}
        return Topology(now, before, outside, self._trace)

    def _show(self) -> None:
        shown = self._shown()
        canvas, anchors = sketch(shown, live=True)
        with self.hold_sync():
            self.svg, self.words = canvas.svg(), repr(shown)
            self.names = [one.name for one in endpoints(self._now).values() if one.addresses]
            self.hops = [] if self._trace is None else film(self._trace, anchors, NETWORK_BOTTOM)
            self._tell()

    def _tell(self) -> None:
        told = self._told
        if self.picked:
            node, namespace, dev = json.loads(self.picked)
            told = details(self._now[node], namespace, dev)
        self.pane = told + self._changes()

    def _changes(self) -> str:
        now, before = self._now or {}, self._before or {}
        lines = [f"{name}: {line}" for name in now if name in before for line in changes(before[name], now[name])]
        if not lines:
            return ""
        more = f"<li>and {len(lines) - MOST_CHANGES} more</li>" if len(lines) > MOST_CHANGES else ""
        return f"<h5>Changed last</h5><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines[:MOST_CHANGES])}{more}</ul>"

    def _do_pick(self, key: list) -> None:
        self.picked = json.dumps(key)
        self.refresh()

    def _do_trace(self, source: str, target: str) -> None:
        trace = self._lab.trace(source, target)
        self.play(trace)
        if not trace:
            self._told += explanation(self._lab.explain(source, target))
            self._tell()

    def _do_explain(self, source: str, target: str) -> None:
        self.picked = ""
        self._told = explanation(self._lab.explain(source, target))
        self.refresh()
