"""
IPv6 addresses and routes that somebody had made by hand, brought back where a step has taken them along.

No notebook makes one: the lesson is IPv4's, and these steps are part of the way back alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.model import Ipv6Entry, Snapshot
from podnet_lab.steps.base import Request, Step, no_namespace, on, where


@dataclass(frozen=True)
class BringBackIpv6(Step):
    """Make one again as the kernel had described it."""

    entry: Ipv6Entry
    namespace: str | None = None

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}-6 {self.entry.kind} add {self.entry.words}"

    @property
    def claim(self) -> str:
        return f"{self.entry.words} is there{where(self.namespace)}"

    def requests(self) -> list[Request]:
        *nexthops, body = self.entry.raw.split(";")
        needed = [("nexthop_add_raw", self.namespace, {"body": nexthop}) for nexthop in nexthops]
        operation = "address_add_raw" if self.entry.kind == "addr" else "route_add_raw"
        return [*needed, (operation, self.namespace, {"body": body})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.namespace)) is not None:
            return missing
        return None if self.entry in now.spaces[self.namespace].ipv6 else f"there is no {self.entry.words}{where(self.namespace)}"

    def touches(self) -> tuple:
        return (("ipv6", self.namespace, self.entry.dev, self.entry.words),)


def missing(now: Snapshot, then: Snapshot) -> list[Step]:
    """The steps that bring back what was there *then* and is not *now*; what came since then stays."""
    return [
        BringBackIpv6(entry, name)
        for name, space in then.spaces.items()
        for entry in space.ipv6
        if name in now.spaces and entry not in now.spaces[name].ipv6
    ]
