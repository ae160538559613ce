"""
Single faults of a tunnel between nodes (VXLAN), as a person would make them, here and there; a network that has one adds them.

Pure: a catalogue. A tunnel is found by structure, whatever it is called (`podnet_lab.explain.tunnel_end`). What is no fault is not
here: a route, or a neighbour, that leads to the tunnel of a third node cuts nobody off, for that node passes the packet on.
"""

from __future__ import annotations

from podnet_lab.explain.fault import BIG, Fault
from podnet_lab.explain.fault_places import FaultPlaces
from podnet_lab.explain.tunnel_end import TunnelEnd
from podnet_lab.steps.neighbour import AddNeighbour

STRANGER = "02:00:00:00:00:99"
"""A MAC that nobody has."""

_BRIDGE, _NFT = ("bridge",), ("nft",)


def _tunnels(places: FaultPlaces) -> bool:
    return all(node.tunnel is not None and node.tunnel.gateway for node in (places.node, places.other_node))


def _three_nodes(places: FaultPlaces) -> bool:
    return places.third is not None


def _remade(end: TunnelEnd, **settings: int) -> str:
    return "; ".join(step.command for step in end.remade(**settings))


def _entry(verb: str, places: FaultPlaces, rest: str) -> str:
    return f"bridge fdb {verb} {places.other_node.tunnel.mac} dev {places.node.tunnel.dev} {rest}"


def _moved(places: FaultPlaces) -> str:
    """The other end's forwarding entry, leading to a third node, as one is left behind that was once learnt."""
    end = places.node.tunnel
    forget = _entry("del", places, f"dst {places.other_node.tunnel.host}")
    learn = _entry("append", places, f"dst {places.third.external.ip} self dynamic")
    return f"ip link set dev {end.dev} type vxlan learning; {forget}; {learn}"


def _neighbour(places: FaultPlaces, mac: str) -> str:
    return f"ip neigh replace {places.other_node.tunnel.gateway} lladdr {mac} dev {places.node.tunnel.dev} nud permanent"


def _other_mac(end: TunnelEnd, mac: str) -> str:
    """Another MAC, as after a restart that drew one: the end has written its neighbours anew, and the others know nothing of it."""
    own = end.node.own.neighbours
    near = [AddNeighbour(one.address, end.dev, one.mac).command for one in own if (one.dev, one.state) == (end.dev, "PERMANENT")]
    return "; ".join([f"ip link set dev {end.dev} address {mac}", *near])


def _drop(hook: str, port: int) -> str:
    chain = f"nft add table ip broken; nft 'add chain ip broken c {{ type filter hook {hook} priority 0 ; }}'"
    return f"{chain}; nft add rule ip broken c udp dport {port} drop"


def _way(places: FaultPlaces, rest: str) -> str:
    return f"ip route replace {places.other_node.subnet} {rest}"


ENDS = (
    Fault("the tunnel is down", lambda p: f"ip link set dev {p.node.tunnel.dev} down", "cable", "node"),
    Fault("the other node's tunnel is down", lambda p: f"ip link set dev {p.other_node.tunnel.dev} down", "cable", "other node", "there"),
    Fault("the tunnel is gone", lambda p: f"ip link del {p.node.tunnel.dev}", "cable", "node"),
    Fault("the other node's tunnel is gone", lambda p: f"ip link del {p.other_node.tunnel.dev}", "cable", "other node", "there"),
    Fault("the tunnel has another number", lambda p: _remade(p.node.tunnel, vni=77), "neighbour", "node"),
    Fault("the other node's tunnel has another number", lambda p: _remade(p.other_node.tunnel, vni=77), "neighbour", "other node", "there"),
    Fault("the tunnel has another port", lambda p: _remade(p.node.tunnel, port=4790), "neighbour", "node"),
    Fault(
        "the other node's tunnel has another port", lambda p: _remade(p.other_node.tunnel, port=4790), "neighbour", "other node", "there"
    ),
    Fault(
        "the tunnel sends from an address of another host",
        lambda p: f"ip link set dev {p.node.tunnel.dev} type vxlan local {p.unused_ip}",
        "address",
        "node",
    ),
    Fault(
        "the other node's tunnel sends from an address of another host",
        lambda p: f"ip link set dev {p.other_node.tunnel.dev} type vxlan local {p.unused_ip}",
        "address",
        "other node",
        "there",
    ),
    Fault("the tunnel's MTU is too small", lambda p: f"ip link set dev {p.node.tunnel.dev} mtu 1300", "cable", "node", size=BIG),
)
"""What is wrong with an end of the tunnel."""

