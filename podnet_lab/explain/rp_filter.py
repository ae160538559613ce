"""
Source validation: martian sources, and the reverse-path filter (rp_filter).

Pure. Source: fib_validate_source in the kernel's net/ipv4/fib_frontend.c, which judges received packets and ARP requests.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.explain import causes_l3
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.model import Namespace
from podnet_lab.model.route_lookup import is_own, lookup_route


def fails_rp_filter(place: Place, space: Namespace, sender: IPv4Address, to: IPv4Address, iif: str, oif: str = "") -> Cause | None:
    """Why a packet from *sender* that came in by *iif* is dropped; None if its source address is accepted."""
    if is_own(space, sender):
        return causes_l3.martian_source(place, sender, space.own_address(sender))
    # The stricter of "all" and the interface's own holds; 2 is loose: any way back will do.
    strictness = max((space.conf[dev].rp_filter for dev in ("all", iif) if dev in space.conf), default=0)
    if strictness == 0:
        return None
    route = lookup_route(space, sender, to, oif).route
    if route is not None and route.kind == "unicast":
        # An interface without an address has no way back of its own, and then loose is strict.
        if route.dev in (iif, None) or (strictness == 2 and space.addresses_of(iif)):
            return None
        if strictness == 2:
            return causes_l3.reverse_path_filter(place, iif, sender, f"{iif} has no address (rp_filter is loose)")
    why = "its own way there is another (rp_filter is strict)" if strictness == 1 else "it has no way there at all (rp_filter is loose)"
    return causes_l3.reverse_path_filter(place, iif, sender, why)
