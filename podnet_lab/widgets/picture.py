"""
A live picture: SVG whose parts can be picked, with a pane beside it; drawn by Python, shown by picture.js.

Where there is no kernel, the same picture stands as plain SVG, and its text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from pathlib import Path

import anywidget
import traitlets

from podnet_lab.errors import PodnetError

_HERE = Path(__file__).parent
WIDGET = "application/vnd.jupyter.widget-view+json"


class Picture(anywidget.AnyWidget):
    """
    What a live topology and a live matrix have in common; each method ``_do_WORD`` answers what the page sends.

    *svg* is the picture, *words* the same as text, *pane* HTML beside it, *picked* the part that is shown there, *note* what
    stands above; *names* can be chosen from, *ends* at first. *hops* are what a packet's player plays, from the start for each
    number in *traced*; *answered* counts what the page has sent, and got an answer to.
    """

    _esm = _HERE / "picture.js"
    _css = _HERE / "picture.css"
    svg = traitlets.Unicode().tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
    pane = traitlets.Unicode().tag(sync=True)
    picked = traitlets.Unicode().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    ends = traitlets.List(["", ""]).tag(sync=True)
    hops = traitlets.List().tag(sync=True)
    traced = traitlets.Int().tag(sync=True)
    buttons = traitlets.List().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Int().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self._views, self._lock = 0, threading.RLock()
        self.on_msg(self._hear)

    @property
    def still(self) -> str:
        """The picture as SVG for where nothing can be clicked."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Look again, and show what is different."""

    def on_change(self) -> None:
        """The kernels say that something changed."""
        if self._views:  # nobody looks at the others, and each look costs the nodes a moment
            with self._lock:
                self._safely(self.refresh)

    def _hear(self, _: object, message: dict, __: object) -> None:
        answer: Callable[..., None] = getattr(self, f"_do_{message.pop('do')}")
        with self._lock:
            self._safely(lambda: answer(**message))
            self.answered += 1

    def _safely(self, work: Callable[[], None]) -> None:
        """Nobody sees what a callback raises, or a thread of the library's: the page says it."""
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - whatever it is, it must be seen, and end nothing
            self._fail(problem)

    def _fail(self, problem: Exception) -> None:
        self.pane = problem_html(problem)

    def _do_seen(self) -> None:
        self._views += 1
        self.refresh()

    def _do_whole(self) -> None:
        """The page has nothing to show: what was sent to it did not arrive, as where a browser is slow to open the picture."""
        self.refresh()
        self.send_state()

    def _do_gone(self) -> None:
        self._views = max(0, self._views - 1)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "image/svg+xml": self.still, WIDGET: view}, {}

    def __repr__(self) -> str:
        return self.words


def problem_html(problem: Exception) -> str:
    """What went wrong, as the pane says it."""
    if not isinstance(problem, PodnetError):
        return f"<p><b>✘ This should not have happened:</b> {escape(f'{type(problem).__name__}: {problem}')}</p>"
    notes = "".join(f"<p>{escape(note)}</p>" for note in getattr(problem, "__notes__", []))
    return f"<p><b>✘ {escape(str(problem))}</b></p>{notes}"
