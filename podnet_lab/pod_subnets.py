"""Which subnets can be those of a node's Pods. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network

NO_PODS = {
    IPv4Network("0.0.0.0/8"): "what a host that has no address yet calls itself",
    IPv4Network("127.0.0.0/8"): "loopback, which each host has for itself",
    IPv4Network("169.254.0.0/16"): "link-local, which no router passes on",
    IPv4Network("224.0.0.0/4"): "multicast, which is groups' and no host's",
    IPv4Network("240.0.0.0/4"): "reserved, and nobody's",
}
"""Networks of which no Pod can have an address, and what they are (RFC 6890, RFC 5771)."""


def problem(subnet: IPv4Network) -> str:
    """Why a subnet can't be Pods', to stand after it: "is no /16 to /30 …"; "" for one that can."""
    if not 16 <= subnet.prefixlen <= 30:
        return "is no /16 to /30: Pods are named by the last two numbers of their address"
    part = next((known for known in NO_PODS if known.overlaps(subnet)), None)
    return f"is no subnet for Pods: {part} is {NO_PODS[part]}" if part else ""
