"""Interfaces that went from one namespace into another: a person moves them, and does not make them anew. Pure."""

from __future__ import annotations

from podnet_lab.devices.link_steps import MoveLink
from podnet_lab.devices.registry import kind_of
from podnet_lab.model import Link, Snapshot
from podnet_lab.steps.base import Step


def moves(now: Snapshot, then: Snapshot) -> list[Step]:
    """The steps that move what is *now* in one namespace and *then* in another, both of which are there now."""
    steps: list[Step] = []
    for origin, space in now.spaces.items():
        for name, link in space.links.items():
            if then.link(origin, name) is None and origin in then.spaces:
                places = [place for place in then.spaces if place in now.spaces and _is_same(link, then.link(place, name))]
                if len(places) == 1 and now.link(places[0], name) is None:
                    steps.append(MoveLink(name, places[0], origin))
    return steps


def _is_same(link: Link, then: Link | None) -> bool:
    """Whether it is the very same interface: a new one of the same name has another MAC."""
    kind = kind_of(link)
    return (
        then is not None and (then.kind, then.mac, then.settings) == (link.kind, link.mac, link.settings) and not kind.comes_with_namespace
    )
