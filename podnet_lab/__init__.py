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

_HOMES = {
    "Lab": "podnet_lab.lab.lab",
    "Plan": "podnet_lab.plan",
    "plan": "podnet_lab.plan",
    "recipes": "podnet_lab.recipes",
    "errors": "podnet_lab.errors",
    "checks": "podnet_lab.checks",
    "services": "podnet_lab.services",
    "service": "podnet_lab.services",
    "statements": "podnet_lab.steps",
    **dict.fromkeys(("address", "bridge", "forwarding", "link", "namespace", "neighbour", "nft", "route", "veth"), "podnet_lab.steps"),
}
_MODULES = {"checks", "errors", "plan", "recipes", "services"}

__all__ = [
    "Lab",
    "Plan",
    "address",
    "bridge",
    "checks",
    "errors",
    "forwarding",
    "link",
    "namespace",
    "neighbour",
    "nft",
    "plan",
    "recipes",
    "route",
    "service",
    "services",
    "statements",
    "veth",
]


def __getattr__(name: str):
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    home = import_module(_HOMES[name])
    if "IPython" in sys.modules:  # a notebook: %%node is known from the first import on, to say what is missing
        import_module("podnet_lab.notebook").install()
    return home if name in _MODULES else getattr(home, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
