"""The lesson: one file for each stage, one function for each thing that a person would type."""

from podnet_lab.steps import address, bridge, forwarding, link, namespace, neighbour, nft, route, statements, veth
from podnet_lab.steps.base import Step

__all__ = ["Step", "address", "bridge", "forwarding", "link", "namespace", "neighbour", "nft", "route", "statements", "veth"]
