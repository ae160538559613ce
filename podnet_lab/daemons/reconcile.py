"""The steps from the daemons that run to those that should: what undo, roll-back and whoever wants other ones are made of. Pure."""

from __future__ import annotations

from podnet_lab.daemons.base import Daemon
from podnet_lab.daemons.running import running
from podnet_lab.daemons.steps import ReloadDaemon, StartDaemon, StopDaemon
from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Step


def change(now: Daemon | None, wanted: Daemon | None) -> list[Step]:
    """The steps from a daemon that runs, or None, to the one that should."""
    if now == wanted:
        return []
    if now is not None and wanted is not None and wanted.reload and now.same_but_for_files(wanted):
        return [ReloadDaemon(wanted)]
    return [*([StopDaemon(now)] if now else []), *([StartDaemon(wanted)] if wanted else [])]


def restore(now: Snapshot, then: Snapshot) -> tuple[list[Step], list[Step]]:
    """
    The steps from the daemons that run now to those that ran then: those that come before all else, and those that come after.

    First what is surplus ends: it would keep its Pod's network alive, or make again what is deleted.
    """
    places = {(process.namespace, process.daemon): None for process in (*now.processes, *then.processes) if process.daemon}
    steps: list[Step] = []
    for namespace, name in places:
        deleted = namespace == ""  # then, a Pod was gone that it ran in, and it about to be ended
        steps += change(running(now, namespace, name), None if deleted else running(then, namespace, name))
    return [step for step in steps if isinstance(step, StopDaemon)], [step for step in steps if not isinstance(step, StopDaemon)]
