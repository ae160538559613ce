"""Solutions to the exercises of notebook 14."""

from __future__ import annotations

from collections.abc import Callable

from podnet_lab import policies
from podnet_lab.exercises.policy_exercises import FILE, LABELS
from podnet_lab.exercises.solution import Solution, Work
from podnet_lab.exercises.task import Task

_HEAD = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {podSelector: {matchLabels: {app: web}}, "
_FROM, _PORTS = "from: [{podSelector: {matchLabels: {app: client}}}]", "ports: [{port: 8080}]"


def _web(spec: str) -> Work:
    """A policy for the Pod that is called web, applied."""

    def work(task: Task) -> dict[str, str]:
        task.lab.apply(*policies.load(LABELS + f"{_HEAD}{spec}}}}}"))
        return {}

    return work


_GUARD = (
    "nft add table ip mine; nft 'add chain ip mine in { type filter hook forward priority 0 ; }'; "
    "nft add rule ip mine in ct state established,related accept; "
    "nft add rule ip mine in ip daddr 10.244.1.2 ip saddr '{ 10.244.2.2, 10.244.3.2 }' tcp dport 8080 accept; "
    "nft add rule ip mine in ip daddr 10.244.1.2 drop"
)
_BRIDGE = "sysctl -qw net.bridge.bridge-nf-call-iptables=1"


def _edited(sed: str) -> Callable[[Task], dict[str, str]]:
    """The file, edited and applied again."""

    def work(task: Task) -> dict[str, str]:
        node = task.lab["node1"]
        node.shell(f"sed -i '{sed}' {FILE}")
        task.lab.apply(*policies.load(node.shell(f"cat {FILE}")))
        return {}

    return work


def _gone(task: Task) -> dict[str, str]:
    task.lab.remove_policies()
    return {}


def _egress(wanted: str, *, answers: bool = True, whose: str = "ip saddr 10.244.2.3 ", bridged: bool = True) -> Work:
    known = "nft add rule ip mine out ct state established,related accept; " if answers else ""
    chains = "nft 'add chain ip mine out { type filter hook forward priority 0 ; }'; nft add chain ip mine pod; "
    rules = f"nft add rule ip mine out {whose}jump pod; nft add rule ip mine pod {wanted} accept; nft add rule ip mine pod drop"
    return {"node2": f"{f'{_BRIDGE}; ' if bridged else ''}nft add table ip mine; {chains}{known}{rules}"}


_BLOCK, _RANGE = "ip daddr 10.244.1.0/24 ip daddr != 10.244.1.3", "tcp dport 8080-8090"

SOLUTIONS = {
    "policy-1": Solution(
        right={"a policy": _web(f"ingress: [{{{_FROM}, {_PORTS}}}]"), "by hand": {"node1": f"{_BRIDGE}; {_GUARD}"}},
        wrong={
            "past the bridge": {"node1": _GUARD},
            "anybody": _web(f"ingress: [{{{_PORTS}}}]"),
            "any port": _web(f"ingress: [{{{_FROM}}}]"),
            "it may send nothing": _web(f"policyTypes: [Ingress, Egress], ingress: [{{{_FROM}, {_PORTS}}}]"),
        },
    ),
    "policy-2": Solution(
        right={"one entry": _edited("s/    - podSelector: {matchLabels: {app: api/      podSelector: {matchLabels: {app: api/")},
        wrong={
            "its own namespace": _edited("/- namespaceSelector/d"),
            "the whole namespace": _edited("/- podSelector: {matchLabels: {app: api/d"),
            "no policy at all": _gone,
        },
    ),
    "policy-3": Solution(
        right={"a chain for the Pod": _egress(f"{_BLOCK} {_RANGE}")},
        wrong={
            "past the bridge": _egress(f"{_BLOCK} {_RANGE}", bridged=False),
            "one port": _egress(f"{_BLOCK} tcp dport 8080"),
            "what is no exception": _egress(f"ip daddr 10.244.1.0/24 {_RANGE}"),
            "no answers": _egress(f"{_BLOCK} {_RANGE}", answers=False),
            "everybody's packets": _egress(f"{_BLOCK} {_RANGE}", whose=""),
        },
    ),
}
