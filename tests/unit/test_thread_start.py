"""A thread that can't begin is told; others begin as ever."""

import threading

import pytest

from podnet_lab.backends import thread_start
from podnet_lab.backends.thread_start import begin


def test_one_that_ends_before_its_first_word_is_told(monkeypatch):
    """As where no memory is left for it: what Python prints of that goes nowhere."""
    monkeypatch.setattr(thread_start, "BEGINS", 0.05)
    stillborn = threading.Thread(target=lambda: None, daemon=True)
    stillborn._bootstrap = lambda: None
    with pytest.raises(MemoryError, match="before it had begun"):
        begin(stillborn)
    assert not stillborn.is_alive()


@pytest.mark.parametrize("make", [lambda act: threading.Thread(target=act), lambda act: threading.Timer(0, act)], ids=["thread", "timer"])
def test_one_that_begins_does_its_work_and_ends(make):
    done = []
    thread = make(lambda: done.append(1))
    begin(thread)
    thread.join(10)
    assert (done, thread.is_alive()) == ([1], False)
