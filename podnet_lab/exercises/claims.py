"""
Claims that exercises make about a running lab, each by one look or one try, and what they need to find their way about.

They go by structure, not by names: a Pod is a named namespace, a bridge the one that its cables are plugged into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from podnet_lab.checks.check import Check
from podnet_lab.checks.exam import allowed
from podnet_lab.checks.reachability import Ping, Verdict
from podnet_lab.devices.roles import gateways, pod_addresses
from podnet_lab.model import Link, Namespace, Route, Snapshot
from podnet_lab.model.route_lookup import lookup_route

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

Cluster = Mapping[str, Snapshot]

SILENT_FOR = 0.4
"""Seconds after which an answer that is not meant to come counts as none: one that comes takes a hundredth of that."""


@dataclass(frozen=True, repr=False)
class Untested(Check):
    """A claim that could not be tested: it does not hold, and is not known to be wrong either."""

    def __str__(self) -> str:
        return f"FAIL  {self.claim}: could not test: {self.problem}"

    __repr__ = __str__


def everyone(lab: ExerciseLab) -> Cluster:
    """Snapshots of all nodes, and of the host outside."""
    return lab.snapshot(*(node.name for node in lab.plan.nodes), "outside")


def name_for_ping(cluster: Cluster, node: str, pod: str) -> str:
    """What a Pod is called in ``lab.ping``: by its name, and by its node's too where two Pods have the same."""
    twice = sum(space.name == pod for node in cluster.values() for space in node.pods) > 1
    return f"{node}/{pod}" if twice else pod


def reaches(lab: ExerciseLab, source: str, target: str, *, silent: bool = False) -> Check:
    """*source* reaches *target*, who sees the sender's own address; *silent* keeps a reason that is known to itself."""
    ping = lab.ping(source, target)
    at = target if target != ping.target.name and target[:1].isdigit() else ping.target.name  # an address is not all of its owner's
    return judged(ping, silent, at)


def unreached(lab: ExerciseLab, source: str, target: str) -> Check:
    """*source* does not reach *target*: it was tried, and there was no reply. What could not be tried is no proof of that."""
    ping = lab.ping(source, target, expect=False)
    claim = f"{ping.source.name} does not reach {ping.target.name}"
    if ping.verdict is Verdict.NOT_TESTED:
        return Untested(claim, ping.why or "nobody knows why")
    return Check(claim, None if ping else f"it does, and {ping.target.name} saw {ping.seen_as}")


def judged(ping: Ping, silent: bool = False, target: str = "") -> Check:
    """The claim that a try was about, of *target* as it was called. No reply is not the same as not having been able to try."""
    claim = f"{ping.source.name} reaches {target or ping.target.name}"
    if ping.verdict is Verdict.REACHED:
        return Check(claim)
    if ping.verdict is Verdict.NOT_TESTED:
        return Untested(claim, ping.why or "nobody knows why")
    if ping.verdict is Verdict.TRANSLATED:
        return Check(claim, f"{ping.target.name} saw {ping.seen_as}, which is not the sender's own address")
    return Check(claim, "no reply" + (f": {ping.why}" if ping.why and not silent else ""))


def exam(lab: ExerciseLab, *, silent: bool = False) -> Iterator[Check]:
    """Kubernetes' three rules, tried between all pairs of Pods; *silent* keeps the reasons that are known to itself."""
    result = lab.check()
    unique, *tried = result.rules
    yield unique
    near, far = ([ping for ping in result.matrix if (ping.source.node == ping.target.node) is same] for same in (True, False))
    for rule, pings in zip(tried, (near, far), strict=True):
        wrong = [ping for ping in pings if ping.is_broken]
        if rule or not wrong:
            yield rule
            continue
        known = [ping for ping in wrong if ping.verdict is not Verdict.NOT_TESTED]
        first = judged((known or wrong)[0], silent)
        pair = first.claim.replace(" reaches ", " → ")
        yield type(first)(rule.claim, f"{len(wrong)} of {len(allowed(pings))} pairs do not; {pair}: {first.problem}")


def answers(lab: ExerciseLab, source: str, target: str, who: str) -> Check:
    """*source* asks the server at *target* (like 10.96.0.20:80), and *who* answers."""
    (answer,) = lab.ask(source, target)
    claim = f"{source} asks {target}, and {who} answers"
    return Check(claim, answer.problem if answer.problem else None if answer.who == who else f"{answer.who or 'a stranger'} did")


def unanswered(lab: ExerciseLab, source: str, target: str) -> Check:
    """*source* asks the server at *target*, and gets no answer: silence, or a refusal by whoever guards it."""
    (answer,) = lab.ask(source, target, patience=SILENT_FOR)
    return Check(f"{source} asks {target}, and gets no answer", f"{answer.who or 'a stranger'} answers" if answer else None)


def bridges(node: Snapshot) -> list[Link]:
    """The bridges of a node, by name."""
    return [link for _, link in sorted(node.own.links.items()) if link.kind == "bridge"]


def addresses(node: Snapshot) -> list[IPv4Address]:
    """The addresses of a node's Pods."""
    return [address.ip for pod in node.pods for address in pod_addresses(pod)]


def address_shared(node: Snapshot) -> bool:
    """Whether two Pods of a node have the same address."""
    of_pods = addresses(node)
    return len(set(of_pods)) < len(of_pods)


def route_taken(space: Namespace, address: IPv4Address) -> Route | None:
    """The route that a namespace takes to an address; None if it has none, or if that can't be told."""
    return lookup_route(space, address).route


def straight(cluster: Cluster, source: str, target: str) -> Iterator[Check]:
    """*source* sends what is for the Pods of the node *target* to that node, all of its subnet, and by the shortest way."""
    space, node = cluster[source].own, cluster[target]
    theirs = {address.interface.ip for address in node.own.addresses}
    next_pods = [next(ip for ip in gateway.network.hosts() if ip not in {*theirs, *addresses(node)}) for gateway in gateways(node)]
    ways = {ip: route_taken(space, ip) for ip in (*addresses(node), *next_pods)}
    missing = next((ip for ip in addresses(node) if ways[ip] is None), None)
    yield Check(f"{source} has a route to each Pod of {target}", f"it has none to {missing}" if missing else None)
    wrong = ((ip, route) for ip, route in ways.items() if route and route.via not in theirs)
    astray = next((f"what is for {ip} goes by {route.via or route.dev or route}" for ip, route in wrong), None)
    yield Check(f"{source} sends what is for them straight to {target}", astray)
    alone = next((ip for ip in next_pods if ways[ip] is None), None)
    yield Check(f"{source} knows the way to the next Pod of {target}, too", f"a Pod with {alone} would not be reached" if alone else None)


def rules_with(space: Namespace, statement: str, hook: str | None = None) -> list[list[Mapping[str, Any]]]:
    """A namespace's rules of nftables that say *statement* ("dnat", "masquerade"), of chains at *hook* if one is given."""
    matching = []
    awake = ((chain, rules) for chain, rules in space.rules.rules.items() if not space.rules.is_dormant(chain[:2]))
    for chain, rules in awake:
        at = space.rules.objects.get(("chain", *chain), {}).get("hook")
        matching += [rule for rule in rules if hook in (None, at) and any(expression and statement in expression for expression in rule)]
    return matching
