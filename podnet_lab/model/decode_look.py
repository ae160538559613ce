"""The frozen model of a close look, made of the plain data that an agent reads. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from podnet_lab.model.close_look import CloseLook, DeviceLook, Listener, RouteAnswer, XfrmPolicy
from podnet_lab.model.firewall import firewall_rules


def route_answer(fields: dict[str, Any]) -> RouteAnswer:
    """The kernel's answer to one `RouteQuery`."""
    addresses = {name: IPv4Address(fields[name]) for name in ("via", "source") if fields.get(name)}
    return RouteAnswer(**{**fields, "via": None, "source": None, **addresses}) if "kind" in fields else RouteAnswer(fields["error"])


def close_look(fields: dict[str, Any]) -> CloseLook:
    """A namespace, as `podnet_lab.kernel.close_look` described it."""
    addresses6: dict[str, tuple[str, ...]] = {}
    for dev, address in fields["addresses6"]:
        addresses6[dev] = (*addresses6.get(dev, ()), address)
    xfrm = fields["xfrm"]
    return CloseLook(
        {name: _device(device) for name, device in fields["devices"].items()},
        fields["settings"],
        tuple(map(_policy, xfrm["policies"])),
        xfrm["default"],
        _listeners(fields["listeners"]),
        tuple((dev, IPv4Address(address)) for dev, address in fields["proxied"]),
        addresses6,
        tuple(map(tuple, fields["neighbours6"])),
        firewall_rules(fields["firewall"]),
        tuple(words for words in (*fields["unreadable"], xfrm["unreadable"]) if words),
    )


def _device(fields: dict[str, Any]) -> DeviceLook:
    queues = tuple(map(tuple, fields["queues"]))
    return DeviceLook(queues, fields["filters"], fields["xdp"], fields["promiscuous"], fields["bridge"], fields["tcx"])


def _listeners(waiting: list | None) -> tuple[Listener, ...] | None:
    return (
        None if waiting is None else tuple(Listener(protocol, IPv4Address(address), port, dev) for protocol, address, port, dev in waiting)
    )


def _policy(fields: dict[str, Any]) -> XfrmPolicy:
    return XfrmPolicy(**fields | {"source": IPv4Network(fields["source"], strict=False), "to": IPv4Network(fields["to"], strict=False)})
