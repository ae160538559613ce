"""The way to any stage of a network, from whatever state the nodes are in."""

from __future__ import annotations

from podnet_lab.lab.broken import BrokenOnPurpose
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.current_exercise import CurrentExercise
from podnet_lab.lab.reset import Goto, Reset, arrived, came_back, failing_checks, reset
from podnet_lab.lab.run_steps import run_steps
from podnet_lab.model import Cluster
from podnet_lab.networks.base import DONE
from podnet_lab.recipes.results import Result
from podnet_lab.recipes.shortcuts import shortcut


class Stages:
    """
    How a lab is brought to a stage, or back to how it was opened.

    What was broken on purpose is mended by that, and an exercise is left: it tells both.
    """

    def __init__(self, core: LabCore, broken: BrokenOnPurpose, exercise: CurrentExercise) -> None:
        self._core, self._broken, self._exercise = core, broken, exercise

    def build(self) -> Result:
        """Wire the whole planned cluster, all nodes at the same time."""
        core = self._core
        headline = f"{len(core.plan.nodes)} nodes and {len(core.plan.pods())} Pods are wired"
        result = core.run(core.network.cluster(core.plan), headline)
        self._settled(result, DONE)
        return result

    def goto(self, stage: str) -> Goto:
        """
        Bring the lab to the state before *stage* (or to "done"), wherever it is and whoever made what is there.

        Goes back to how the nodes were when the lab was opened, then runs the stages before; names what it removed that
        no step of this lab had made. Nodes, and shells open on them, stay.
        """
        core = self._core
        steps = core.network.before(stage, core.plan)
        core.require_alive()
        self._exercise.leave()
        short = {name: shortcut(steps[name]) for name in steps if steps[name]}
        with core.activity.at_work():
            undone, left = reset(core.backend, core.baseline, core.made)
            self._broken.forget()
            result = run_steps(core.agents, short) if short else None
        core.begin_anew(short, new=False)
        failing = failing_checks(core.network, stage, self._settled(result, stage), core.plan.pods_per_node) if result else ()
        return Goto(arrived(stage, left, failing), undone, left, result, failing)

    def _settled(self, result: Result, stage: str) -> Cluster:
        """The nodes after a run of the stages before *stage*, once what they start has done its work."""
        network = self._core.network
        stages = network.stages[: network.starts.index(stage)]
        return self._core.settled(*stages) if any(one.settles for one in stages) else result.after

    def reset(self) -> Reset:
        """Bring every node back to how it was when the lab was opened; says what it removed, and is polite the second time."""
        (core := self._core).require_alive()
        self._exercise.leave()
        with core.activity.at_work():
            undone, left = reset(core.backend, core.baseline, set())
        self._broken.forget()
        core.begin_anew({}, new=core.new)
        return Reset(came_back(undone, left), undone, left)
