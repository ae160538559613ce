"""Breaking something on purpose, for whoever wants to learn to find it."""

from __future__ import annotations

import random
import threading
import time
from itertools import islice, permutations
from shlex import quote

from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.checks.reachability import Matrix, Verdict, endpoints
from podnet_lab.errors import BadInput, LabError, PodnetError
from podnet_lab.explain.cause import Cause
from podnet_lab.explain.explanation import first_cause
from podnet_lab.explain.fault import Fault
from podnet_lab.explain.fault_places import FaultPlaces, fault_places, other_places
from podnet_lab.explain.faults import FAULTS
from podnet_lab.explain.policy_faults import POLICY_FAULTS
from podnet_lab.lab.broken import Broken, BrokenOnPurpose
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.explainer import Explainer
from podnet_lab.lab.interrupts import uninterrupted
from podnet_lab.lab.observe import Observer
from podnet_lab.lab.run_steps import bring_back
from podnet_lab.lab.unaided import Unaided
from podnet_lab.name_suggestions import choices
from podnet_lab.networks.base import Network
from podnet_lab.recipes.reconcile import restore

NEXT = "lab.give_up() tells what it was, and then lab.break_something() breaks the next thing"
MOST_PAIRS = 1000
"""Pairs that are looked at, beside the one that was cut."""

NO_MORE = "there are no more hints: lab.give_up() tells what is broken, and mends it"


