"""Drawing operands: what a production asks for, taken from what the lab has, from other nodes, and from nowhere."""

from __future__ import annotations

import random

from live.mischief.scene import Device, Scene, Space

PORTS = (22, 53, 80, 443, 2379, 4789, 5201, 6443, 8080, 8081, 8472, 9090, 10250, 30080, 32767)
NOBODYS_ADDRESSES = ("10.244.7.7", "10.96.0.10", "172.31.7.9", "192.168.1.50", "192.168.1.99", "8.8.8.8", "169.254.1.1")
NOBODYS_SUBNETS = ("10.0.0.0/8", "10.96.0.0/12", "10.244.0.0/16", "10.244.7.0/24", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/0")
NOBODYS_MACS = ("02:00:00:00:00:01", "ee:ee:ee:ee:ee:ee", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff")
MARKS = ("0x1", "0x2", "0x4000", "0x8000", "0x4000/0x4000", "0x0", "0x64")


class Draw:
    """One command's operands, drawn with *rng* from *scene*, for what is typed in *space*; most addresses are those it is *about*."""

    def __init__(self, rng: random.Random, scene: Scene, space: Space, about: tuple[str, ...] = ()) -> None:
        self.rng, self.scene, self.space, self.about = rng, scene, space, about

    def pick(self, *choices):
        """One of them, all equally likely; a function is called."""
        one = self.rng.choice(choices)
        return one() if callable(one) else one

    def maybe(self, text, chance: float = 0.3) -> str:
        """*text* with a space before it, or nothing."""
        if self.rng.random() >= chance:
            return ""
        return " " + (text() if callable(text) else text)

    def flip(self, chance: float = 0.5) -> bool:
        """True that often."""
        return self.rng.random() < chance

    def number(self, low: int, high: int) -> int:
        """A whole number of that range, both ends included."""
        return self.rng.randint(low, high)

    @property
    def in_pod(self) -> bool:
        """Whether it is typed where there is one cable and nothing is passed on."""
        return len(self.space.devices) < 3

    # Interfaces

    def device(self, *kinds: str) -> Device | None:
        """An interface of this namespace, of one of these kinds if any are named; the loopback seldom."""
        found = [one for one in self.space.devices if (one.kind in kinds if kinds else one.name != "lo" or self.flip(0.1))]
        return self.rng.choice(found) if found else None

    def dev(self, *kinds: str) -> str:
        """Its name; "lo" if there is none."""
        found = self.device(*kinds)
        return found.name if found else "lo"

    def port(self) -> str:
        """An interface that is plugged into a bridge; any, where none is."""
        found = [one.name for one in self.space.devices if one.master]
        return self.rng.choice(found) if found else self.dev()

    def bridge(self) -> str:
        """A bridge of this namespace; "br9", which is nobody, where there is none."""
        found = [one.name for one in self.space.devices if one.kind == "bridge"]
        return self.rng.choice(found) if found else "br9"

    # Addresses

    def own(self) -> str:
        """An address of this namespace."""
        found = [text.split("/")[0] for one in self.space.devices if one.name != "lo" for text in one.addresses]
        return self.rng.choice(found) if found else self.address()

    def address(self) -> str:
        """An address: mostly somebody's in the lab, sometimes nobody's."""
        if self.about and self.flip(0.65):
            return self.rng.choice(self.about)
        found = self.scene.interfaces
        return str(self.rng.choice(found).ip) if found and self.flip(0.7) else self.rng.choice(NOBODYS_ADDRESSES)

    def subnet(self) -> str:
        """A subnet: of the lab, of one address, or of nobody."""
        found = self.scene.interfaces
        if not found or self.flip(0.2):
            return self.rng.choice(NOBODYS_SUBNETS)
        near = [one for one in found if str(one.ip) in self.about]
        one = self.rng.choice(near if near and self.flip(0.7) else found)
        return str(one.network) if self.flip(0.65) else f"{one.ip}/32"

    def where(self) -> str:
        """An address or a subnet."""
        return self.address() if self.flip() else self.subnet()

    def interface(self) -> str:
        """An address with a prefix length, as it is given to an interface."""
        return f"{self.address()}/{self.pick(24, 24, 32, 16, 25, 30)}"

    def mac(self) -> str:
        """A MAC: mostly somebody's."""
        found = self.scene.macs
        return self.rng.choice(found) if found and self.flip(0.75) else self.rng.choice(NOBODYS_MACS)

    # Numbers

    def tcp_port(self) -> int:
        """A port; 8080 often, for that is where the servers are."""
        return 8080 if self.flip(0.35) else self.rng.choice(PORTS)

    def ports(self) -> str:
        """A range of ports."""
        low = self.rng.choice(PORTS)
        return f"{low}-{min(65535, low + self.rng.choice((1, 100, 10000)))}"

    def mark(self) -> str:
        """A mark, with or without a mask."""
        return self.rng.choice(MARKS)

    def plain_mark(self) -> str:
        """A mark without a mask."""
        return self.mark().split("/")[0]
