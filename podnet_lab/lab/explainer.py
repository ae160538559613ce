"""Why somebody reaches somebody else, or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from podnet_lab.checks.reachability import Endpoint, endpoints
from podnet_lab.errors import BadInput
from podnet_lab.explain.explanation import Explanation
from podnet_lab.explain.flow import DEFAULT_SIZE, HANDSHAKE_SIZE
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.endpoint_lookup import endpoint, endpoint_or_whoever
from podnet_lab.lab.evidence_rounds import explained_with_evidence, probed
from podnet_lab.lab.unaided import Unaided
from podnet_lab.plan import echo_size, port_number


class Explainer:
    """
    Explains what a lab's kernels do with a packet. It needs their snapshots, and their agents for a closer look and an echo.

    Of a NetworkPolicy that denies, *rules_that_deny* says what its rules let pass. While something is to be found out *unaided*, each
    explanation is counted. Of a Pod that no node has, *why_absent* may know more: a Kubernetes that could not make it.
    """

    def __init__(
        self,
        core: LabCore,
        unaided: Unaided,
        rules_that_deny: Callable[[tuple[Endpoint, Endpoint], str, int | None], str],
        why_absent: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._core, self._unaided, self._rules_that_deny, self._why_absent = core, unaided, rules_that_deny, why_absent

    def explain(self, source: str, target: str, *, tcp: int | None = None, size: int | None = None, probe: bool = True) -> Explanation:
        """
        Why an echo from one Pod or node to another does not arrive, read off the kernels.

        Names the first thing in the way, with three hints (`.hint(1)` to `.hint(3)`) and the steps that mend it
        (``lab.run(explanation.repair)``); what could not be judged, such as a tc filter, is said, and is no "healthy", and nothing
        that comes after it is certain. With *tcp* it is about a connection to that port, and the data that it carries, with *size*
        about an echo of so many bytes that may not be cut. *target* may also be an address that nobody has, such as a Service's.

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
        ends = self._ends(endpoints(everyone), source, target)
        usual = DEFAULT_SIZE if tcp is None else HANDSHAKE_SIZE
        bytes_sent = usual if size is None else echo_size(size)
        explained = explained_with_evidence(self._core.agents, everyone, ends, protocol, port, bytes_sent)
        if explained.cause is not None and explained.cause.layer == "policy":
            rules = self._rules_that_deny(ends, protocol, port)
            explained = replace(explained, cause=explained.cause.suffixed(rules))
        return probed(self._core.agents, ends, explained) if probe and tcp is None and size is None else explained

    def _ends(self, known: Mapping[str, Endpoint], source: str, target: str) -> tuple[Endpoint, Endpoint]:
        try:
            return endpoint(known, source), endpoint_or_whoever(known, target)
        except BadInput as error:
            if words := "; ".join(filter(None, map(self._why_absent, dict.fromkeys((source, target))))):
                raise BadInput(f"{error}; {words}") from None
            raise
