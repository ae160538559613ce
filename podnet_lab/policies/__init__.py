"""
NetworkPolicies: what they are, whether they let a connection pass, and the nftables that enforce them. Pure.

`load` reads YAML, `decide` judges, `cluster_steps` are the steps for a lab's nodes; `Lab.apply` does all of it.
"""

from podnet_lab.policies.compile import base, cluster_steps, compiled, node_steps, removal
from podnet_lab.policies.evaluate import Decision, Side, decide
from podnet_lab.policies.manifest import load, read
from podnet_lab.policies.objects import (
    IpBlock,
    LabelledNamespace,
    LabelledPod,
    NetworkPolicy,
    Peer,
    PlacedPod,
    PolicyCluster,
    Port,
    PortName,
    Requirement,
    Rule,
    Selector,
)

__all__ = [
    "Decision",
    "IpBlock",
    "LabelledNamespace",
    "LabelledPod",
    "NetworkPolicy",
    "Peer",
    "PlacedPod",
    "PolicyCluster",
    "Port",
    "PortName",
    "Requirement",
    "Rule",
    "Selector",
    "Side",
    "base",
    "cluster_steps",
    "compiled",
    "decide",
    "load",
    "node_steps",
    "read",
    "removal",
]
