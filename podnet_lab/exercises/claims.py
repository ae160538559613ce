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
from podnet_lab.checks.reachability import Ping, Verdict
from podnet_lab.model import Link, Namespace, Route, Snapshot
from podnet_lab.model.roles import gateways, pod_addresses
from podnet_lab.model.route_lookup import choose

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

Cluster = Mapping[str, Snapshot]


@dataclass(frozen=True, repr=False)
class Untested(Check):
    """A claim that could not be tested: it does not hold, and is not known to be wrong either."""

    def __str__(self) -> str:
        return f"FAIL  {self.claim}: could not test: {self.problem}"

    __repr__ = __str__


def everyone(lab: Lab) -> Cluster:
    """Snapshots of all nodes, and of the host outside."""
    return lab.snapshot(*(node.name for node in lab.plan.nodes), "outside")


def named(cluster: Cluster, node: str, pod: str) -> str:
    """What a Pod is called in ``lab.ping``: by its name, and by its node's too where two Pods have the same."""
    twice = sum(space.name == pod for one in cluster.values() for space in one.pods) > 1
    return f"{node}/{pod}" if twice else pod


def reaches(lab: Lab, source: str, target: str, *, silent: bool = False) -> Check:
    """*source* reaches *target*, who sees the sender's own address; *silent* keeps a reason that is known to itself."""
    return judged(lab.ping(source, target), silent)


def unreached(lab: Lab, source: str, target: str) -> Check:
    """*source* does not reach *target*: it was tried, and there was no reply. What could not be tried is no proof of that."""
    ping = lab.ping(source, target, expect=False)
    claim = f"{ping.source.name} does not reach {ping.target.name}"
    if ping.verdict is Verdict.NOT_TESTED:
        return Untested(claim, ping.why or "nobody knows why")
    return Check(claim, None if ping else f"it does, and {ping.target.name} saw {ping.seen_as}")


def judged(ping: Ping, silent: bool = False) -> Check:
    """The claim that a try was about. No reply is not the same as not having been able to try."""
    claim = f"{ping.source.name} reaches {ping.target.name}"
    if ping.verdict is Verdict.REACHED:
        return Check(claim)
    if ping.verdict is Verdict.NOT_TESTED:
        return Untested(claim, ping.why or "nobody knows why")
    if ping.verdict is Verdict.TRANSLATED:
        return Check(claim, f"{ping.target.name} saw {ping.seen_as}, which is not the sender's own address")
    return Check(claim, "no reply" + (f": {ping.why}" if ping.why and not silent else ""))


def exam(lab: Lab, *, silent: bool = False) -> Iterator[Check]:
    """Kubernetes' three rules, tried between all pairs of Pods; *silent* keeps the reasons that are known to itself."""
    found = lab.check()
    unique, *tried = found.rules
    yield unique
    near, far = ([ping for ping in found.matrix if (ping.source.node == ping.target.node) is same] for same in (True, False))
    for rule, pings in zip(tried, (near, far), strict=True):
        wrong = [ping for ping in pings if not ping]
        if rule or not wrong:
            yield rule
            continue
        known = [ping for ping in wrong if ping.verdict is not Verdict.NOT_TESTED]
        first = judged((known or wrong)[0], silent)
        pair = first.claim.replace(" reaches ", " → ")
        yield type(first)(rule.claim, f"{len(wrong)} of {len(pings)} pairs do not; {pair}: {first.problem}")


def answers(lab: Lab, source: str, target: str, who: str) -> Check:
    """*source* asks the server at *target* (like 10.96.0.20:80), and *who* answers."""
    (got,) = lab.ask(source, target)
    claim = f"{source} asks {target}, and {who} answers"
    return Check(claim, got.problem if got.problem else None if got.who == who else f"{got.who or 'a stranger'} did")


def bridges(node: Snapshot) -> list[Link]:
    """The bridges of a node, by name."""
    return [link for _, link in sorted(node.own.links.items()) if link.kind == "bridge"]


def addresses(node: Snapshot) -> list[IPv4Address]:
    """The addresses of a node's Pods."""
    return [one.ip for pod in node.pods for one in pod_addresses(pod)]


def shared(node: Snapshot) -> bool:
    """Whether two Pods of a node have the same address."""
    found = addresses(node)
    return len(set(found)) < len(found)


def way(space: Namespace, address: IPv4Address) -> Route | None:
    """The route that a namespace takes to an address; None if it has none, or if that can't be told."""
    return choose(space, address).route


def straight(cluster: Cluster, source: str, target: str) -> Iterator[Check]:
    """*source* sends what is for the Pods of the node *target* to that node, all of its subnet, and by the shortest way."""
    space, node = cluster[source].own, cluster[target]
    theirs = {one.interface.ip for one in node.own.addresses}
    next_pods = [next(ip for ip in one.network.hosts() if ip not in {*theirs, *addresses(node)}) for one in gateways(node)]
    ways = {ip: way(space, ip) for ip in (*addresses(node), *next_pods)}
    missing = next((ip for ip in addresses(node) if ways[ip] is None), None)
    yield Check(f"{source} has a route to each Pod of {target}", f"it has none to {missing}" if missing else None)
    wrong = ((ip, one) for ip, one in ways.items() if one and one.via not in theirs)
    astray = next((f"what is for {ip} goes by {one.via or one.dev or one}" for ip, one in wrong), None)
    yield Check(f"{source} sends what is for them straight to {target}", astray)
    alone = next((ip for ip in next_pods if ways[ip] is None), None)
    yield Check(f"{source} knows the way to the next Pod of {target}, too", f"a Pod with {alone} would not be reached" if alone else None)


def rules_with(space: Namespace, statement: str, hook: str | None = None) -> list[list[Mapping[str, Any]]]:
    """A namespace's rules of nftables that say *statement* ("dnat", "masquerade"), of chains at *hook* if one is given."""
    found = []
    for chain, rules in space.rules.rules.items():
        at = space.rules.objects.get(("chain", *chain), {}).get("hook")
        found += [rule for rule in rules if hook in (None, at) and any(statement in one for one in rule)]
    return found
