"""The parts that a lab holds, and how a call of the lab reaches the part that does it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from podnet_lab.lab.core import LabCore
from podnet_lab.lab.current_exercise import CurrentExercise
from podnet_lab.lab.fault_injection import FaultInjection
from podnet_lab.lab.notebook_widgets import NotebookWidgets
from podnet_lab.lab.observe import Observer
from podnet_lab.lab.packet_tracer import PacketTracer
from podnet_lab.lab.service_traffic import ServiceTraffic
from podnet_lab.lab.stages import Stages
from podnet_lab.lab.unaided import Unaided
from podnet_lab.typed_arguments import checked

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

Call = TypeVar("Call", bound=Callable)


@dataclass(frozen=True)
class LabParts:
    """The parts of a lab, each for one subject; what a part needs of others it is given when it is made."""

    core: LabCore
    observer: Observer
    tracer: PacketTracer
    services: ServiceTraffic
    faults: FaultInjection
    widgets: NotebookWidgets
    exercise: CurrentExercise
    stages: Stages
    unaided: Unaided

    @classmethod
    def of(cls, lab: Lab, core: LabCore) -> LabParts:
        """The parts of a lab with this core."""
        unaided = Unaided(lab)
        observer, exercise = Observer(core, unaided), CurrentExercise(lab, core.activity)
        faults = FaultInjection(core, observer, unaided)
        stages, widgets = Stages(core, faults, exercise), NotebookWidgets(lab, core)
        return cls(core, observer, PacketTracer(core), ServiceTraffic(core), faults, widgets, exercise, stages, unaided)


def delegated_to(part: str, method: Call, *, in_turn: bool = True) -> Call:
    """
    A method of the lab that hands its call on to *method* of that *part*, with the same signature and docstring.

    Threads' calls take turns, unless it is not *in_turn*.
    """

    does = checked(method)

    @wraps(method)
    def call(lab, *arguments, **options):
        with lab.parts.core.turn if in_turn else nullcontext():
            return does(getattr(lab.parts, part), *arguments, **options)

    call.__qualname__ = f"Lab.{method.__name__}"
    return call


def in_turn(method: Call) -> Call:
    """A method of the lab that is the only one at work in it, of those that take turns."""

    does = checked(method)

    @wraps(method)
    def call(lab, *arguments, **options):
        with lab.parts.core.turn:
            return does(lab, *arguments, **options)

    return call
