"""
podnet_lab: Kubernetes Pod networking, wired by hand and verified live.

    from podnet_lab import Lab, bridge
    lab = Lab.open()
    lab["node1"].run(bridge.add("v-net-0"))

Names are loaded when they are first used, so that importing the package costs next to nothing: the agents, of which
there is one on each node, import it, too.
"""

import sys
from importlib import import_module

__version__ = "0.1.0"

_PLACES = {
    "Lab": "podnet_lab.lab.lab:Lab",
    "Plan": "podnet_lab.plan:Plan",
    "address": "podnet_lab.steps.address",
    "bridge_netfilter": "podnet_lab.steps.bridge_netfilter",
    "checks": "podnet_lab.checks",
    "daemon": "podnet_lab.daemons.steps",
    "errors": "podnet_lab.errors",
    "file": "podnet_lab.steps.file",
    "forwarding": "podnet_lab.steps.forwarding",
    "link": "podnet_lab.devices.link",
    "namespace": "podnet_lab.steps.namespace",
    "neighbour": "podnet_lab.steps.neighbour",
    "nft": "podnet_lab.steps.nft.steps",
    "plan": "podnet_lab.plan:plan",
    "policies": "podnet_lab.policies",
    "recipes": "podnet_lab.recipes",
    "route": "podnet_lab.steps.route",
    "service": "podnet_lab.services.service:service",
    "services": "podnet_lab.services",
    "statements": "podnet_lab.steps.nft.statements",
}
"""Where each public name lives: a module, or something in one. Kinds of interfaces are found by their folders in devices/."""


def _kinds() -> dict[str, str]:
    """The kinds of interfaces that have steps: ``bridge``, ``veth``, and whatever else has a folder."""
    devices = import_module("podnet_lab.devices")  # here: an agent imports this package, and asks for nothing by its public name

    return {name: f"podnet_lab.devices.{name}.steps" for name in devices.kinds() if devices.has(name, "steps")}


def __getattr__(name: str):
    if name == "__all__":
        return sorted([*_PLACES, *_kinds()])
    place = _PLACES.get(name) or (None if name.startswith("_") else _kinds().get(name))
    if place is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module, _, attribute = place.partition(":")
    found = import_module(module)
    if "IPython" in sys.modules:  # a notebook: %%node is known from the first import on, to say what is missing
        import_module("podnet_lab.jupyter.magic").install()
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted([*globals(), *__getattr__("__all__")])
