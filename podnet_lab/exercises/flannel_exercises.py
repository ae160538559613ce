"""Exercises of notebook 10: a node that nobody knows yet, a tunnel with another MAC, and the way without one."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import gateways, tunnel_of, uplink
from podnet_lab.exercises.claims import Cluster, exam, reaches, straight
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.model import Link, Route, Snapshot
from podnet_lab.networks.flannel import checks, names

NETWORK = "flannel"


def _forget(lab, node: str, *others: str) -> None:
    """Take from *node* what it knows of others, in the order in which flanneld does."""
    cluster = lab.snapshot()
    for other in others:
        subnet, tunnel = lab.plan[other].subnet, tunnel_of(cluster[other])
        gateway = subnet.network_address
        lab[node].shell(
            f"ip route del {subnet}; bridge fdb del {tunnel.mac} dev {names.TUNNEL} dst {lab.plan[other].external.ip} self; "
            f"ip neigh del {gateway} dev {names.TUNNEL}"
        )


def _nobody_knows_node3(lab) -> None:
    _forget(lab, "node3", "node1", "node2")
    for other in ("node1", "node2"):
        _forget(lab, other, "node3")


def _check_newcomer(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    for node in cluster.values():
        yield from checks.tunnel(node)
        yield from checks.peers(node, cluster)
    yield reaches(lab, "pod-3-2", "pod-1-2")
    yield from exam(lab)


def _tunnels(cluster: Cluster) -> dict[str, Link]:
    return {name: tunnel for name, node in cluster.items() if (tunnel := tunnel_of(node)) is not None}


def _entries(cluster: Cluster) -> dict[str, list[str]]:
    """Which nodes each node has routes to, among those that have a tunnel."""
    known = list(_tunnels(cluster))
    return {name: [other for other in known if other != name and _routes(cluster[name], cluster[other])] for name in known}


def _one_end_alone(cluster: Cluster) -> bool:
    known = _entries(cluster)
    return any(name not in known.get(other, ()) for name, others in known.items() for other in others)


def _by_the_cable(cluster: Cluster) -> bool:
    """A route to another node's Pods that goes by the nodes' own network."""
    for name in _tunnels(cluster):
        node, up = cluster[name], uplink(cluster[name])
        others = (other for other in cluster if other != name)
        if up and any(route.dev == up.name for other in others for route in _routes(node, cluster[other])):
            return True
    return False


def _without_gateway(cluster: Cluster) -> bool:
    """A route to another node's Pods that goes into the tunnel as if they were its neighbours."""
    tunnels = _tunnels(cluster)
    ways = (route for name in tunnels for other in tunnels if other != name for route in _routes(cluster[name], cluster[other]))
    return any(route.via is None and route.dev in {link.name for link in tunnels.values()} for route in ways)


def _macs_of(node: Snapshot, dev: str) -> set[str]:
    return {entry.mac for entry in node.own.neighbours if entry.dev == dev and entry.mac and entry.state == "PERMANENT"}


def _macs_of_the_cable(cluster: Cluster) -> bool:
    cables = {link.mac for node in cluster.values() if (link := uplink(node)) is not None}
    return any(_macs_of(cluster[name], tunnel.name) & cables for name, tunnel in _tunnels(cluster).items())


NEWCOMER = Exercise(
    "flannel-1",
    "A node that nobody knows",
    "node3 has joined the cluster: it has its bridge, its Pods and its end of the tunnel, flannel.1. But it knows of no other node, "
    "and no other node knows of it.\nIntroduce them: whatever flanneld writes on each node. node1 and node2 know each other.",
    _check_newcomer,
    (
        "How many entries does a node have for each other node, and in how many places are such entries missing?",
        "`ip neigh show dev flannel.1; bridge fdb show dev flannel.1; ip route` on node1 (`%%node node1`) shows the three that it has of "
        "node2; the MAC of node3's tunnel is in `ip link show flannel.1` on node3",
        "on node1: `ip neigh add 10.244.3.0 lladdr MAC nud permanent dev flannel.1`, "
        "`bridge fdb append MAC dev flannel.1 dst 192.168.1.13`, `ip route add 10.244.3.0/24 via 10.244.3.0 dev flannel.1 onlink`, "
        "with the MAC of node3's flannel.1; the same on node2; "
        "and two times three on node3",
    ),
    (
        Mistake(
            "the wrong MAC",
            _macs_of_the_cable,
            "That is the MAC of a node's eth0. Whose MAC has the frame that is *in* the tunnel?",
        ),
        Mistake(
            "past the tunnel",
            _by_the_cable,
            "That route does without the tunnel. It may work here, where all nodes are on one link; it is not what was asked for.",
        ),
        Mistake(
            "no gateway",
            _without_gateway,
            "A route into the tunnel has no gateway. For which address does a node then want a MAC, and for which one has it an entry?",
        ),
        Mistake(
            "one end alone",
            _one_end_alone,
            "One of the two knows the other by now. How does the answer come back?",
        ),
    ),
    start="done",
    prepare=_nobody_knows_node3,
    needs=("bridge",),
    network=NETWORK,
)


