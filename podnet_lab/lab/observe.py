"""Looking and checking: snapshots, pictures, who reaches whom, and the exam."""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.exam import Exam, judge_exam, unique_addresses
from podnet_lab.checks.reachability import UNTOLD, Matrix, Ping, Verdict, endpoints, expectation
from podnet_lab.errors import BadInput
from podnet_lab.explain.explanation import Explanation
from podnet_lab.explain.flow import DEFAULT_SIZE
from podnet_lab.lab.core import OUTSIDE_NAME, LabCore
from podnet_lab.lab.endpoint_lookup import endpoint, endpoint_or_address, endpoint_or_whoever
from podnet_lab.lab.evidence_rounds import explained_with_evidence, probed
from podnet_lab.lab.ping_pairs import Progress, all_pairs, one_pair
from podnet_lab.lab.unaided import Unaided
from podnet_lab.packets.trace import Trace
from podnet_lab.plan import echo_size, port_number
from podnet_lab.show.topology import Topology
from podnet_lab.typed_arguments import Count, Seconds


class Observer:
    """
    What a lab says of its kernels. It needs their snapshots, their agents to send echoes, and what the last run changed.

    While something is to be found out *unaided*, only `explain` tells the reason of a failure.
    """

    def __init__(self, core: LabCore, unaided: Unaided) -> None:
        self._core, self._unaided = core, unaided

    def topology(self, trace: Trace | None = None) -> Topology:
        """
        The network as a picture, drawn from what the kernels say now; what the last run added is marked.

        With *trace*, also the way that one packet took.
        """
        before = self._core.before_last_run
        now = self._core.everyone()
        outside = now.pop(OUTSIDE_NAME, None)
        return Topology(now, None if before is None else {name: before.get(name, now[name]) for name in now}, outside, trace)

    def ping(self, source: str, target: str, expect: str | bool | Verdict = True, patience: Seconds | None = None) -> Ping:
        """
        Send an echo from one Pod or node to another, until it is answered or *patience* (seconds) is over.

        The receiver says whose address it saw. ``expect=False`` makes no reply the right result. Without *patience* it is a
        second, and silence for which the snapshots see no reason is tried again, for longer, before it counts. *target* may also
        be an address that nobody has. Raises BadInput if there is nobody of that name.
        """
        wanted = expectation(expect)
        everyone = self._core.everyone()
        known = endpoints(everyone)
        pair = (endpoint(known, source), endpoint_or_address(known, target))
        ping = replace(one_pair(self._core.agents, everyone, pair, patience), expected=wanted)
        return ping.without_reason() if ping.why and self._unaided.on else ping

    def explain(self, source: str, target: str, *, tcp: int | None = None, size: int | None = None, probe: bool = True) -> Explanation:
        """
        Why an echo from one Pod or node to another does not arrive, read off the kernels.

        Names the first thing in the way, with three hints (`.hint(1)` to `.hint(3)`) and the steps that mend it
        (``lab.run(explanation.repair)``); what could not be judged, such as a tc filter, is said, and is no "healthy", and nothing
        that comes after it is certain. With *tcp* it is about a connection to that port, with *size* about an echo of so many
        bytes that may not be cut. *target* may also be an address that nobody has, such as a Service's.

        One echo is really sent, to be held against what was judged: if they contradict each other, the explanation is unsure.
        ``probe=False`` sends nothing; nor is anything sent where no endpoint is asked for, or a connection. In an exercise, the mark
        tells how often it was asked.
        """
        explained = self.explained(source, target, tcp=tcp, size=size, probe=probe)
        if self._unaided.on:
            self._unaided.asked(explanations=1)
        return explained

    def explained(self, source: str, target: str, *, tcp: int | None = None, size: int | None = None, probe: bool = True) -> Explanation:
        """What `explain` says; nobody has asked for it, and so it does not count."""
        if tcp is not None and size is not None:
            raise BadInput("an explanation is of an echo of some size, or of a TCP connection, not of both")
        protocol, port = ("icmp", None) if tcp is None else ("tcp", port_number(tcp))
        everyone = self._core.everyone()
        known = endpoints(everyone)
        ends = (endpoint(known, source), endpoint_or_whoever(known, target))
        bytes_sent = DEFAULT_SIZE if size is None else echo_size(size)
        explained = explained_with_evidence(self._core.agents, everyone, ends, protocol, port, bytes_sent)
        return probed(self._core.agents, ends, explained) if probe and tcp is None and size is None else explained

    def matrix(self, progress: Progress | None = None, *, sample: Count | None = None, seed: int = 0) -> Matrix:
        """
        Try every ordered pair of Pods, or *sample* of them; *progress* is called with how many are done, of how many.

        A sample is drawn with *seed*: the same one draws the same pairs.
        """
        matrix = all_pairs(self._core.agents, self._core.snapshot(), progress, sample, seed)
        return matrix.without_reasons() if any(ping.why for ping in matrix) and self._unaided.on else matrix

    def check(
        self, stage: str | None = None, progress: Progress | None = None, *, sample: Count | None = None, seed: int = 0
    ) -> Exam | Checks:
        """
        The exam: Kubernetes' three rules for a Pod network, judged on the kernels and by trying every ordered pair.

        With *sample*, only as many pairs of a big cluster, as `matrix` does. With *stage*, instead: is what that stage is
        for true on every node, whoever made it?
        """
        cluster = self._core.snapshot()
        if stage is not None:
            network, pods = self._core.network, self._core.plan.pods_per_node
            checks = Checks(check for node in cluster.values() for check in network.checks(stage, node, cluster, pods))
            if not checks and self._unaided.broken:  # it says what is wrong, as an explanation does
                self._unaided.asked(explanations=1)
            return checks
        unique = unique_addresses(cluster)
        if not unique and self._unaided.on:
            unique = Check(unique.claim, UNTOLD)
        return judge_exam(unique, self.matrix(progress, sample=sample, seed=seed))
