"""Breaking something on purpose, for whoever wants to learn to find it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice, permutations
from shlex import quote

from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.checks.reachability import endpoints
from podnet_lab.errors import BadInput, LabError, PodnetError
from podnet_lab.explain.cause import Cause
from podnet_lab.explain.explanation import first_cause
from podnet_lab.explain.fault_places import FaultPlaces, fault_places
from podnet_lab.explain.faults import FAULTS, Fault
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.interrupts import uninterrupted
from podnet_lab.lab.observe import Observer
from podnet_lab.lab.run_steps import bring_back
from podnet_lab.lab.unaided import Unaided
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import choices
from podnet_lab.recipes.reconcile import restore

NEXT = "lab.give_up() tells what it was, and then lab.break_something() breaks the next thing"
MOST_PAIRS = 1000
"""Pairs that are looked at, beside the one that was cut."""

NO_MORE = "there are no more hints: lab.give_up() tells what is broken, and mends it"


@dataclass(repr=False)
class Broken:
    """
    What was broken, and how its node was before; shown, it says no more than who does not reach whom.

    *asked* is how many hints were given, of those in *about*.
    """

    fault: Fault
    where: FaultPlaces
    before: dict[str, Snapshot]
    unmanaged_state: dict
    asked: int = 0
    about: tuple[str, ...] = ()

    @property
    def pair(self) -> tuple[str, str]:
        """Who does not reach whom any more."""
        return self.fault.pair(self.where)

    def __repr__(self) -> str:
        source, target = self.pair
        big = f" with {self.fault.size} bytes" if self.fault.size else ""
        return f"something is broken: {source} does not reach {target}{big} any more"


class FaultInjection:
    """
    What a lab does to itself, and mends: *broken* is what is broken now.

    It needs the nodes' shells, in which faults are typed, and an observer, who says whether the cluster is whole, and
    explains what is wrong; *unaided* keeps that something is to be found, and which help was asked for.
    """

    def __init__(self, core: LabCore, observer: Observer, unaided: Unaided) -> None:
        self._core, self._observer, self._unaided = core, observer, unaided
        self.broken: Broken | None = None

    def break_something(self, seed: int | None = None, fault: Fault | str | None = None) -> str:
        """
        Break one thing, and say only who can't reach whom; the same *seed* breaks the same thing at the same place.

        *fault* is one of `podnet_lab.explain.faults.FAULTS`, or its name, if none is to be drawn. The lab has to be wired, by
        whomever, with two Pods or more on each of two nodes or more (``lab.goto("done")``). `hint` helps to find it, `give_up`
        tells and mends it. Raises LabError if something is broken already, by this or otherwise; BadInput for an unknown fault.
        """
        if self.broken is not None:
            raise LabError("something is broken already: lab.hint() helps, lab.give_up() tells and mends")
        wanted = _fault_called(fault) if isinstance(fault, str) else fault
        chance = random.Random(seed)  # noqa: S311 - what it draws is no secret: the same seed is to draw the same
        everyone = self._core.everyone()
        places = fault_places(everyone, chance.randrange(1000), chance.randrange(1000), 1 + chance.randrange(max(len(everyone) - 2, 1)))
        if places is None or not self._observer.check():
            raise LabError("there is nothing whole to break: lab.goto('done') wires the cluster (two nodes, two Pods on each, or more)")
        drawn, why = chance.sample(FAULTS, len(FAULTS)) if wanted is None else [wanted], None
        for fault in drawn:
            if fault.fits(places) and not self._lacks(fault, places):
                words = self.inject(fault, places)
                if not self._observer.explained(*self.broken.pair, size=fault.size, probe=False):
                    return words
                self._mend(self.broken)  # another network may have another way
                self.forget()
                why = "it would keep nobody from anybody in this network"
        lacks = self._lacks(drawn[0], places)
        raise LabError(f"{drawn[0].name!r} can't be made here: {lacks or ('there is no place for it' if why is None else why)}")

    def _lacks(self, fault: Fault, places: FaultPlaces) -> str:
        """The program, or the setting, that a fault needs and its node has not."""
        tests = {need: f"test -e /proc/sys/{need}" if "/" in need else f"command -v {need}" for need in fault.needs}
        return next((need for need, test in tests.items() if self._fails(fault.node(places), test)), "")

    def _fails(self, node: str, test: str) -> bool:
        return self._core.shell(node, test, lambda *_: None) != 0

    def inject(self, fault: Fault, places: FaultPlaces) -> str:
        """Break this very thing at this very place, whatever is broken already."""
        name = fault.node(places)
        before, unmanaged_state = take_snapshots(self._core.agents, [name]), self._core.agent(name).call("unmanaged_state")
        with uninterrupted(), self._core.activity.at_work(secret=True):  # else it might be broken, and nobody know
            wanted = Broken(fault, places, before, {name: unmanaged_state})
            try:
                self._core.shell_text(name, fault.command(places))
            except PodnetError:
                self._mend(wanted)
                raise
            self.broken = wanted
            self._unaided.keep_broken(True)
        return str(self.broken)

    def forget(self) -> None:
        """The lab was brought back: what was broken is mended by that."""
        self.broken = None
        if self._unaided.broken:  # perhaps by whoever opened the lab that this process has joined
            self._unaided.keep_broken(False)

    def hint(self) -> str:
        """
        A hint about what is broken: first a question, then where to look, then the commands that mend it; there is no fourth.

        What was mended may show something else behind it, such as what went along: of that there are hints as well.
        """
        broken = self._require_broken()
        hints = self.hints()
        if not hints:
            source, target = broken.pair
            return f"nothing is seen in the way any more, from {source} to {target} and back, nor elsewhere: lab.check() tries it; {NEXT}"
        if broken.about != hints:
            broken.about, broken.asked = hints, 0
        broken.asked += 1
        self._unaided.asked(hints=min(broken.asked, len(hints)))
        return hints[broken.asked - 1] if broken.asked <= len(hints) else NO_MORE

    def hints(self) -> tuple[str, ...]:
        """
        The three hints about what is broken, as the lab is now; none if nothing is seen in the way of its pair, nor of another.

        The third is all that is different from before, as one would type it: the lab knows how its node was, the kernels don't.
        """
        broken = self._require_broken()
        explanation = self._observer.explained(*broken.pair, size=broken.fault.size)
        if (cause := explanation.cause or explanation.suspect or self._cause_elsewhere()) is None:
            return ()
        (name,) = broken.before
        back = [step.command for step in restore(take_snapshots(self._core.agents, [name])[name], broken.before[name])]
        return (*cause.hints[:2], f"{name}# {'; '.join(back)}" if back else cause.hints[2])

    def _cause_elsewhere(self) -> Cause | None:
        """What is seen in the way of any two Pods: who mends one thing may break another."""
        everyone = self._core.everyone()
        pods = [end for end in endpoints(everyone).values() if end.namespace]
        causes = (first_cause(everyone, *pair) for pair in islice(permutations(pods, 2), MOST_PAIRS))
        return next((cause for cause in causes if cause), None)

    def give_up(self) -> str:
        """Say what was broken, and mend it: the node is as it was before."""
        broken = self._require_broken()
        self._unaided.given_up()  # first: whatever becomes of the rest, it was asked for
        left = self._mend(broken)
        self.forget()
        words = f"{broken.fault.name}: somebody had typed {broken.fault.command(broken.where)!r} on {broken.fault.node(broken.where)}"
        return words + ("; it is mended" if not left else "; not all of it could be mended: lab.goto('done')")

    def _mend(self, broken: Broken) -> object:
        """Bring the node back to what it was before; returns what could not be."""
        left: object = bring_back(self._core.agents, broken.before)[1]
        for name, unmanaged_state in broken.unmanaged_state.items():
            left = self._core.agents[name].call("restore_unmanaged_state", then=unmanaged_state)["left"] or left
        if broken.fault.size:  # else the Pod believes for ten minutes what a router has told it
            self._core.shell_text(broken.where.node.name, f"ip netns exec {quote(broken.where.pod.name)} sysctl -qw net.ipv4.route.flush=1")
        return left

    def _require_broken(self) -> Broken:
        if self.broken is None:
            raise LabError("nothing was broken: lab.break_something(seed=7) does")
        return self.broken


def _fault_called(name: str) -> Fault:
    fault = next((fault for fault in FAULTS if fault.name == name), None)
    if fault is None:
        known = [fault.name for fault in FAULTS]
        raise BadInput(f"no fault is called {name!r}{choices(name, known, 'those of podnet_lab.explain.faults.FAULTS')}")
    return fault
