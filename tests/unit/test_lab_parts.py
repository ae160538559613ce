"""The calls of a lab are those of its parts, as a notebook's Tab and ``lab.ping?`` show them."""

import inspect
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab import Lab
from podnet_lab.backends.own_process import OwnProcess
from podnet_lab.errors import BadInput
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.explainer import Explainer
from podnet_lab.lab.fault_injection import FaultInjection
from podnet_lab.lab.notebook_widgets import NotebookWidgets
from podnet_lab.lab.observe import Observer
from podnet_lab.lab.packet_tracer import PacketTracer
from podnet_lab.lab.parts import LabParts, Part, delegated_to, handed_on
from podnet_lab.lab.pictures import Pictures
from podnet_lab.lab.service_traffic import ServiceTraffic

CALLS = {
    "run": LabCore.run,
    "undo": LabCore.undo,
    "snapshot": LabCore.snapshot,
    "shell": LabCore.shell,
    "ping": Observer.ping,
    "check": Observer.check,
    "explain": Explainer.explain,
    "topology": Pictures.topology,
    "trace": PacketTracer.trace,
    "ask": ServiceTraffic.ask,
    "hint": FaultInjection.hint,
    "stage_panel": NotebookWidgets.stage_panel,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_looks_like_that_of_its_part(name):
    call, of_part = getattr(Lab, name), CALLS[name]
    assert inspect.isfunction(call)
    assert (call.__name__, call.__qualname__) == (name, f"Lab.{name}")
    assert inspect.signature(call) == inspect.signature(of_part)
    assert call.__doc__ == of_part.__doc__
    assert inspect.getsource(call) == inspect.getsource(of_part)


def test_a_call_reaches_the_part_and_brings_back_what_it_returns():
    class Faults:
        def twice(self, number, *, plus=0):
            return self, 2 * number + plus

    class Holder:
        twice = handed_on("faults", Faults.twice)

    holder, part = Holder(), Faults()
    holder.parts = SimpleNamespace(faults=part, core=SimpleNamespace(turn=threading.RLock(), process=OwnProcess()))
    assert holder.twice(3, plus=1) == (part, 7)
    with pytest.raises(BadInput, match=r"'plus_'; did you mean 'plus'\?; it is called as twice\(number, \*, plus=0\)"):
        holder.twice(3, plus_=1)


def test_a_lab_inherits_from_nobody():
    assert Lab.__bases__ == (object,)


class Brush:
    """A part of a lab that draws."""

    def __init__(self, colour):
        self.colour = colour

    def paint(self):
        return self.colour


class Parts(LabParts):
    """The parts of a lab, and one more."""

    brush = Part(lambda: Brush, lambda of, its: of(its.paint()))

    def __init__(self, paint):
        self.paint = paint


def test_a_part_is_made_when_it_is_first_asked_for_and_once():
    asked = []
    parts = Parts(lambda: asked.append("red") or "red")
    assert (asked, vars(parts).get("brush")) == ([], None)
    assert parts.brush is parts.brush is vars(parts)["brush"]
    assert asked == ["red"]


def test_threads_that_ask_at_once_have_the_same_part():
    both = threading.Barrier(2, timeout=10)
    parts, found = Parts(lambda: both.wait()), []  # each is at making one
    threads = [threading.Thread(target=lambda: found.append(parts.brush)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1] is parts.brush


def test_nothing_is_kept_of_a_part_whose_making_was_interrupted():
    def interrupted():
        raise KeyboardInterrupt

    parts = Parts(interrupted)
    with pytest.raises(KeyboardInterrupt):
        assert parts.brush
    parts.paint = lambda: "blue"
    assert parts.brush.colour == "blue"


def test_a_call_becomes_a_function_when_it_is_first_asked_for():
    class Lab:
        reset = delegated_to("stages", "reset")

    assert not inspect.isfunction(vars(Lab)["reset"])
    found = Lab.reset
    assert inspect.isfunction(found)
    assert vars(Lab)["reset"] is found
    assert "reset" in dir(Lab())


def test_what_a_lab_has_is_found_without_a_lab():
    assert [name for name in vars(Lab) if not hasattr(Lab, name)] == []


INTERRUPTED = """
import sys
from podnet_lab import Lab

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "podnet_lab.explain.routing":
            sys.meta_path.remove(self)
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
try:
    Lab.explain
except KeyboardInterrupt:
    print("interrupted", type(vars(Lab)["explain"]).__name__)
print(Lab.explain.__qualname__, type(vars(Lab)["explain"]).__name__)
"""


def test_a_call_whose_loading_was_interrupted_is_loaded_the_next_time():
    ran = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["interrupted delegated_to", "Lab.explain function"]
