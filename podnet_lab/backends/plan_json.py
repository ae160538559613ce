"""How a lab was planned, as plain data that its owner writes down for those who join it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from podnet_lab.plan import Node, Plan


def of_plan(plan: Plan, network: str) -> dict[str, Any]:
    """The plan, and the name of the Pod network that it is for, as plain data."""
    nodes = [{"name": node.name, "external": str(node.external), "subnet": str(node.subnet), "bridge": node.bridge} for node in plan.nodes]
    return {"nodes": nodes, "pods_per_node": plan.pods_per_node, "network": network}


def network_of(data: Mapping[str, Any] | None) -> str:
    """The name of the Pod network that `of_plan` wrote down."""
    return str((data or {})["network"])


def to_plan(data: Mapping[str, Any]) -> Plan:
    """The plan of which `of_plan` made *data*."""
    nodes = (Node(node["name"], IPv4Interface(node["external"]), IPv4Network(node["subnet"]), node["bridge"]) for node in data["nodes"])
    return Plan(tuple(nodes), data["pods_per_node"])
