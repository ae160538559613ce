"""The lab's half that breaks something on purpose, for whoever wants to learn to find it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from podnet_lab.errors import BadInput, LabError
from podnet_lab.explain.fault_places import FaultPlaces, fault_places
from podnet_lab.explain.faults import FAULTS, Fault
from podnet_lab.lab.run import bring_back, look
from podnet_lab.model import Snapshot

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab


NEXT = "lab.give_up() tells what it was, and then lab.break_something() breaks the next thing"
NO_MORE = "there are no more hints: lab.give_up() tells what is broken, and mends it"


@dataclass
class Broken:
    """What was broken, and how its node was before; *asked*: how many hints were given, of those in *about*."""

    fault: Fault
    where: FaultPlaces
    before: dict[str, Snapshot]
    extras: dict
    asked: int = 0
    about: tuple[str, ...] = ()


class Breaking:
    """What a `Lab` can do to itself."""

    _broken: Broken | None = None

    def break_something(self: Lab, seed: int | None = None, fault: Fault | str | None = None) -> str:
        """
        Break one thing, and say only who can't reach whom; the same *seed* breaks the same thing at the same place.

        *fault* is one of `podnet_lab.explain.faults.FAULTS`, or its name, if none is to be drawn. The lab has to be wired, by
        whomever, with two Pods or more on each of two nodes or more (``lab.goto("done")``). `hint` helps to find it, `give_up`
        tells and mends it. Raises LabError if something is broken already, by this or otherwise; BadInput for an unknown fault.
        """
        if self._broken is not None:
            raise LabError("something is broken already: lab.hint() helps, lab.give_up() tells and mends")
        wanted = _named(fault) if isinstance(fault, str) else fault
        chance = random.Random(seed)  # noqa: S311 - what it draws is no secret: the same seed is to draw the same
        everyone = self._everyone()
        places = fault_places(everyone, chance.randrange(1000), chance.randrange(1000), 1 + chance.randrange(max(len(everyone) - 2, 1)))
        if places is None or not self.check():
            raise LabError("there is nothing whole to break: lab.goto('done') wires the cluster (two nodes, two Pods on each, or more)")
        drawn = chance.sample(FAULTS, len(FAULTS)) if wanted is None else [wanted]
        chosen = next((one for one in drawn if one.fits(places) and not self._lacks(one, places)), None)
        if chosen is None:
            raise LabError(f"{drawn[0].name!r} can't be made here: {self._lacks(drawn[0], places) or 'there is no place for it'}")
        return self._break(chosen, places)

    def _lacks(self: Lab, fault: Fault, places: FaultPlaces) -> str:
        """The program, or the setting, that a fault needs and its node has not."""
        tests = {need: f"test -e /proc/sys/{need}" if "/" in need else f"command -v {need}" for need in fault.needs}
        return next((need for need, test in tests.items() if self._fails(fault.node(places), test)), "")

    def _fails(self: Lab, node: str, test: str) -> bool:
        return self.shell(node, test, lambda *_: None) != 0

    def _break(self: Lab, fault: Fault, places: FaultPlaces) -> str:
        name = fault.node(places)
        agent = self._home.agents[name]
        before, extras = look(self._home.agents, [name]), agent.call("extras")
        with self._at_work(secret=True):
            self[name].shell(fault.command(places))
        self._broken = Broken(fault, places, before, {name: extras})
        source, target = fault.pair(places)
        big = f" with {fault.size} bytes" if fault.size else ""
        return f"something is broken: {source} does not reach {target}{big} any more"

    def hint(self: Lab) -> str:
        """A hint about what is broken: first a question, then where to look, then the command that mends it; there is no fourth."""
        broken = self._must_be_broken()
        found = self.explain(*broken.fault.pair(broken.where), size=broken.fault.size)
        if found.cause is None:
            return f"nothing is seen in the way any more, from {found.source} to {found.target} and back: lab.check() tries it; {NEXT}"
        if broken.about != found.cause.hints:  # what was mended has shown something else behind it
            broken.about, broken.asked = found.cause.hints, 0
        broken.asked += 1
        return found.hint(broken.asked) if broken.asked <= len(broken.about) else NO_MORE

    def give_up(self: Lab) -> str:
        """Say what was broken, and mend it: the node is as it was before."""
        broken = self._must_be_broken()
        left = bring_back(self._home.agents, broken.before)[1]
        for name, extras in broken.extras.items():
            self._home.agents[name].call("restore_extras", then=extras)
        if broken.fault.size:  # else the Pod believes for ten minutes what a router has told it
            self[broken.where.node.name].shell(f"ip netns exec {quote(broken.where.pod.name)} sysctl -qw net.ipv4.route.flush=1")
        self._broken = None
        words = f"{broken.fault.name}: somebody had typed {broken.fault.command(broken.where)!r} on {broken.fault.node(broken.where)}"
        return words + ("; it is mended" if not left else "; not all of it could be mended: lab.goto('done')")

    def _must_be_broken(self: Lab) -> Broken:
        if self._broken is None:
            raise LabError("nothing was broken: lab.break_something(seed=7) does")
        return self._broken


def _named(name: str) -> Fault:
    found = next((one for one in FAULTS if one.name == name), None)
    if found is None:
        raise BadInput(f"no fault is called {name!r}; podnet_lab.explain.faults.FAULTS has them all")
    return found
