"""A notebook's memory is counted while its lab is looked at, too: a look may last a minute."""

import threading
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")
pytest.importorskip("nbclient", reason="podnet_lab.grading.collected runs notebooks")

from podnet_lab.grading import notebook_run
from podnet_lab.grading.looker import Looker
from podnet_lab.grading.sandbox import Place, Stopped


def slow():
    threading.Event().wait(8)
    return {"marks": [], "records": {}}


def full(calls):
    """A count that is too much when it is done for the third time."""
    calls.append(time.monotonic())
    if len(calls) == 3:
        raise Stopped("it took more than 512 MB of memory")


def test_what_is_to_be_done_meanwhile_is_done_and_may_end_a_look():
    looker, calls = Looker(slow), []
    start = time.monotonic()
    with pytest.raises(Stopped, match="512 MB"):
        looker.ask(20, lambda: full(calls))
    looker.close()

    assert len(calls) == 3
    assert time.monotonic() - start < 6


def test_a_notebook_that_takes_too_much_during_a_look_is_stopped(monkeypatch):
    calls = []
    monkeypatch.setattr(notebook_run, "LabLooks", lambda *_: SimpleNamespace(look=slow))
    run = notebook_run.NotebookRun("ada", "", [0], {}, Place(), limit=60, cell_limit=5)
    started = SimpleNamespace(
        init=None, hear=lambda *_: {"kernel": 1, "cell": 0, "problem": ""}, go_on=lambda: None, close=lambda: None,
        refuse_too_much=lambda: full(calls),
    )  # fmt: skip
    monkeypatch.setattr(notebook_run.sandbox, "start", lambda *_: started)

    assert run.run().problem == "it took more than 512 MB of memory"
    assert len(calls) == 3
