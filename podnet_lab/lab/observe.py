"""The lab's half that looks and checks: snapshots, pictures, who reaches whom, and the exam."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Checks
from podnet_lab.checks.exam import Exam, judge_exam, unique_addresses
from podnet_lab.checks.reachability import Endpoint, Matrix, Ping, Verdict, endpoints, expectation
from podnet_lab.errors import BadInput
from podnet_lab.explain.explanation import Explanation, explanation
from podnet_lab.explain.path import DEFAULT_SIZE
from podnet_lab.lab.pings import Progress, all_pairs, one_pair
from podnet_lab.lab.run import look
from podnet_lab.lab.snapshots import Snapshots
from podnet_lab.networks.static_routes.checks import stage as stage_checks
from podnet_lab.packets.trace import Trace
from podnet_lab.plan import echo_size, port_number
from podnet_lab.show.topology import Topology

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

OUTSIDE_NAME = "outside"


class Looking:
    """What a `Lab` can say of its kernels."""

    def snapshot(self: Lab, *names: str) -> Snapshots:
        """What the kernels say now, of all the cluster's nodes, or of those named."""
        self._must_be_alive()
        for name in names:
            self[name]
        return Snapshots(look(self._home.agents, names or [node.name for node in self.plan.nodes]))

    def topology(self: Lab, trace: Trace | None = None) -> Topology:
        """
        The network as a picture, drawn from what the kernels say now; what the last run added is marked.

        With *trace*, also the way that one packet took. Raises BadInput for anything else.
        """
        if trace is not None and not isinstance(trace, Trace):
            raise BadInput(f"what is drawn on the network is a trace, as lab.trace(…) gives it, not {type(trace).__name__}")
        before = self._journal[-1].before if self._journal else None
        now = self._everyone()
        outside = now.pop(OUTSIDE_NAME, None)
        return Topology(now, None if before is None else {name: before.get(name, now[name]) for name in now}, outside, trace)

    def ping(self: Lab, source: str, target: str, expect: str | bool | Verdict = True, patience: float | None = None) -> Ping:
        """
        Send an echo from one Pod or node to another, until it is answered or *patience* (seconds) is over.

        The receiver says whose address it saw. ``expect=False`` makes no reply the right result. Without *patience* it is a
        second, and silence for which the snapshots see no reason is tried again, for longer, before it counts. Raises
        BadInput if there is nobody of that name.
        """
        wanted = expectation(expect)
        everyone = self._everyone()
        known = endpoints(everyone)
        pair = (self._endpoint(known, source), self._endpoint(known, target))
        return replace(one_pair(self._home.agents, everyone, pair, patience), expected=wanted)

    def explain(self: Lab, source: str, target: str, *, tcp: int | None = None, size: int | None = None) -> Explanation:
        """
        Why an echo from one Pod or node to another does not arrive, read off the snapshots alone: nothing is sent.

        Names the first thing in the way, with three hints (`.hint(1)` to `.hint(3)`) and the steps that mend it
        (``lab.run(explanation.repair)``); what could not be judged, such as a firewall rule, is said, and is no "healthy".
        With *tcp* it is about a connection to that port, with *size* about an echo of so many bytes that may not be cut.
        *target* may also be an address that nobody has, such as a Service's. Whether somebody listens is not looked at.
        """
        if tcp is not None and size is not None:
            raise BadInput("an explanation is of an echo of some size, or of a TCP connection, not of both")
        everyone = self._everyone()
        known = endpoints(everyone)
        ends = (self._endpoint(known, source), self._target(known, target))
        protocol, port = ("icmp", None) if tcp is None else ("tcp", port_number(tcp))
        return explanation(everyone, *ends, protocol, port, DEFAULT_SIZE if size is None else echo_size(size))

    def matrix(self: Lab, progress: Progress | None = None, *, sample: int | None = None, seed: int = 0) -> Matrix:
        """
        Try every ordered pair of Pods, or *sample* of them; *progress* is called with how many are done, of how many.

        A sample is drawn with *seed*: the same one draws the same pairs.
        """
        return all_pairs(self._home.agents, self.snapshot(), progress, sample, seed)

    def check(
        self: Lab, stage: str | None = None, progress: Progress | None = None, *, sample: int | None = None, seed: int = 0
    ) -> Exam | Checks:
        """
        The exam: Kubernetes' three rules for a Pod network, judged on the kernels and by trying every ordered pair.

        With *sample*, only as many pairs of a big cluster, as `matrix` does. With *stage*, instead: is what that stage is
        for true on every node, whoever made it?
        """
        cluster = self.snapshot()
        if stage is not None:
            return Checks(one for node in cluster.values() for one in stage_checks(stage, node, cluster, self.plan.pods_per_node))
        return judge_exam(unique_addresses(cluster), self.matrix(progress, sample=sample, seed=seed))

    def _everyone(self: Lab) -> Snapshots:
        outside = [OUTSIDE_NAME] if OUTSIDE_NAME in self._nodes else []  # VMs have it while somebody's lab is open
        return self.snapshot(*(node.name for node in self.plan.nodes), *outside)

    def _of_pod(self: Lab, name: object) -> str:
        """What to add where a Pod was named, and a node was meant to be."""
        homes = [node for node, seen in (self._everyone() if self.alive else {}).items() if name in {pod.name for pod in seen.pods}]
        if homes:
            return f". {name} is a Pod on {' and '.join(homes)}: begin with `%%node {homes[0]}`, and type `ip netns exec {name} COMMAND`"
        return "; a Pod lives on a node, and none has one of that name" if str(name).startswith("pod-") else ""

    def _target(self: Lab, known: dict[str, Endpoint], target: str) -> Endpoint:
        """A Pod or node, or an address alone, which a Service may have."""
        try:
            return self._endpoint(known, target)
        except BadInput:
            with suppress(ValueError):
                return Endpoint(target, "", None, (str(IPv4Address(target)),))
            raise

    def _endpoint(self: Lab, known: dict[str, Endpoint], name: str) -> Endpoint:
        owner = next((one for one in known.values() if name in one.addresses), None)
        if owner is not None:
            return replace(owner, addresses=(name, *(one for one in owner.addresses if one != name)))
        if name not in known:
            raise BadInput(f"no Pod or node is called {name!r}; there are {', '.join(known)}")
        return known[name]
