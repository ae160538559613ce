"""Services: what they are, what kube-proxy makes of them with nftables, and their names. Pure."""

from podnet_lab.services.kube_proxy import base, chains, cluster, egress, elements, removal, same_node, stale
from podnet_lab.services.service import NODE_PORTS, RANGE, STICKY, Service, service

__all__ = [
    "NODE_PORTS",
    "RANGE",
    "STICKY",
    "Service",
    "base",
    "chains",
    "cluster",
    "egress",
    "elements",
    "removal",
    "same_node",
    "service",
    "stale",
]
