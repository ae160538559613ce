"""A node's end of a tunnel, found by structure, whatever it is called; and how a person makes it anew with other settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from podnet_lab.devices.link_steps import RemoveLink, SetLinkState
from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import tunnel_of
from podnet_lab.model import Link, Snapshot
from podnet_lab.steps.address import AddAddress
from podnet_lab.steps.base import Step
from podnet_lab.steps.neighbour import AddNeighbour
from podnet_lab.steps.route import AddRoute


@dataclass(frozen=True)
class TunnelEnd:
    """The end of a tunnel in a node's own namespace: its interface *link*."""

    node: Snapshot = field(repr=False)
    link: Link

    @property
    def dev(self) -> str:
        """The interface's name."""
        return self.link.name

    @property
    def mac(self) -> str:
        """The MAC by which the other ends send to it."""
        return self.link.mac

    @property
    def port(self) -> int:
        """The UDP port at which it listens, and to which it sends."""
        return self.link.setting("port")

    @property
    def host(self) -> IPv4Address:
        """The address that its packets come from, and at which the others send to it."""
        return IPv4Address(self.link.setting("local"))

    @property
    def gateway(self) -> IPv4Address | None:
        """Its own address, by which the others' routes lead to its node; None if it has none."""
        own = self.node.own.addresses_of(self.dev)
        return own[0].ip if own else None

    def remade(self, **settings: object) -> list[Step]:
        """The steps that delete it and make it again with other *settings*, and after it all that goes along with an interface."""
        return [RemoveLink(self.dev), *self.made(**settings)]

    def made(self, **settings: object) -> list[Step]:
        """The steps that make it, with all that hangs on it: addresses, neighbours, forwarding entries, routes."""
        link = replace(self.link, settings=tuple((dict(self.link.settings) | settings).items()))
        then, dev, kind = self.node.own, self.dev, kind_of(link)
        links = {name: other for name, other in then.links.items() if name != dev}
        now = replace(then, links=links, fdb=tuple(entry for entry in then.fdb if entry.dev != dev))
        neighbours = [one for one in then.neighbours if (one.dev, one.state) == (dev, "PERMANENT")]
        steps = [*kind.remake(None, link), *kind.adjust(None, link), SetLinkState(dev, None, up=True)]
        steps += [AddAddress.of(one, None, raw=False) for one in then.addresses if one.dev == dev]
        steps += [AddNeighbour(one.address, dev, one.mac) for one in neighbours]
        steps += kind.restore_tables(None, dev, now, then)
        return [*steps, *(AddRoute.of(one, None, raw=False) for one in then.routes if one.dev == dev and not one.kernel)]


def tunnel_end(node: Snapshot) -> TunnelEnd | None:
    """The node's end of a tunnel that says which address its packets come from; None if it has none."""
    link = tunnel_of(node)
    return TunnelEnd(node, link) if link is not None and link.setting("local") else None
