"""Looking and checking: who reaches whom, what is true at a stage, and the exam."""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.exam import Exam, judge_exam
from podnet_lab.checks.reachability import UNTOLD, Matrix, Ping, Verdict, endpoints, expectation
from podnet_lab.checks.unique_addresses import unique_addresses
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.endpoint_lookup import endpoint, endpoint_or_address
from podnet_lab.lab.ping_pairs import Progress, all_pairs, one_pair
from podnet_lab.lab.unaided import Unaided
from podnet_lab.typed_arguments import Count, Seconds


class Observer:
    """
    What a lab says of its kernels. It needs their snapshots, and their agents to send echoes.

    While something is to be found out *unaided*, it does not tell the reason of a failure.
    """

    def __init__(self, core: LabCore, unaided: Unaided) -> None:
        self._core, self._unaided = core, unaided

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
        network, pods = self._core.network, self._core.plan.pods_per_node
        cluster = self._core.settled(*(network.stages if stage is None else [network.stage(stage)]))
        if stage is not None:
            checks = Checks(check for node in cluster.values() for check in network.checks(stage, node, cluster, pods))
            if not checks and self._unaided.broken:  # it says what is wrong, as an explanation does
                self._unaided.asked(explanations=1)
            return checks
        unique = unique_addresses(cluster)
        if not unique and self._unaided.on:
            unique = Check(unique.claim, UNTOLD)
        return judge_exam(unique, self.matrix(progress, sample=sample, seed=seed))
