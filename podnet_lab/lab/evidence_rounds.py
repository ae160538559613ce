"""An explanation with all that it asks the nodes for, and held against an echo that is really sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.checks.reachability import Endpoint, Verdict
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.explanation import Explanation, explanation
from podnet_lab.lab.ping_pairs import try_pairs
from podnet_lab.model import Cluster

MOST_ROUNDS = 24
"""Times that a walk is begun again with what the nodes have answered: each gets further, mostly to the end at once."""

QUICK, PATIENT = 0.05, 3.0
"""
Seconds that an echo is waited for: where it should not be answered, as long as answers take on one machine; where it should, so long
that the kernel has asked for a MAC three times.
"""


def explained_with_evidence(
    agents: Mapping[str, AgentClient], cluster: Cluster, ends: tuple[Endpoint, Endpoint], protocol: str, port: int | None, size: int
) -> Explanation:
    """The explanation of a pair, with close looks at the places on its path, and the kernels' own routing."""
    evidence = Evidence()
    for _ in range(MOST_ROUNDS):
        explained = explanation(cluster, *ends, protocol, port, size, evidence)
        if not evidence.wanted:
            break
        answers = {node: agents[node].start("close_looks", wanted=asked) for node, asked in evidence.questions().items()}
        evidence.add({node: answer() for node, answer in answers.items()})
    else:
        unsure = "the path is too long to be looked at closely to its end"
        explained = replace(explained, unsure=(*explained.unsure, unsure), cause=None, suspect=explained.cause or explained.suspect)
    return explained


def probed(agents: Mapping[str, AgentClient], ends: tuple[Endpoint, Endpoint], explained: Explanation) -> Explanation:
    """The same, held against one echo: what contradicts it makes it unsure."""
    source, target = ends
    # What is translated on its way gets to somebody else than *target*, who does not tell what was heard.
    if target.node == "" or not source.addresses or not target.addresses or explained.arrives:
        return explained
    (ping,) = try_pairs(agents, [ends], QUICK if explained.cause else PATIENT)
    if ping.verdict == Verdict.NOT_TESTED:
        return explained
    answered = ping.verdict in (Verdict.REACHED, Verdict.TRANSLATED)
    if answered and explained.cause is not None:
        words = "an echo that was sent just now was answered: something that is not judged lets it pass"
        return replace(explained, unsure=(words,), cause=None, suspect=explained.cause, answered=True)
    if not answered and explained:
        words = "an echo that was sent just now was not answered: something that is not judged stops it"
        return replace(explained, unsure=(words,), answered=False)
    return replace(explained, answered=answered)
