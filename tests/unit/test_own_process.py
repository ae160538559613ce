"""A process that was forked from a lab's is refused at once: it has none of the lab's threads."""

import os
import threading
import warnings
from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.backends.agent_client import WriterThread
from podnet_lab.backends.own_process import OwnProcess
from podnet_lab.errors import LabError
from podnet_lab.lab.parts import handed_on, in_turn


def in_child(function):
    """What *function* returns, as text, in a forked process that has 5 s."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what this is about
        child = os.fork()
    if child == 0:
        try:
            threading.Timer(5, os._exit, (1,)).start()
            os.write(write, str(function()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def refusal(call):
    try:
        call()
    except LabError as error:
        return str(error)
    return "it was not refused"


def test_a_writer_says_in_a_child_that_nobody_writes_there():
    writer = WriterThread()
    try:
        assert in_child(lambda: refusal(writer.submit(lambda: None).result)).startswith("this process was forked from the lab's")
        assert writer.submit(lambda: 7).result() == 7
    finally:
        writer.stop()


@pytest.mark.parametrize("turns", [True, False])
def test_a_call_is_refused_in_a_child_though_another_thread_has_the_turn(turns):
    class Part:
        def twice(self, number):
            return 2 * number

    class Lab:
        twice = handed_on("observer", Part.twice, in_turn=turns)

        @in_turn
        def thrice(self, number):
            return 3 * number

    lab, held, over = Lab(), threading.Event(), threading.Event()
    lab.parts = SimpleNamespace(core=SimpleNamespace(process=OwnProcess("f"), turn=threading.RLock()), observer=Part())

    def hold():
        with lab.parts.core.turn:
            held.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    try:
        words = f"this process was forked from the lab's (process {os.getpid()}), which alone can use it: Lab.join('f') joins it from here"
        assert in_child(lambda: refusal(lambda: lab.twice(3))) == words
        assert in_child(lambda: refusal(lambda: lab.thrice(3))) == words
    finally:
        over.set()
        thread.join()
    assert (lab.twice(3), lab.thrice(3)) == (6, 9)
