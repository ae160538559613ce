"""What a lab really has just now, as operands for commands: namespaces, their interfaces, addresses and settings."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field, replace

from live.mischief.shapes import Shape
from live.mischief.truth import Truth

_LOOK = 'for one in {names}; do echo "space $one"; timeout 5 ip ${{one:+-n $one}} -d -j addr show; done'


@dataclass(frozen=True)
class Device:
    """An interface as `ip` tells it; *addresses* have their prefix lengths."""

    name: str
    kind: str
    mac: str
    addresses: tuple[str, ...]
    master: str


@dataclass(frozen=True)
class Space:
    """A network namespace of a node; the node's own has the name ""."""

    node: str
    name: str
    devices: tuple[Device, ...]
    sysctls: tuple[str, ...] = field(default=(), repr=False)

    @property
    def label(self) -> str:
        """How it is told: node1, node1/pod-1-2."""
        return f"{self.node}/{self.name}" if self.name else self.node


@dataclass(frozen=True)
class Scene:
    """All namespaces of a lab, in an order that is the same whenever the same was built."""

    spaces: tuple[Space, ...]

    @property
    def interfaces(self) -> list[ipaddress.IPv4Interface]:
        """Every IPv4 address but the loopbacks', with its prefix length."""
        texts = [text for space in self.spaces for device in space.devices if device.name != "lo" for text in device.addresses]
        return [ipaddress.ip_interface(text) for text in texts]

    @property
    def macs(self) -> list[str]:
        """Every MAC of the lab."""
        return [device.mac for space in self.spaces for device in space.devices if device.name != "lo" and device.mac]


def look(lab, truth: Truth, shape: Shape) -> Scene:
    """Ask every node of a network what it has, with `ip`; its settings are read beside."""
    nodes: dict[str, list[str]] = {}
    for label in shape.labels:
        node, _, name = label.partition("/")
        nodes.setdefault(node, []).append(name)
    found = [space for node, names in sorted(nodes.items()) for space in _spaces(node, _printed(lab, node, names))]
    settings = truth.settings([(space.node, space.name) for space in found])
    return Scene(tuple(replace(space, sysctls=tuple(some)) for space, some in zip(found, settings, strict=True)))


def _printed(lab, node: str, names: list[str]) -> str:
    return lab[node].shell(_LOOK.format(names=" ".join(name or "''" for name in names)))


def _spaces(node: str, printed: str) -> list[Space]:
    found = []
    for part in printed.split("space ")[1:]:
        name, _, links = part.partition("\n")
        found.append(Space(node, name, tuple(_device(one) for one in json.loads(links) if one)))
    return found


def _device(link: dict) -> Device:
    addresses = tuple(f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", []) if one.get("family") == "inet")
    kind = link.get("linkinfo", {}).get("info_kind", "")
    return Device(link["ifname"], kind, link.get("address", ""), addresses, link.get("master", ""))
