"""Sessions between nodes' BIRDs on the picture: a dotted line on the external network, and a line of words at each node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from podnet_lab.devices.roles import uplink
from podnet_lab.model import Snapshot
from podnet_lab.show.canvas import Canvas
from podnet_lab.show.trace_overlay import Anchors

LANE, LANES = 5, 3
"""How far apart two lines lie, and how many there are: one of all sessions that are there, the others of those that are not."""


def spoken(cluster: Mapping[str, Snapshot], before: Mapping[str, Snapshot]) -> bool:
    """Whether BGP is spoken in a cluster, or was *before*: then a node without a BIRD lacks one."""
    return any(node.bgp is not None for node in (*cluster.values(), *before.values()))


def told(cluster: Mapping[str, Snapshot], before: Mapping[str, Snapshot]) -> list[str]:
    """A line for each node that lacks a BIRD."""
    return [f"{name} runs no BIRD, and others do" for name, node in cluster.items() if node.bgp is None] if spoken(cluster, before) else []


def words(node: Snapshot) -> str:
    """What is said of a node's sessions, in a cluster in which BGP is spoken."""
    if node.bgp is None:
        return "BGP: BIRD does not run here"
    if node.bgp.problem:
        return "BGP: BIRD says nothing"
    there = sum(session.established for session in node.bgp.sessions)
    return f"BGP: {there} of {len(node.bgp.sessions)} sessions"


def all_there(node: Snapshot) -> bool:
    """Whether all sessions of a node's BIRD are established."""
    return node.bgp is not None and not node.bgp.problem and all(session.established for session in node.bgp.sessions)


def _pairs(cluster: Mapping[str, Snapshot]) -> Iterator[tuple[str, str, bool]]:
    """(node, other node, whether both sides say so) of each session between two nodes that are there."""
    owners = {own.ip: name for name, node in cluster.items() if (up := uplink(node)) for own in node.own.addresses_of(up.name)}
    said: dict[tuple[str, str], bool] = {}
    for name, node in cluster.items():
        for session in node.bgp.sessions if node.bgp else ():
            if (other := owners.get(session.neighbour)) is not None and other != name:
                pair = (min(name, other), max(name, other))
                said[pair] = said.get(pair, True) and session.established
    yield from ((*pair, there) for pair, there in said.items())


def draw(canvas: Canvas, anchors: Anchors, cluster: Mapping[str, Snapshot], bottom: float) -> None:
    """Draw the sessions on the external network, a bar that ends at *bottom*, from where each node's cable comes to it."""
    at = {
        name: anchors[name, None, up.name][0] for name, node in cluster.items() if (up := uplink(node)) and (name, None, up.name) in anchors
    }
    pairs = [pair for pair in _pairs(cluster) if pair[0] in at and pair[1] in at]
    joined = [at[name] for *both, there in pairs if there for name in both]
    lanes = [((min(joined), max(joined)), "line")] if joined else []
    lanes += [((at[one], at[other]), "wrong") for one, other, there in pairs if not there]
    for number, ((begin, end), colour) in enumerate(lanes[:LANES]):
        y = bottom - LANE * (number + 1)
        canvas.dotted([(begin, bottom), (begin, y), (end, y), (end, bottom)], colour)
