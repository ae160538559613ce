"""Which kind of backend a new lab gets: the VMs where this is one of them, else namespaces of this machine."""

from __future__ import annotations

from podnet_lab.backends.backend import Backend
from podnet_lab.backends.netns import OwnNetns
from podnet_lab.errors import BadInput
from podnet_lab.kernel.vm_config import vm_config
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.plan import Plan

WHERE = ("vms", OwnNetns.where)
"""Where a lab can be opened, as `Lab.open(where=…)` says it."""


def kind_to_open(where: str | None) -> type[Backend]:
    """The kind called *where*, or the one that belongs here; BadInput if there is none of that name, CannotRun if it is not here."""
    if where is not None and where not in WHERE:
        raise BadInput(f"a lab lives in {' or '.join(WHERE)}, not in {where!r}{did_you_mean(where, WHERE)}")
    if where == OwnNetns.where or (where is None and not vm_config()):
        return OwnNetns
    from podnet_lab.backends import vms  # here: on most machines there are none

    vms.refuse_elsewhere()
    return vms.VmsBackend


def open_backend(plan: Plan, where: str | None, take_over: bool, node_python: str | None, privileged: bool = False) -> Backend:
    """
    Start a lab's agents where they belong, or *where* it is said.

    Raises CannotRun where it can't be done; LabHeld where somebody else has the VMs, if not *take_over*.
    """
    return kind_to_open(where).open(plan, take_over, node_python, privileged)
