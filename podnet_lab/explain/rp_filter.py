"""
Whether the kernel takes a packet's sender for a true one: its own addresses, and the reverse-path filter.

Pure. Source: fib_validate_source in the kernel's net/ipv4/fib_frontend.c; it is asked for what comes in, and for who asks by ARP.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.explain import causes_l3
from podnet_lab.explain.cause import Obstacle, Place
from podnet_lab.model import Namespace
from podnet_lab.model.route_lookup import choose, is_own


def disbelieved(place: Place, space: Namespace, sender: IPv4Address, to: IPv4Address, came_in: str, goes_out: str = "") -> Obstacle | None:
    """Why a packet of *sender* that came in by an interface is thrown away; None if it is believed."""
    if is_own(space, sender):
        return causes_l3.own_source(place, sender)
    # The stricter of "all" and the interface's own holds; 2 is loose: any way back will do.
    strictness = max((space.conf[dev].rp_filter for dev in ("all", came_in) if dev in space.conf), default=0)
    if strictness == 0:
        return None
    route = choose(space, sender, to, goes_out).route
    if route is not None and route.kind == "unicast":
        # An interface without an address has no way back of its own, and then loose is strict.
        if route.dev in (came_in, None) or (strictness == 2 and space.addresses_of(came_in)):
            return None
        if strictness == 2:
            return causes_l3.reverse_path(place, came_in, sender, f"{came_in} has no address (rp_filter is loose)")
    why = "its own way there is another (rp_filter is strict)" if strictness == 1 else "it has no way there at all (rp_filter is loose)"
    return causes_l3.reverse_path(place, came_in, sender, why)
