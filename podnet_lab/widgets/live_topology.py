"""The live topology: drawn from the kernels, and again whenever one of them says that something changed."""

from __future__ import annotations

import json
import time
from html import escape
from typing import TYPE_CHECKING

from podnet_lab.checks.reachability import UNTOLD, endpoints
from podnet_lab.errors import BadInput, LabGone
from podnet_lab.model import Cluster
from podnet_lab.packets.trace import Trace
from podnet_lab.show.changes import listed, same
from podnet_lab.show.details import details
from podnet_lab.show.html import explanation
from podnet_lab.show.topology import NETWORK_BOTTOM, Topology, sketch
from podnet_lab.show.trace_player import film
from podnet_lab.widgets.picture import Picture, problem_html

if TYPE_CHECKING:
    from podnet_lab.widgets.watched_lab import WatchedLab

AT_ONCE = 0.5
"""Seconds: what follows on a change sooner than anybody does two things, such as a cell's next run, is part of it."""

HELP = "<p>Click a node, a Pod, a bridge or an interface, or choose two and send a packet.</p>"


class LiveTopology(Picture):
    """
    The network of a lab; what changed last, by a step or by hand, is marked, until something else changes.

    A trace that is drawn on it stays until the network changes. What `break_something` and `exercise` did is nobody's to see:
    after them nothing is marked.
    """

    def __init__(self, lab: WatchedLab, trace: Trace | None = None) -> None:
        self._lab, self._trace = lab, None
        self._message = HELP
        self._begin()
        super().__init__()
        self.refresh()
        if trace is not None:
            self.play(trace)

    def _begin(self) -> None:
        """As one that is new: marked is what the last run did, of those that are over at the first look."""
        self._secret_changes = 0
        self._before: Cluster | None = None
        self._now: Cluster | None = None
        self._changed_at = 0.0

    @property
    def still(self) -> str:
        """The picture as SVG for where nothing can be clicked."""
        return self._shown().svg

    def refresh(self) -> None:
        """Look at the kernels, and show what they say."""
        with self._lock:
            if self._lab.busy:
                return  # it says when it is done, and what it did is then one change
            began = time.monotonic()
            try:
                now = self._lab.everyone()
            except LabGone:
                self.pane = "<p><b>The lab is closed.</b> This is how it was at last.</p>"
                return
            self._mark(now, began)
            self._show()

    def play(self, trace: Trace) -> None:
        """Draw a trace, as ``lab.trace`` gives it, and let the packet be moved along its way."""
        with self._lock:
            self.refresh()  # what changed until now is not a reason to take the trace away again
            since = "" if same(self._now, trace.cluster) else "<p>The network has changed since.</p>"
            self._trace, self._message = trace, f"<p><b>{escape(trace.headline)}</b></p>{since}"
            self.picked, self.ends = "", list(trace.ends)
            self._show()
            self.traced += 1  # the same way once more has the same hops

    def _mark(self, now: Cluster, began: float) -> None:
        """What counts as changed: all that is different from before the last change; a trace of another network goes."""
        if self._now is None:
            self._secret_changes, self._before = self._lab.secret_changes, self._lab.before_last_run
        elif self._secret_changes != self._lab.secret_changes:
            self._secret_changes, self._before, self._trace, self._message = self._lab.secret_changes, None, None, HELP
        elif not same(now, self._now):
            if self._before is None or began - self._changed_at > AT_ONCE:
                self._before = self._now
            self._trace, self._message, self._changed_at = None, HELP, time.monotonic()
        self._now = now

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
            everyone = [end for end in endpoints(self._now).values() if end.addresses]
            pods = [end.name for end in everyone if end.namespace]
            self.names = [end.name for end in everyone]
            if not set(self.ends) <= set(self.names) and len(among := pods if len(pods) > 1 else self.names) > 1:
                self.ends = [among[0], among[-1]]
            self.hops = [] if self._trace is None else film(self._trace, anchors, NETWORK_BOTTOM)
            self._update_pane()

    def _update_pane(self) -> None:
        message = self._message
        if self.picked:
            node, namespace, dev = json.loads(self.picked)
            message = details(self._now[node], namespace, dev)
        self.pane = message + self._changes()

    def _changes(self) -> str:
        lines = listed(self._before or {}, self._now or {})
        return f"<h5>Changed last</h5><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""

    def _do_seen(self) -> None:
        if not self._views and self._trace is None:  # what happened while nobody looked is not one change
            self._begin()
        super()._do_seen()

    def _do_pick(self, key: list) -> None:
        self.picked = json.dumps(key)
        self.refresh()

    def _fail(self, problem: Exception) -> None:
        self._message, self.picked = problem_html(problem), ""
        self._update_pane()

    def _do_trace(self, source: str, target: str) -> None:
        if source == target:
            raise BadInput(f"a packet from {source} to itself never leaves it: there is no way to be seen")
        trace = self._lab.trace(source, target)
        self.play(trace)
        if not trace:
            self._message += f"<p>{escape(UNTOLD)}</p>" if self._lab.unaided else explanation(self._lab.explain(source, target))
            self._update_pane()

    def _do_explain(self, source: str, target: str) -> None:
        self.refresh()
        self.picked, self._message = "", explanation(self._lab.explain(source, target))
        self._update_pane()