class FaultInjection:
    """
    What a lab does to itself, and mends.

    It needs the nodes' shells, in which faults are typed, an observer, who says whether the cluster is whole, and who explains what is
    wrong; *unaided* keeps that something is to be found, and which help was asked for, and *broken* what is broken now.
    """

    def __init__(self, core: LabCore, observer: Observer, explainer: Explainer, unaided: Unaided, broken: BrokenOnPurpose) -> None:
        self._core, self._observer, self._explainer, self._unaided, self._broken = core, observer, explainer, unaided, broken

    def break_something(self, seed: int | None = None, fault: Fault | str | None = None) -> str:
        """
        Break one thing, and say only who can't reach whom; the same *seed* breaks the same thing at the same place.

        *fault* is one of `podnet_lab.explain.faults.FAULTS` or of ``lab.network.faults``, or its name, if none is to be drawn; one of
        NetworkPolicies (`podnet_lab.explain.policy_faults`) is never drawn, and made by its name. The lab has to be wired, by
        whomever, with two Pods or more on each of two nodes or more (``lab.goto("done")``). `hint` helps to find it, `give_up` tells
        and mends it. Raises LabError if something is broken already, by this or otherwise; BadInput
        for an unknown fault. Who is denied by a NetworkPolicy is not cut off: then another place is drawn, or another fault.
        """
        if self._broken.now is not None:
            raise LabError("something is broken already: lab.hint() helps, lab.give_up() tells and mends")
        wanted = fault_called(fault, self._core.network) if isinstance(fault, str) else fault
        chance = random.Random(seed)  # noqa: S311 - what it draws is no secret: the same seed is to draw the same
        everyone = self._core.everyone()
        places = fault_places(everyone, chance.randrange(1000), chance.randrange(1000), 1 + chance.randrange(max(len(everyone) - 2, 1)))
        if places is None or not (exam := self._observer.check()):
            raise LabError("there is nothing whole to break: lab.goto('done') wires the cluster (two nodes, two Pods on each, or more)")
        drawn, why = chance.sample(self._catalogue, len(self._catalogue)) if wanted is None else [wanted], ""
        denied = frozenset((ping.source.name, ping.target.name) for ping in exam.matrix if ping.verdict != Verdict.REACHED)
        elsewhere, waiting = other_places(everyone, lambda every, few: chance.sample(range(every), few)), drawn
        while waiting and places is not None:
            tried, waiting = waiting, []
            for fault in tried:
                if not fault.fits(places):
                    continue
                if not self._is_reached(fault.pair(places), exam.matrix):
                    waiting.append(fault)  # who was denied already is not cut off: to be made elsewhere
                    why = "nobody whom it would cut off was reached before"
                elif not self._lacks(fault, places):
                    words = self.inject(fault, places)
                    self._broken.now.denied = denied
                    if not self._explainer.explained(*self._broken.now.pair, size=fault.size, probe=False):
                        return words
                    self._mend(self._broken.now)  # another network may have another way
                    self._broken.forget()
                    why = "it would keep nobody from anybody in this network"
            first, places = places, next(elsewhere, None)
        lacks = self._lacks(drawn[0], first)
        raise LabError(f"{drawn[0].name!r} can't be made here: {lacks or why or 'there is no place for it'}")

    def _is_reached(self, pair: tuple[str, str], matrix: Matrix) -> bool:
        """Whether the second of a pair is reached by the first, as long as nothing is broken: no NetworkPolicy denies it, say."""
        for ping in matrix:
            if (ping.source.name, ping.target.name) == pair:
                return ping.verdict == Verdict.REACHED
        explained = self._explainer.explained(*pair, probe=False)  # of nodes and hosts nobody was asked
        return (explained.cause or explained.suspect) is None

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
            self._broken.now = wanted
            self._unaided.keep_broken(True)
        self._wait(fault)
        return str(self._broken.now)

    def _wait(self, fault: Fault) -> None:
        """Until what was broken cuts somebody off, where that takes a while."""
        deadline, pause = time.monotonic() + fault.takes, threading.Event()
        explained = lambda: self._explainer.explained(*self._broken.now.pair, size=fault.size, probe=False)  # noqa: E731
        while time.monotonic() < deadline and explained().cause is None:
            pause.wait(0.05)

    def hint(self) -> str:
        """
        A hint about what is broken: first which kind of thing and on which node, then where to look, then the commands that mend it.

        There is no fourth. What was mended may show something else behind it, such as what went along: of that there are hints as well.
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
        explanation = self._explainer.explained(*broken.pair, size=broken.fault.size)
        if (cause := explanation.cause or explanation.suspect or self._cause_elsewhere()) is None:
            return ()
        (name,) = broken.before
        back = [step.command for step in restore(take_snapshots(self._core.agents, [name])[name], broken.before[name])]
        return (cause.narrowing, cause.hints[1], f"{name}# {'; '.join(back)}" if back else cause.hints[2])

    def _cause_elsewhere(self) -> Cause | None:
        """What is seen in the way of any two Pods that talked before: who mends one thing may break another."""
        everyone, denied = self._core.everyone(), self._require_broken().denied
        pods = [end for end in endpoints(everyone).values() if end.namespace]
        pairs = (pair for pair in permutations(pods, 2) if (pair[0].name, pair[1].name) not in denied)
        causes = (first_cause(everyone, *pair) for pair in islice(pairs, MOST_PAIRS))
        return next((cause for cause in causes if cause), None)

    def give_up(self) -> str:
        """Say what was broken, and mend it: the node is as it was before."""
        broken = self._require_broken()
        self._unaided.given_up()  # first: whatever becomes of the rest, it was asked for
        left = self._mend(broken)
        self._broken.forget()
        words = f"{broken.fault.name}: somebody had typed {broken.fault.command(broken.where)!r} on {broken.fault.node(broken.where)}"
        return words + ("; it is mended" if not left else "; not all of it could be mended: lab.goto('done')")

    def _mend(self, broken: Broken) -> object:
        """Bring the node back to what it was before; returns what could not be."""
        left: object = bring_back(self._core.agents, broken.before)[1]
        for name, unmanaged_state in broken.unmanaged_state.items():
            left = self._core.agents[name].call("restore_unmanaged_state", then=unmanaged_state)["left"] or left
        if broken.fault.mend is not None:
            self._core.shell_text(broken.fault.node(broken.where), broken.fault.mend(broken.where))
        if broken.fault.size:  # else the Pod believes for ten minutes what a router has told it
            self._core.shell_text(broken.where.node.name, f"ip netns exec {quote(broken.where.pod.name)} sysctl -qw net.ipv4.route.flush=1")
        return left

    def _require_broken(self) -> Broken:
        if self._broken.now is None and (exercise := self._unaided.exercise):
            raise LabError(f"nothing of lab.break_something is broken: with {exercise}, task.hint() helps, and task.hint(3) tells")
        if self._broken.now is None:
            raise LabError("nothing was broken: lab.break_something(seed=7) does")
        return self._broken.now

    @property
    def _catalogue(self) -> tuple[Fault, ...]:
        """What can be broken in other Pod networks and in this one, and what in this one alone."""
        return (*self._core.network.common_faults, *self._core.network.faults)


def fault_called(name: str, network: Network) -> Fault:
    """The fault of that name, of those that any Pod network has or of *network*'s own; BadInput if there is none."""
    every = (*FAULTS, *network.faults, *POLICY_FAULTS)
    fault = next((fault for fault in every if fault.name == name), None)
    if fault is None:
        where = "those of podnet_lab.explain.faults.FAULTS" + (" and of lab.network.faults" if network.faults else "")
        raise BadInput(f"no fault is called {name!r}{choices(name, [fault.name for fault in every], where)}")
    return fault
