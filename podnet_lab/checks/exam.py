"""The exam: what Kubernetes expects of a Pod network, each rule with its verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.reachability import Matrix, Ping
from podnet_lab.devices.roles import pod_addresses
from podnet_lab.model import Cluster


@dataclass(frozen=True)
class Exam:
    """Three rules, and the matrix that two of them are judged by; true if all hold."""

    rules: Checks
    matrix: Matrix

    def __bool__(self) -> bool:
        return bool(self.rules)

    def __str__(self) -> str:
        return f"{self.rules}\n\n{self.matrix}"

    __repr__ = __str__


def judge_exam(unique: Check, matrix: Matrix) -> Exam:
    """Judge the three rules; a rule for which there was no pair to try does not hold."""
    near = [ping for ping in matrix if ping.source.node == ping.target.node]
    far = [ping for ping in matrix if ping.source.node != ping.target.node]
    return Exam(
        Checks(
            [
                unique,
                _rule("every Pod reaches every other Pod on its node by that address", near),
                _rule("every Pod reaches every Pod on every other node by that same address, untranslated", far),
            ]
        ),
        matrix,
    )


def _rule(claim: str, pings: list[Ping]) -> Check:
    failed = [ping for ping in pings if not ping]
    if not pings:
        return Check(claim, "there is no such pair")
    first = str(replace(failed[0], untold=False)).removeprefix("FAIL").strip() if failed else ""
    return Check(claim, f"{len(failed)} of {len(pings)} pairs do not, first {first}" if failed else None)


def unique_addresses(cluster: Cluster) -> Check:
    """The first rule: does every Pod have an address, and one that no other Pod, node or bridge has?"""
    claim = "every Pod has its own unique IP address"
    owners: dict[IPv4Address, dict[str, bool]] = {}
    pods = 0
    for name, node in cluster.items():
        for address in node.own.addresses:
            if not address.interface.is_loopback:
                owners.setdefault(address.interface.ip, {})[name] = False
        for pod in node.pods:
            pods += 1
            if not pod_addresses(pod):
                return Check(claim, f"{pod.name} on {name} has none")
            for address in pod_addresses(pod):
                owners.setdefault(address.ip, {})[f"{pod.name} on {name}"] = True
    shared = next(
        (f"{ip} belongs to {' and to '.join(holders)}" for ip, holders in owners.items() if len(holders) > 1 and any(holders.values())),
        None,
    )
    return Check(claim, shared or (None if pods else "there is no Pod"))
