"""A grammar of commands that nobody has sorted by what a library judges: programs first, then one of their productions."""

from __future__ import annotations

import random
from dataclasses import dataclass

from live.mischief.grammar import ip_link, ip_route, layer2, nft, settings, xtables  # noqa: F401 (they fill the table)
from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import TABLE
from live.mischief.scene import Scene, Space

WEIGHTS = {
    "ip link": 10, "ip addr": 5, "ip maddr": 1, "ip netns": 2, "ip route": 10, "ip rule": 6, "ip neigh": 6, "ip nexthop": 3, "ip xfrm": 3,
    "ip ntable": 1, "nft": 20, "iptables": 16,
    "ip6tables": 1, "ebtables": 4, "arptables": 3, "bridge link": 4, "bridge fdb": 4, "bridge vlan": 3, "bridge mdb": 1, "tc qdisc": 4,
    "tc filter": 4, "sysctl": 14,
}  # fmt: skip
"""How often each program is typed, of 125 times: by how much there is to be said with it."""

BRIDGED = {"bridge link", "bridge fdb", "bridge vlan", "bridge mdb", "ebtables"}
"""What is typed where a bridge is."""


@dataclass(frozen=True)
class Command:
    """A line that is typed in a namespace of a node ("" is the node's own)."""

    node: str
    space: str
    program: str
    text: str

    @property
    def script(self) -> str:
        """The same for the node's shell, ended after ten seconds; in pieces, as a person would go on after an error."""
        quoted = "'" + self.text.replace("'", "'\\''") + "'"
        where = f"ip netns exec {self.space} " if self.space else ""
        return f"{where}timeout 10 bash -ec {quoted} </dev/null"

    def __str__(self) -> str:
        return f"{self.node}{'/' + self.space if self.space else ''}# {self.text}"


def command(rng: random.Random, scene: Scene, places: dict[str, int], about: tuple[str, ...] = ()) -> Command:
    """Draw one: where (*places* has how likely each namespace is, by its label), with which program, and what, *about* which addresses."""
    space = _space(rng, scene, places)
    bridge = any(device.kind == "bridge" for device in space.devices)
    weights = {name: weight for name, weight in WEIGHTS.items() if bridge or name not in BRIDGED}
    program = rng.choices(list(weights), list(weights.values()))[0]
    text = rng.choice(TABLE[program])(Draw(rng, scene, space, about))
    return Command(space.node, space.name, program, text)


def _space(rng: random.Random, scene: Scene, places: dict[str, int]) -> Space:
    weights = [places.get(space.label, 0) for space in scene.spaces]
    return rng.choices(scene.spaces, weights)[0]
