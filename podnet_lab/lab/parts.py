"""
The parts that a lab holds, each loaded and made when it is first asked for, and how a call of the lab reaches the part that does it.

Who wires Pods needs no Kubernetes, and who traces no packet nothing of what that takes: a process that opens or joins a lab loads what
it uses. There are two places for that, both here: `Part`, of a lab's own parts, and `delegated_to`, of the calls of its class.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from podnet_lab.lab.broken import BrokenOnPurpose
from podnet_lab.lab.current_exercise import CurrentExercise
from podnet_lab.lab.unaided import Unaided
from podnet_lab.typed_arguments import checked

if TYPE_CHECKING:
    from podnet_lab.lab.cni_runtime import Runtimes
    from podnet_lab.lab.containers import ContainerRuntimes
    from podnet_lab.lab.core import LabCore
    from podnet_lab.lab.explainer import Explainer
    from podnet_lab.lab.fault_injection import FaultInjection
    from podnet_lab.lab.handwriting import Handwriting
    from podnet_lab.lab.kubernetes_cluster import Kubernetes
    from podnet_lab.lab.lab import Lab
    from podnet_lab.lab.network_policies import PolicyEnforcement
    from podnet_lab.lab.notebook_widgets import NotebookWidgets
    from podnet_lab.lab.observe import Observer
    from podnet_lab.lab.packet_tracer import PacketTracer
    from podnet_lab.lab.pictures import Pictures
    from podnet_lab.lab.service_traffic import ServiceTraffic
    from podnet_lab.lab.stages import Stages

Call = TypeVar("Call", bound=Callable)


class Part:
    """
    A part of a lab: *load* imports its class, and *make* makes it of that and of the other parts, both when it is first asked for.

    It is kept once it is made, so that an interrupt leaves nothing half made; of two threads that ask at once both have the same one.
    """

    def __init__(self, load: Callable[[], type], make: Callable[[Any, LabParts], Any]) -> None:
        self.load, self._make = load, make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, parts: LabParts | None, owner: type | None = None) -> Any:
        if parts is None:
            return self
        made = self._make(self.load(), parts)
        return parts.__dict__.setdefault(self._name, made)  # in one go; from now on it is found there, and nobody asks here


class LabParts:
    """The parts of a lab, each for one subject; what a part needs of others it is given when it is made."""

    def __init__(self, lab: Lab, core: LabCore) -> None:
        self.lab, self.core = lab, core
        self.unaided = Unaided(lab)
        self.broken = BrokenOnPurpose(self.unaided)
        self.exercise = CurrentExercise(lab, core.activity)

    observer: Observer = Part(
        lambda: import_module("podnet_lab.lab.observe").Observer,
        lambda of, its: of(its.core, its.unaided),
    )
    explainer: Explainer = Part(
        lambda: import_module("podnet_lab.lab.explainer").Explainer,
        # Policies and Kubernetes are asked for only when there is something to ask them: a call loads them then.
        lambda of, its: of(
            its.core, its.unaided, lambda *denied: its.policies.rules_that_deny(*denied), lambda pod: its.kubernetes.why_absent(pod)
        ),
    )
    pictures: Pictures = Part(lambda: import_module("podnet_lab.lab.pictures").Pictures, lambda of, its: of(its.core))
    tracer: PacketTracer = Part(lambda: import_module("podnet_lab.lab.packet_tracer").PacketTracer, lambda of, its: of(its.core))
    handwriting: Handwriting = Part(
        lambda: import_module("podnet_lab.lab.handwriting").Handwriting,
        lambda of, its: of(its.core, its.unaided),
    )
    services: ServiceTraffic = Part(lambda: import_module("podnet_lab.lab.service_traffic").ServiceTraffic, lambda of, its: of(its.core))
    policies: PolicyEnforcement = Part(
        lambda: import_module("podnet_lab.lab.network_policies").PolicyEnforcement,
        lambda of, its: of(its.core),
    )
    runtimes: Runtimes = Part(lambda: import_module("podnet_lab.lab.cni_runtime").Runtimes, lambda of, its: of(its.core))
    containers: ContainerRuntimes = Part(
        lambda: import_module("podnet_lab.lab.containers").ContainerRuntimes,
        lambda of, its: of(its.core),
    )
    kubernetes: Kubernetes = Part(
        lambda: import_module("podnet_lab.lab.kubernetes_cluster").Kubernetes,
        lambda of, its: of(its.core, its.runtimes),
    )
    faults: FaultInjection = Part(
        lambda: import_module("podnet_lab.lab.fault_injection").FaultInjection,
        lambda of, its: of(its.core, its.observer, its.explainer, its.unaided, its.broken),
    )
    stages: Stages = Part(
        lambda: import_module("podnet_lab.lab.stages").Stages,
        lambda of, its: of(its.core, its.broken, its.exercise),
    )
    widgets: NotebookWidgets = Part(
        lambda: import_module("podnet_lab.lab.notebook_widgets").NotebookWidgets,
        lambda of, its: of(its.lab, its.core),
    )


class delegated_to:  # noqa: N801 - it stands where a function would
    """
    A method of the lab that hands its call on to *method* of that *part*, with the same signature and docstring.

    When it is first asked for, of a lab or of its class, that part's class is loaded, and an ordinary function takes its place.
    Threads' calls take turns, unless it is not *in_turn*.
    """

    def __init__(self, part: str, method: str, *, in_turn: bool = True) -> None:
        self._part, self._method, self._in_turn = part, method, in_turn

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, lab: object | None, owner: type | None = None) -> Callable:
        call = handed_on(self._part, getattr(getattr(LabParts, self._part).load(), self._method), in_turn=self._in_turn)
        setattr(self._owner, self._name, call)
        return call.__get__(lab, owner)


def handed_on(part: str, method: Call, *, in_turn: bool = True) -> Call:
    """A method of the lab that does what *method* of that *part* does, which is loaded already; the rest is as of `delegated_to`."""

    does = checked(method)

    @wraps(method)
    def call(lab, *arguments, **options):
        core = lab.parts.core
        core.process.require()  # first: in a forked process nobody would ever give the turn back
        with core.turn if in_turn else nullcontext():
            return does(getattr(lab.parts, part), *arguments, **options)

    call.__qualname__ = f"Lab.{method.__name__}"
    return call


def in_turn(method: Call) -> Call:
    """A method of the lab that is the only one at work in it, of those that take turns."""

    does = checked(method)

    @wraps(method)
    def call(lab, *arguments, **options):
        core = lab.parts.core
        core.process.require()
        with core.turn:
            return does(lab, *arguments, **options)

    return call
