"""What a kernel can say of a node, frozen: a file for each kind of thing. Pure."""

from podnet_lab.model.address import Address
from podnet_lab.model.bgp import BgpSession, BgpSpeaker
from podnet_lab.model.ipv6 import Ipv6Entry
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import NO_RULES, Ipv4Conf, Namespace
from podnet_lab.model.neighbour import FdbEntry, Neighbour
from podnet_lab.model.nftables import Ruleset
from podnet_lab.model.process import Process
from podnet_lab.model.route import DEFAULT, DEFAULT_TABLE, LOCAL_TABLE, MAIN_TABLE, USUAL_POLICY, PolicyRule, Route
from podnet_lab.model.snapshot import Cluster, Snapshot, in_order

__all__ = [
    "DEFAULT",
    "DEFAULT_TABLE",
    "LOCAL_TABLE",
    "MAIN_TABLE",
    "NO_RULES",
    "USUAL_POLICY",
    "Address",
    "BgpSession",
    "BgpSpeaker",
    "Cluster",
    "FdbEntry",
    "Ipv4Conf",
    "Ipv6Entry",
    "Link",
    "Namespace",
    "Neighbour",
    "PolicyRule",
    "Process",
    "Route",
    "Ruleset",
    "Snapshot",
    "in_order",
]
