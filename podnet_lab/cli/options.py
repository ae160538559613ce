"""Options that several commands have, and what Tab completes them to: labs, and the planned nodes and Pods of the running one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from podnet_lab.errors import BadInput, LabHeld, PodnetError
from podnet_lab.name_suggestions import no_such

if TYPE_CHECKING:
    from podnet_lab.backends.joined import RunningLab
    from podnet_lab.lab.lab import Lab
    from podnet_lab.networks.base import Network
    from podnet_lab.plan import Plan

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _labs(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    from podnet_lab.backends import running_labs

    return [name for name in running_labs.handles(running_labs.labs()) if name.startswith(begun)]


def networks(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Complete to the Pod networks that there are."""
    from podnet_lab.networks import registry

    return [name for name in registry.names() if name.startswith(begun)]


def _running(context: click.Context) -> RunningLab | None:
    """The running lab; None where there is none, since a press of Tab is no place for errors."""
    from podnet_lab.backends import joined

    try:
        return joined.find(context.params.get("lab_name"))
    except (PodnetError, OSError):
        return None


def names(of: Callable[[Plan], list[str]]) -> Complete:
    """Complete to what *of* says of the plan of the running lab; to nothing where there is none."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        running = _running(context)
        return [name for name in of(running.plan) if name.startswith(begun)] if running else []

    return complete


def nodes(plan: Plan) -> list[str]:
    """The nodes of a plan."""
    return [node.name for node in plan.nodes]


def places(plan: Plan) -> list[str]:
    """All nodes, and the host outside."""
    return [*nodes(plan), "outside"]


def everyone(plan: Plan) -> list[str]:
    """All Pods, and all that can be reached besides."""
    return [*(pod.name for pod in plan.pods()), *places(plan)]


lab_option = click.option(
    "--lab", "lab_name", metavar="LAB", shell_complete=_labs, is_eager=True,
    help="Which lab, by its name, its notebook or its owner's process number, if several are running.",
)  # fmt: skip

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


class StageName(click.ParamType):
    """The name of a stage, of any Pod network; whether the running lab's has it, the lab says."""

    name = "stage"

    def convert(self, value: str, parameter: click.Parameter | None, context: click.Context | None) -> str:
        """Give it back if some network has it, or goto goes there, of which the lab says more; else end with what there is."""
        from podnet_lab.networks.base import DONE, SERVICES
        from podnet_lab.networks.registry import all_stages, has_stage

        if value not in (DONE, SERVICES) and not has_stage(value):
            self.fail(no_such("stage", value, all_stages()), parameter, context)
        return value

    def shell_complete(self, context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Those of the running lab's network that begin so; of all networks where no lab is running."""
        from podnet_lab.networks.registry import all_stages, find

        running = _running(context)
        try:
            stages = find(running.network).stage_names if running else all_stages()
        except BadInput:  # a network that its owner alone knows
            stages = ()
        return [CompletionItem(stage) for stage in stages if stage.startswith(incomplete)]


@contextmanager
def joined(name: str | None) -> Iterator[Lab]:
    """The running lab, through agents of our own, which end with the command."""
    from podnet_lab.lab.lab import Lab

    with Lab.join(name) as lab:
        yield lab


@contextmanager
def held(name: str | None, take_over: bool) -> Iterator[Lab]:
    """The running lab, to bring it back as a whole: of VMs that is for whoever holds them, so hold them, or *take_over*."""
    from podnet_lab.backends import joined as backends
    from podnet_lab.backends import running_labs, vms
    from podnet_lab.lab.lab import Lab

    if vms.here() is None or (name is not None and not backends.kind_of(running_labs.choose(name)).leased):
        if take_over:
            raise BadInput("--take-over is for the lab of VMs; a lab on one machine has no holder")
        with joined(name) as lab:
            yield lab
        return
    try:
        lab = Lab.open(name="reset", where="vms", take_over=take_over)
    except LabHeld as refusal:
        raise LabHeld(f"{str(refusal).partition(':')[0]}; podnet reset --take-over takes it from there") from refusal
    with lab:
        yield lab


def planned(name: str | None) -> tuple[Plan, Network]:
    """Plan and network of the running lab; the lesson's, three nodes of two Pods, where none was named and none is running."""
    from podnet_lab.backends import joined, running_labs, vms
    from podnet_lab.networks.registry import find
    from podnet_lab.plan import plan

    if name is None and not vms.here() and not running_labs.labs():
        return plan(), find()
    running = joined.find(name)
    return running.plan, find(running.network)