NEW_MAC = "02:3a:3a:3a:3a:3a"


def _another_mac(lab) -> None:
    """Give node3's tunnel another MAC; with that the kernel forgets the neighbours there (neigh_changeaddr), which are written anew."""
    typed = [f"ip link set dev {names.TUNNEL} address {NEW_MAC}"]
    for entry in lab.snapshot("node3")["node3"].own.neighbours:
        if entry.dev == names.TUNNEL and entry.state == "PERMANENT":
            typed.append(f"ip neigh replace {entry.address} lladdr {entry.mac} nud permanent dev {names.TUNNEL}")
    lab["node3"].shell("; ".join(typed))


def _check_another_mac(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    node3 = tunnel_of(cluster["node3"])
    yield Check(
        "node3's tunnel keeps its new MAC", None if node3 and node3.mac == NEW_MAC else f"it has {node3.mac if node3 else 'no tunnel'}"
    )
    for node in cluster.values():
        yield from checks.peers(node, cluster)
    yield reaches(lab, "pod-1-2", "pod-3-2")
    yield from exam(lab)


def _where_it_is(cluster: Cluster) -> set[tuple[bool, bool]]:
    """For each node with a tunnel, whether the new MAC is among its neighbours, and whether its forwarding table has it."""
    found = set()
    for name, tunnel in _tunnels(cluster).items():
        table = {entry.mac for entry in cluster[name].own.fdb if entry.dev == tunnel.name and entry.remote is not None}
        found.add((NEW_MAC in _macs_of(cluster[name], tunnel.name), NEW_MAC in table))
    return found


def _both_macs(cluster: Cluster) -> bool:
    """Whether a node sends what is for two MACs to node3."""
    tunnels = _tunnels(cluster)
    known = {tunnel.mac for tunnel in tunnels.values()}
    tables = {name: {one.mac for one in cluster[name].own.fdb if one.dev == tunnel.name and one.remote} for name, tunnel in tunnels.items()}
    return any(NEW_MAC in table and table - known for table in tables.values())


ANOTHER_MAC = Exercise(
    "flannel-2",
    "The tunnel has another MAC",
    f"node3 was started anew, and its flannel.1 has another MAC since: {NEW_MAC}. Its flanneld has published it; those of node1 and node2 "
    "do not run.\nDo their work. node3 stays as it is, and nothing of the old MAC is left.",
    _check_another_mac,
    (
        "In which two tables of a node is the MAC of another node's tunnel? Which of them says who, which where?",
        "`ip neigh show dev flannel.1` and `bridge fdb show dev flannel.1`, on node1 and on node2",
        f"on node1 and node2: `ip neigh replace 10.244.3.0 lladdr {NEW_MAC} nud permanent dev flannel.1`, `bridge fdb append {NEW_MAC} dev "
        "flannel.1 dst 192.168.1.13`, and `bridge fdb del MAC dev flannel.1 dst 192.168.1.13` with the MAC that it was",
    ),
    (
        Mistake(
            "the neighbour alone",
            lambda cluster: (True, False) in _where_it_is(cluster),
            "The frame has the right MAC by now. To which host does the tunnel send what is for that MAC?",
        ),
        Mistake(
            "the table alone",
            lambda cluster: (False, True) in _where_it_is(cluster),
            "The tunnel would find that MAC. But which MAC do frames for 10.244.3.0 still get?",
        ),
        Mistake(
            "the old one is left",
            _both_macs,
            "The new MAC is in both tables. What does the forwarding table say of the one that it was?",
        ),
    ),
    start="done",
    prepare=_another_mac,
    needs=("bridge",),
    network=NETWORK,
)


_PAIR = (("node1", "node2"), ("node2", "node1"))


def _routes(node: Snapshot, other: Snapshot) -> list[Route]:
    """The routes of *node* to the Pods of another."""
    return [route for gateway in gateways(other) for route in node.own.routes_to(gateway.network)]


def _by_the_link(node: Snapshot, other: Snapshot) -> Check:
    up, routes = uplink(node), _routes(node, other)
    right = up is not None and routes and all(route.dev == up.name for route in routes)
    said = f"it goes by {routes[0].dev or routes[0]}" if routes else "it has no route to them"
    return Check(f"{node.node} sends what is for {other.node}'s Pods without a tunnel", None if right else said)


def _check_direct(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    for here, there in _PAIR:
        yield _by_the_link(cluster[here], cluster[there])
        yield from straight(cluster, here, there)
        yield from _left_over(cluster, here, there)
    for node in ("node1", "node2"):
        yield from checks.peer(cluster[node], cluster["node3"])
        yield from checks.peer(cluster["node3"], cluster[node])
    yield reaches(lab, "pod-1-2", "pod-2-2")
    yield reaches(lab, "pod-1-2", "pod-3-2")
    yield from exam(lab)


def _left_over(cluster: Cluster, here: str, there: str) -> Iterator[Check]:
    tunnel, other = tunnel_of(cluster[here]), tunnel_of(cluster[there])
    if tunnel is None or other is None:
        yield Check("both nodes still have their tunnels", f"{here if tunnel is None else there} has none")
        return
    space = cluster[here].own
    left = ["a neighbour"] if other.mac in _macs_of(cluster[here], tunnel.name) else []
    left += ["a forwarding entry"] if any((entry.dev, entry.mac) == (tunnel.name, other.mac) for entry in space.fdb) else []
    yield Check(f"{here} has nothing left of {there}'s tunnel", f"there is still {' and '.join(left)}" if left else None)


def _one_way(cluster: Cluster) -> bool:
    ways = []
    for here, there in _PAIR:
        tunnel, routes = tunnel_of(cluster[here]), _routes(cluster[here], cluster[there])
        ways.append(bool(routes and tunnel and routes[0].dev == tunnel.name))
    return ways[0] != ways[1]


def _everybody(cluster: Cluster) -> bool:
    tunnels = _tunnels(cluster)
    routes = [route for name, tunnel in tunnels.items() for route in cluster[name].own.routes if route.dev == tunnel.name]
    return bool(tunnels) and not any(route.via for route in routes)


DIRECT = Exercise(
    "flannel-3",
    "Without the tunnel, where it is not needed",
    "node1 and node2 are on one link. Let what their Pods send each other go without the tunnel, as flanneld does with its option "
    "DirectRouting: 50 bytes less for each packet.\n"
    "node3 stays behind the tunnel, for both. Of what is not needed any more nothing is left.",
    _check_direct,
    (
        "What did the lesson's network have between two nodes? And what has this one beside the route?",
        "`ip route`, `ip neigh show dev flannel.1`, `bridge fdb show dev flannel.1` on node1; then the same on node2",
        "on node1: `ip route replace 10.244.2.0/24 via 192.168.1.12`, `ip neigh del 10.244.2.0 dev flannel.1`, and `bridge fdb del MAC dev "
        "flannel.1 dst 192.168.1.12`, with the MAC that the table has; and node2 likewise",
    ),
    (
        Mistake("one way alone", _one_way, "What goes there takes another way than what comes back. Which node still uses its tunnel?"),
        Mistake("all of them", _everybody, "node3 was to stay behind the tunnel: not all that is said of two nodes holds for three."),
    ),
    start="done",
    needs=("bridge",),
    network=NETWORK,
)

EXERCISES = (NEWCOMER, ANOTHER_MAC, DIRECT)
