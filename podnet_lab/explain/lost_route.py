"""
Where a node has no route of its own to a Pod, and a default route, or a blackhole, takes what is for it: why. Pure.

Of a node's own Pods the route goes out of their cables; of other nodes' it is what somebody tells the kernel: a person, or BIRD.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from podnet_lab.devices.roles import bridge_of, pod_addresses, pod_subnets, routed_pod
from podnet_lab.explain import bgp, causes_l3, causes_routed
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.model import DEFAULT, Cluster, Route, Snapshot
from podnet_lab.model.route import BIRD
from podnet_lab.model.route_lookup import lookup_route

if TYPE_CHECKING:
    from podnet_lab.explain.path import PathWalk


def lost_route(walk: PathWalk, place: Place) -> Cause | None:
    """Why a node has no route to where a walk's packet goes; None if it has one, or nothing is known of who should give it."""
    if place[1] is not None or bridge_of(walk.cluster[place[0]]) is not None:
        return None
    node, to = walk.cluster[place[0]], walk.flow.to
    choice = lookup_route(node.own, to, walk.flow.source or IPv4Address(0))
    taken = None if choice.after_main else choice.route  # VMs have such a rule, before a default route of Vagrant's
    if choice.unsure or (taken is not None and choice.rule is not None and choice.rule.kind != "lookup"):
        return None
    if (own := routed_pod(node, to)) is not None:
        right = taken is not None and (taken.dev, taken.kind) == (own[1].name, "unicast")
        return None if right else causes_routed.no_pod_route(place, node.own, *own, to, taken)
    if taken is None or _leads_nowhere(taken):
        return _to_other_node(walk, place, to, taken)
    return None


def _leads_nowhere(taken: Route) -> bool:
    """Whether a route stands for having none: the default route of a node without a way out, or what BIRD has no way for."""
    if taken.kind == "unicast":
        return taken.to == DEFAULT and taken.via is None
    return taken.protocol == BIRD


def _to_other_node(walk: PathWalk, place: Place, to: IPv4Address, taken: Route | None) -> Cause | None:
    found = behind_node(walk.cluster, to, place[0])
    if found is None:
        return None
    owner, subnet = found
    default = taken if taken is not None and taken.to == DEFAULT else None
    takes = f"; what is for it takes {default}, which leads nowhere" if default is not None else ""
    lost = causes_l3.no_route(walk.cluster, place, walk.cluster[place[0]].own, to).suffixed(takes)
    if lost.layer != "route":  # what its routes went with
        return lost
    if (untaught := bgp.why_no_route(walk, place[0], owner, subnet)) is not None:
        return untaught
    return lost


def behind_node(cluster: Cluster, to: IPv4Address, but: str) -> tuple[str, IPv4Network] | None:
    """The node, other than *but*, whose Pods' block has an address, or who has a Pod with it; and that block, or address."""
    for name, node in cluster.items():
        subnet = next((subnet for subnet in pod_subnets(node) if to in subnet), None) if name != but else None
        if subnet is not None:
            return name, subnet
    owner = next((name for name, node in cluster.items() if name != but and _has_pod(node, to)), None)
    return None if owner is None else (owner, IPv4Network(to))


def _has_pod(node: Snapshot, to: IPv4Address) -> bool:
    return any(own.ip == to for pod in node.pods for own in pod_addresses(pod))


def own_route_to_source(walk: PathWalk, place: Place, iif: str, cause: Cause) -> Cause:
    """*cause*, why a packet that came in by *iif* is dropped for want of a way back; or what is missing, if a Pod is there that sends."""
    node, source = walk.cluster[place[0]], walk.flow.source
    own = routed_pod(node, source) if place[1] is None and cause.layer == "route" and source is not None else None
    if own is None or own[1].name != iif:
        return cause
    taken = lookup_route(node.own, source).route
    lost = causes_routed.no_pod_route(place, node.own, *own, source, taken)
    return lost.prefixed(f"what comes from {source} is dropped, for the answer would not leave by {iif}: ")
