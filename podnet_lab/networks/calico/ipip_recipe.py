"""The steps of Calico's tunnel in IPIP mode: the kernel's own tunl0, or what stands in for it. Pure."""

from __future__ import annotations

from podnet_lab.daemons import ipip_forwarder
from podnet_lab.daemons import steps as daemon
from podnet_lab.devices import link
from podnet_lab.devices.ip_tunnel import TUNL0
from podnet_lab.devices.ipip import steps as ipip
from podnet_lab.devices.tun import steps as tun
from podnet_lab.networks.calico import bird_config, names
from podnet_lab.plan import Node, Plan
from podnet_lab.steps import address
from podnet_lab.steps.base import Step


def add_tunnel(node: Node, plan: Plan) -> list[Step]:
    """The kernel's tunl0, which is in every namespace once the module is loaded: nobody makes it."""
    return [ipip.load(), *_configured(node)]


def add_stand_in(node: Node, plan: Plan) -> list[Step]:
    """A TUN device that is called tunl0, and a program that does for it what the kernel does for its own."""
    return [tun.add(TUNL0), *_configured(node), daemon.start(ipip_forwarder.forwarder())]


def _configured(node: Node) -> list[Step]:
    """Its MTU; up; and an address of the node's first block, which what the node itself sends to Pods comes from."""
    return [
        link.change(TUNL0, mtu=names.IPIP_MTU),
        link.up(TUNL0),
        address.add(names.tunnel_address(node), dev=TUNL0),
    ]


def start_bird(node: Node, plan: Plan) -> list[Step]:
    """The node's BIRD, which gives its kernel routes to the others' blocks through the tunnel."""
    return [daemon.start(bird_config.speaker(node, plan, tunnel=TUNL0))]
