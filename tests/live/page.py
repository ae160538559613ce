"""A widget as a page has it, without a browser."""

import threading

PATIENCE = 20
"""Seconds: a deadline, which an emulated VM may need."""


class Page:
    """A widget as a page has it: it sends what is clicked, and waits for what comes."""

    def __init__(self, widget):
        self.widget = widget
        self._came = threading.Condition()
        widget.observe(self._note)

    def _note(self, _):
        with self._came:
            self._came.notify_all()

    def send(self, do, **more):
        self.widget._hear(None, {"do": do, **more}, None)

    def until(self, true):
        with self._came:
            assert self._came.wait_for(lambda: true(self.widget), PATIENCE), str(self.widget)
