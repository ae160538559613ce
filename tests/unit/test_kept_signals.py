"""No signal's handler cuts work in the middle that is to be done whole; what came is handled after it."""

import signal
import threading

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.lab.interrupts import uninterrupted, until_done

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM]


class Boom(Exception):
    """What a handler raises."""


@pytest.fixture(params=SIGNALS, ids=lambda number: number.name)
def number(request):
    """A signal whose handler raises."""
    before = signal.signal(request.param, _raise)
    yield request.param
    signal.signal(request.param, before)


def _raise(number, _frame):
    raise Boom(number)


def test_a_handler_that_raises_does_so_after_the_work(number):
    done = []

    @uninterrupted()
    def work():
        signal.raise_signal(number)
        done.append("whole")

    with pytest.raises(Boom):
        work()
    assert done == ["whole"]
    assert signal.getsignal(number) is _raise


def test_work_within_work_is_one(number):
    done = []

    @uninterrupted()
    def work():
        with uninterrupted():
            signal.raise_signal(number)
        done.append("whole")

    with pytest.raises(Boom):
        work()
    assert done == ["whole"]


def test_until_it_is_done_work_is_cut_and_then_it_is_not(number):
    done = []

    def work(first):
        with until_done() as is_done:
            first or is_done()
            signal.raise_signal(number)
            done.append("cut" if first else "whole")

    for first in (True, False):
        with pytest.raises(Boom):
            work(first)
    assert done == ["whole"]


def test_each_of_several_signals_is_handled_though_the_first_raises():
    heard = []

    def handler(number, _frame):
        heard.append(number)
        raise Boom

    @uninterrupted()
    def work():
        for number in SIGNALS:
            signal.raise_signal(number)
        assert heard == []

    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        with pytest.raises(Boom):
            work()
        assert sorted(heard) == sorted(SIGNALS)
        assert all(signal.getsignal(number) is handler for number in SIGNALS)
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def test_handlers_are_given_back_though_one_that_is_back_raises(monkeypatch):
    before, raised, given = signal.signal(signal.SIGUSR1, _raise), [], signal.signal

    def giving(number, handler):
        former = given(number, handler)
        if number == signal.SIGINT and handler is signal.default_int_handler and not raised:
            raised.append(True)
            raise Boom
        return former

    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Boom), uninterrupted():
            monkeypatch.setattr(signal, "signal", giving)
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGUSR1)) == (signal.default_int_handler, _raise)
    finally:
        monkeypatch.undo()
        signal.signal(signal.SIGUSR1, before)
        signal.signal(signal.SIGINT, interrupt)


def test_another_thread_leaves_handlers_alone(number):
    seen = []

    def work():
        with uninterrupted():
            seen.append(signal.getsignal(number))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [_raise]