ENTRIES = (
    Fault(
        "a forwarding entry is missing", lambda p: _entry("del", p, f"dst {p.other_node.tunnel.host}"), "neighbour", "node", needs=_BRIDGE
    ),
    Fault(
        "the other node has no forwarding entry for the way back",
        lambda p: f"bridge fdb del {p.node.tunnel.mac} dev {p.other_node.tunnel.dev} dst {p.node.tunnel.host}",
        "neighbour",
        "other node",
        "there",
        needs=_BRIDGE,
    ),
    Fault(
        "a forwarding entry leads to a wrong node",
        lambda p: _entry("replace", p, f"dst {p.third.external.ip} self permanent"),
        "neighbour",
        "node",
        needs=_BRIDGE,
        wants=(_three_nodes,),
    ),
    Fault(
        "a forwarding entry leads to nobody",
        lambda p: _entry("replace", p, f"dst {p.unused_ip} self permanent"),
        "neighbour",
        "node",
        needs=_BRIDGE,
    ),
    Fault(
        "a forwarding entry is for a wrong MAC",
        lambda p: (
            f"{_entry('del', p, f'dst {p.other_node.tunnel.host}')}; "
            f"bridge fdb append {STRANGER} dev {p.node.tunnel.dev} dst {p.other_node.tunnel.host}"
        ),
        "neighbour",
        "node",
        needs=_BRIDGE,
    ),
    Fault("the tunnel learns, and has learnt what is no longer true", _moved, "neighbour", "node", needs=_BRIDGE, wants=(_three_nodes,)),
    Fault(
        "the neighbour beyond the tunnel is missing",
        lambda p: f"ip neigh del {p.other_node.tunnel.gateway} dev {p.node.tunnel.dev}",
        "neighbour",
        "node",
    ),
    Fault(
        "the other node has no neighbour for the way back",
        lambda p: f"ip neigh del {p.node.tunnel.gateway} dev {p.other_node.tunnel.dev}",
        "neighbour",
        "other node",
        "there",
    ),
    Fault("the neighbour beyond the tunnel has a wrong MAC", lambda p: _neighbour(p, STRANGER), "neighbour", "node"),
    Fault(
        "two ends of the tunnel have one MAC",
        lambda p: _other_mac(p.node.tunnel, p.other_node.tunnel.mac),
        "neighbour",
        "node",
    ),
    Fault(
        "the tunnel has a MAC that the others do not know",
        lambda p: _other_mac(p.node.tunnel, STRANGER),
        "neighbour",
        "node",
    ),
    Fault(
        "the other node's tunnel has a MAC that the others do not know",
        lambda p: _other_mac(p.other_node.tunnel, STRANGER),
        "neighbour",
        "other node",
        "there",
    ),
)
"""What is wrong with neighbours, MACs and forwarding entries."""

WAYS = (
    Fault("the route into the tunnel has no gateway", lambda p: _way(p, f"dev {p.node.tunnel.dev}"), "route", "node"),
    Fault(
        "the route into the tunnel has a gateway that nobody is",
        lambda p: _way(p, f"via {p.other_node.free} dev {p.node.tunnel.dev} onlink"),
        "address",
        "node",
    ),
    Fault(
        "the other node's way back has a gateway that nobody is",
        lambda p: f"ip route replace {p.node.subnet} via {p.node.free} dev {p.other_node.tunnel.dev} onlink",
        "address",
        "other node",
        "there",
    ),
)
"""What is wrong with the routes into the tunnel."""

FIREWALLS = (
    Fault("a firewall drops what the tunnel sends", lambda p: _drop("output", p.node.tunnel.port), "firewall", "node", needs=_NFT),
    Fault("a firewall drops what comes for the tunnel", lambda p: _drop("input", p.node.tunnel.port), "firewall", "node", needs=_NFT),
    Fault(
        "a firewall drops what comes for the other node's tunnel",
        lambda p: _drop("input", p.other_node.tunnel.port),
        "firewall",
        "other node",
        "there",
        needs=_NFT,
    ),
    Fault(
        "a firewall drops what the other node's tunnel sends",
        lambda p: _drop("output", p.other_node.tunnel.port),
        "firewall",
        "other node",
        "there",
        needs=_NFT,
    ),
)
"""What is thrown away of the tunnel's own packets."""

TUNNEL_FAULTS = tuple(Fault(**{**vars(fault), "wants": (_tunnels, *fault.wants)}) for fault in (*ENDS, *ENTRIES, *WAYS, *FIREWALLS))
"""The catalogue: each wants a tunnel at both ends."""
