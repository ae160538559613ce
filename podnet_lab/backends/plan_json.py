"""A plan as plain data, as a lab's owner writes it down for those who join the lab. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from podnet_lab.plan import Node, Plan


def of_plan(plan: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    nodes = [{"name": node.name, "external": str(node.external), "subnet": str(node.subnet), "bridge": node.bridge} for node in plan.nodes]
    return {"nodes": nodes, "pods_per_node": plan.pods_per_node}


def to_plan(data: Mapping[str, Any]) -> Plan:
    """The plan of which `of_plan` made *data*."""
    nodes = (Node(node["name"], IPv4Interface(node["external"]), IPv4Network(node["subnet"]), node["bridge"]) for node in data["nodes"])
    return Plan(tuple(nodes), data["pods_per_node"])
