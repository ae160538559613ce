"""The calls of a lab are those of its parts, as a notebook's Tab and ``lab.ping?`` show them."""

import inspect
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab import Lab
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.fault_injection import FaultInjection
from podnet_lab.lab.notebook_widgets import NotebookWidgets
from podnet_lab.lab.observe import Observer
from podnet_lab.lab.packet_tracer import PacketTracer
from podnet_lab.lab.parts import LabParts, delegated_to
from podnet_lab.lab.service_traffic import ServiceTraffic

CALLS = {
    "run": LabCore.run,
    "undo": LabCore.undo,
    "snapshot": LabCore.snapshot,
    "shell": LabCore.shell,
    "ping": Observer.ping,
    "check": Observer.check,
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
    class Part:
        def twice(self, number, *, plus=0):
            return self, 2 * number + plus

    class Holder:
        twice = delegated_to("faults", Part.twice)

    holder, part = Holder(), Part()
    given = {"faults": part, "core": SimpleNamespace(turn=threading.RLock())}
    holder.parts = LabParts(*(given.get(name) for name in LabParts.__dataclass_fields__))
    assert holder.twice(3, plus=1) == (part, 7)
    with pytest.raises(TypeError, match="plus_"):
        holder.twice(3, plus_=1)


def test_a_lab_inherits_from_nobody():
    assert Lab.__bases__ == (object,)
