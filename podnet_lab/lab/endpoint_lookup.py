"""Whom a name means: a Pod, a node, or an address. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import no_such
from podnet_lab.plan import socket_address


def endpoint(known: Mapping[str, Endpoint], name: str) -> Endpoint:
    """The Pod or node of that name, or that has that address; BadInput if there is none."""
    owner = next((candidate for candidate in known.values() if name in candidate.addresses), None)
    if owner is not None:
        return replace(owner, addresses=(name, *(address for address in owner.addresses if address != name)))
    if name not in known:
        raise BadInput(no_such("Pod or node", name, known))
    return known[name]


def endpoint_or_whoever(known: Mapping[str, Endpoint], name: str) -> Endpoint:
    """As `endpoint_or_address`; an address that several have is nobody's in particular: whoever a packet gets to is meant."""
    if sum(name in candidate.addresses for candidate in known.values()) > 1:
        return Endpoint(name, "", None, (name,))
    return endpoint_or_address(known, name)


def endpoint_or_address(known: Mapping[str, Endpoint], name: str) -> Endpoint:
    """A Pod or node, or an address alone, which a Service may have; BadInput if it is neither."""
    try:
        return endpoint(known, name)
    except BadInput:
        with suppress(ValueError):
            return Endpoint(name, "", None, (str(IPv4Address(name)),))
        raise


def address_and_port(text: str, known: Callable[[], Mapping[str, Endpoint]]) -> tuple[str, int]:
    """Read an address with a port; of a Pod's or node's name, of which *known* has all, BadInput says which address it has."""
    try:
        ip, port = socket_address(text)
    except BadInput as error:
        name, _, port = text.partition(":")
        named = known().get(name)
        if named is None or not named.addresses:
            raise
        ip = named.addresses[0]
        raise BadInput(f"{error}; {name} has the address {ip}: {f'{ip}:{port}' if port else f'{ip}:8080, say'}") from None
    return str(ip), port
