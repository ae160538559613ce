"""NetworkPolicies three times: as the API's text has them judged, as the rules say that enforce them, and as the kernel does."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from live.random_policies import TCP, UDP, Case, Draw, Probe
from podnet_lab import policies
from podnet_lab.checks.reachability import endpoints
from podnet_lab.explain.explanation import explanation

QUICK, PATIENT = 0.08, 3.0
"""Seconds that an answer is waited for; where one should have come, and did not, it is asked again, for longer."""

PASSED = ("", "connection refused")
"""What becomes of a connection that was let pass: an answer, or the target's word that nobody listens at that port."""


@dataclass
class Report:
    """How many cases and probes were tried, how many were let pass; *unsure* of the rules' judge, and what *disagrees*."""

    cases: int = 0
    probes: int = 0
    allowed: int = 0
    survived: int = 0
    unsure: list[str] = field(default_factory=list)
    disagree: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {self.probes} connections: {self.allowed} allowed, {self.probes - self.allowed} denied; "
            f"{self.survived} open connections went on; {len(self.unsure)} not judged; {len(self.disagree)} disagreements"
        )


def serve_everywhere(lab, ends):
    """Somebody answers at one port of TCP, and at all of UDP, of every Pod and node."""
    for name in ends:
        lab.serve(name, TCP[1])
        for port in UDP:
            lab.serve(name, port, "udp")


class Agreement:
    """A wired lab, in which case after case is tried; what was open goes on through them all. *nodes*: they ask and are asked, too."""

    def __init__(self, lab, nodes: bool = True) -> None:
        self.lab, self.report = lab, Report()
        known = endpoints(lab.snapshot())
        self.pods = [name for name, end in known.items() if end.namespace]
        self.nodes = [name for name, end in known.items() if nodes and not end.namespace]
        self.address = {name: end.addresses[0] for name, end in known.items()}
        serve_everywhere(lab, [*self.pods, *self.nodes])
        self._open = None

    def case(self, seed: int, probes: int = 12) -> None:
        """Draw a case, apply it, and hold everybody's word against each other."""
        case = Draw(seed).case(self.pods, self.nodes, probes)
        text = yaml.safe_dump_all(case.objects)
        self.lab.apply(*policies.load(text))
        self.report.cases += 1
        self._goes_on(seed)
        now = self.lab.snapshot()
        known, applied = endpoints(now), self.lab.policies()
        assert len(applied) == sum(one["kind"] == "NetworkPolicy" for one in case.objects)
        for probe in case.probes:
            allowed = bool(applied.decide(probe.source, probe.target, probe.port, probe.protocol))
            said = explanation(now, known[probe.source], known[probe.target], probe.protocol.lower(), probe.port)
            self.report.probes += 1
            self.report.allowed += allowed
            if said.unsure:
                self.report.unsure.append(f"seed {seed}, {probe}: {said}")
            elif bool(said) != allowed or (said.cause is not None and said.cause.layer != "policy"):
                self.report.disagree.append(f"seed {seed}, {probe}: by the API {allowed}, by the rules {said}")
            if (really := self._passes(probe, allowed)) != allowed:
                self.report.disagree.append(f"seed {seed}, {probe}: by the API {allowed}, really {really}\n{text}")
        self._keep_one_open(case, applied)

    def _passes(self, probe: Probe, expected: bool) -> bool:
        target, protocol = f"{self.address[probe.target]}:{probe.port}", probe.protocol.lower()
        (answer,) = self.lab.ask(probe.source, target, protocol=protocol, patience=QUICK)
        if expected and answer.problem not in PASSED:
            (answer,) = self.lab.ask(probe.source, target, protocol=protocol, patience=PATIENT)
        assert answer.problem in (*PASSED, "no answer"), answer
        return answer.problem in PASSED

    def _keep_one_open(self, case: Case, applied) -> None:
        for probe in case.probes:
            if probe.protocol == "TCP" and applied.decide(probe.source, probe.target, TCP[1]):
                connection = self.lab.connect(probe.source, f"{self.address[probe.target]}:{TCP[1]}", patience=PATIENT)
                assert connection.ask()
                self._open = connection
                return

    def _goes_on(self, seed: int) -> None:
        """Policies are about new connections: what was let pass before goes on, whatever they say now."""
        if self._open is not None:
            answer = self._open.ask()
            self.report.survived += bool(answer)
            if not answer:
                self.report.disagree.append(f"seed {seed}: {self._open} did not go on: {answer}")
            self._open.close()
            self._open = None
