"""The lab's half that breaks something on purpose, for whoever wants to learn to find it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podnet_lab.errors import LabError
from podnet_lab.explain.faults import FAULTS, Fault, Where, where
from podnet_lab.lab.run import bring_back, look
from podnet_lab.model import Snapshot

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab


@dataclass
class Broken:
    """What was broken, and how its node was before; *asked*: how many hints were given."""

    fault: Fault
    where: Where
    before: dict[str, Snapshot]
    extras: dict
    asked: int = 0


class Breaking:
    """What a `Lab` can do to itself."""

    _broken: Broken | None = None

    def break_something(self: Lab, seed: int | None = None, fault: Fault | None = None) -> str:
        """
        Break one thing, and say only who can't reach whom; the same *seed* breaks the same thing at the same place.

        The lab has to be wired as planned, with two Pods or more on each of two nodes or more (``lab.goto("done")``). `hint`
        helps to find it, `give_up` tells and mends it. Raises LabError if something is broken already, by this or otherwise.
        """
        if self._broken is not None:
            raise LabError("something is broken already: lab.hint() helps, lab.give_up() tells and mends")
        if len(self.plan.nodes) < 2 or self.plan.pods_per_node < 2 or not self.check():
            raise LabError("there is nothing whole to break: lab.goto('done') wires the cluster (two nodes, two Pods on each, or more)")
        chance = random.Random(seed)  # noqa: S311 - what it draws is no secret: the same seed is to draw the same
        drawn = chance.choice(FAULTS)
        nodes = len(self.plan.nodes)
        places = where(self.plan, chance.randrange(nodes), chance.randrange(self.plan.pods_per_node), chance.randrange(1, nodes))
        return self._break(fault or drawn, places)

    def _break(self: Lab, fault: Fault, places: Where) -> str:
        name = fault.node(places)
        agent = self._home.agents[name]
        before, extras = look(self._home.agents, [name]), agent.call("extras")
        self[name].shell(fault.command(places))
        self._broken = Broken(fault, places, before, {name: extras})
        source, target = fault.pair(places)
        return f"something is broken: {source} does not reach {target} any more"

    def hint(self: Lab) -> str:
        """A hint about what is broken: first a question, then where to look, then the command that mends it."""
        broken = self._must_be_broken()
        found = self.explain(*broken.fault.pair(broken.where))
        if found.obstacle is None:
            return f"{found.source} and {found.target} have nothing in their way any more: lab.ping(…) tells whether that is so"
        broken.asked = min(broken.asked + 1, 3)
        return found.hint(broken.asked)

    def give_up(self: Lab) -> str:
        """Say what was broken, and mend it: the node is as it was before."""
        broken = self._must_be_broken()
        left = bring_back(self._home.agents, broken.before)[1]
        for name, extras in broken.extras.items():
            self._home.agents[name].call("restore_extras", then=extras)
        self._broken = None
        command = broken.fault.command(broken.where)
        words = f"{broken.fault.name}: {broken.fault.node(broken.where)}# {command}"
        return words + ("" if not left else "\nnot all of it could be mended: lab.goto('done')")

    def _must_be_broken(self: Lab) -> Broken:
        if self._broken is None:
            raise LabError("nothing was broken: lab.break_something(seed=7) does")
        return self._broken
