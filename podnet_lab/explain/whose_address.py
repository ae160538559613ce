"""Which of two that have one address is to give it up. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.devices.roles import gateways, pod_subnets
from podnet_lab.explain.cause import Place
from podnet_lab.model import Cluster


def pod_is_wrong(cluster: Cluster, pod: Place, other: Place, ip: IPv4Address) -> bool:
    """Whether, of a Pod and a node that both have *ip*, the Pod is wrong: its node's Pods have other addresses, or it is the gateway's."""
    if pod[1] is None or other[1] is not None:
        return False
    foreign = not any(ip in subnet for subnet in pod_subnets(cluster[pod[0]]))
    return foreign or any(gateway.ip == ip for gateway in gateways(cluster[other[0]]))
