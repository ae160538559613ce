"""
Single mistakes of NetworkPolicies, as people make them: each cuts off a pair that should talk. Pure.

Most are a policy that says something else than what was meant, written to nftables as `podnet_lab.policies` does; the last ones
are tables that enforce a right policy wrongly. They are not drawn by `lab.break_something()`, for who has not met policies yet is
not to look for one: ``lab.break_something(fault="…")`` makes one by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from shlex import quote

from podnet_lab.explain.fault import Fault
from podnet_lab.explain.fault_places import FaultPlaces, WiredNode, WiredPod
from podnet_lab.policies.compile import compiled, node_steps
from podnet_lab.policies.names import HOOKS, ISOLATED, TABLE, peers_set
from podnet_lab.policies.objects import (
    EGRESS,
    INGRESS,
    IpBlock,
    LabelledPod,
    NetworkPolicy,
    Peer,
    PlacedPod,
    PolicyCluster,
    Port,
    Rule,
    Selector,
)

_WEB, _CLIENT = Selector((("app", "web"),)), Selector((("app", "client"),))
_NFT = ("nft",)


def _placed(pod: WiredPod, node: WiredNode, app: str) -> PlacedPod:
    return PlacedPod(LabelledPod(pod.name, labels={"app": app}), IPv4Address(pod.ip), node.name)


def _typed(places: FaultPlaces, policy: NetworkPolicy, node: WiredNode) -> str:
    """What enforces a policy on a node: the Pod on the other node is app=web, the other two are app=client."""
    pods = [_placed(places.pod, places.node, "client"), _placed(places.neighbour, places.node, "client")]
    cluster = PolicyCluster((*pods, _placed(places.other, places.other_node, "web")), policies=(policy,))
    return "; ".join(step.command for step in node_steps(cluster, compiled(cluster), node.name, bridged=False))


def _in(*rules: Rule, name: str = "web") -> NetworkPolicy:
    return NetworkPolicy(name, pods=_WEB, ingress=rules)


def _there(policy: NetworkPolicy, more: str = "") -> Callable[[FaultPlaces], str]:
    return lambda places: _typed(places, policy, places.other_node) + more


def _here(policy: NetworkPolicy) -> Callable[[FaultPlaces], str]:
    return lambda places: _typed(places, policy, places.node)


def _without_the_pods_subnet(places: FaultPlaces) -> str:
    block = IpBlock(IPv4Network("0.0.0.0/0"), (places.node.subnet,))
    return _typed(places, _in(Rule((Peer(block=block),))), places.other_node)


def _without_answers(places: FaultPlaces) -> str:
    typed, chain = _typed(places, NetworkPolicy("web", pods=_CLIENT), places.node), f"ip {TABLE} {HOOKS[INGRESS]}"
    return f"{typed}; nft flush chain {chain}; nft add rule {chain} ip daddr vmap {quote(f'@{ISOLATED[INGRESS]}')}"


_RIGHT = _in(Rule((Peer(pods=_CLIENT),)))
_NOBODY = replace(_RIGHT.ingress[0], peers=(Peer(pods=Selector((("app", "clients"),))),))
_FAR = Peer(pods=_CLIENT, namespaces=Selector((("team", "shop"),)))

POLICY_FAULTS = (
    Fault("a NetworkPolicy lets nobody in", _there(_in(name="default-deny")), "policy", "other node", "there", needs=_NFT),
    Fault(
        "a NetworkPolicy lets the Pod send nothing",
        _here(NetworkPolicy("egress", pods=_CLIENT, types=(EGRESS,))),
        "policy",
        "node",
        needs=_NFT,
    ),
    Fault("the label that a NetworkPolicy asks for has a typo", _there(_in(_NOBODY)), "policy", "other node", "there", needs=_NFT),
    Fault(
        "a NetworkPolicy is about clients of another namespace",
        # Both selectors in one entry of `from`: Pods with the label *and* in such a namespace.
        _there(_in(Rule((_FAR,)))),
        "policy",
        "other node",
        "there",
        needs=_NFT,
    ),
    Fault(
        "a NetworkPolicy lets in ports alone, and a ping has none",
        _there(_in(Rule((Peer(pods=_CLIENT),), (Port("TCP", 8080),)))),
        "policy",
        "other node",
        "there",
        needs=_NFT,
    ),
    Fault(
        "a NetworkPolicy's block of addresses leaves the Pods out", _without_the_pods_subnet, "policy", "other node", "there", needs=_NFT
    ),
    Fault(
        "the set of a NetworkPolicy's clients is an old one",
        _there(_RIGHT, f"; nft flush set ip {TABLE} {peers_set(INGRESS, _RIGHT.full_name, 0)}"),
        "policy",
        "other node",
        "there",
        needs=_NFT,
    ),
    Fault("the answers of connections that a NetworkPolicy allows are not let pass", _without_answers, "policy", "node", needs=_NFT),
)
"""The catalogue."""
