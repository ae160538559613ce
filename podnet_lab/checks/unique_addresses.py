"""Whether every Pod has an address of its own: the first of Kubernetes' rules, which is judged on snapshots alone. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import pod_addresses
from podnet_lab.model import Cluster


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
