"""Claims about a network, and what contradicts each: judged on snapshots, or on what came of trying."""

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.unique_addresses import unique_addresses
from podnet_lab.devices.roles import bridge_of, cable, gateways, pod_addresses, uplink
from podnet_lab.model import Cluster

__all__ = ["Check", "Checks", "Cluster", "bridge_of", "cable", "gateways", "pod_addresses", "unique_addresses", "uplink"]
