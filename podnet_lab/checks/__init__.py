"""Claims about a network, and what contradicts each: judged on snapshots, or on what came of trying."""

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.exam import unique_addresses
from podnet_lab.model import Cluster
from podnet_lab.model.roles import bridge_of, cable, gateways, pod_addresses, uplink
from podnet_lab.networks.static_routes.checks import addr, bridge, namespaces, route, stage, veth

__all__ = [
    "Check",
    "Checks",
    "Cluster",
    "addr",
    "bridge",
    "bridge_of",
    "cable",
    "gateways",
    "namespaces",
    "pod_addresses",
    "route",
    "stage",
    "unique_addresses",
    "uplink",
    "veth",
]
