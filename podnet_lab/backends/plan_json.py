"""How a lab was planned, as plain data that its owner writes down for those who join it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from podnet_lab.plan import Node, Plan


def of_plan(plan: Plan, network: str) -> dict[str, Any]:
    """The plan, and the name of the Pod network that it is for, as plain data."""
    return {"nodes": [_of_node(node) for node in plan.nodes], "pods_per_node": plan.pods_per_node, "network": network}


def _of_node(node: Node) -> dict[str, str]:
    addresses = {"external": str(node.external), "subnet": str(node.subnet)}
    return {"name": node.name, **addresses, "bridge": node.bridge, "uplink": node.uplink}


def network_of(data: Mapping[str, Any] | None) -> str:
    """The name of the Pod network that `of_plan` wrote down."""
    return str((data or {})["network"])


def to_plan(data: Mapping[str, Any]) -> Plan:
    """The plan of which `of_plan` made *data*."""
    return Plan(tuple(map(_node, data["nodes"])), data["pods_per_node"])


def _node(data: Mapping[str, Any]) -> Node:
    return Node(data["name"], IPv4Interface(data["external"]), IPv4Network(data["subnet"]), data["bridge"], data["uplink"])
