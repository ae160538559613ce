"""What must be true of the tunnel of a node of Calico's in VXLAN mode. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.checks.check import Check, Checks
from podnet_lab.devices.roles import tunnel_of, uplink
from podnet_lab.model import Cluster, Snapshot
from podnet_lab.model.route import FELIX
from podnet_lab.networks.calico import names
from podnet_lab.networks.calico.checks import blocks_of, own_blocks


def tunnel(node: Snapshot) -> Checks:
    """The node's blocks are thrown away, and its end of the tunnel is as Felix makes it, up, with one address of /32 from a block."""
    link, found = tunnel_of(node), list(own_blocks(node, FELIX))
    if link is None:
        return Checks([*found, Check(f"{node.node} has a tunnel", "it has no vxlan interface")])
    up = uplink(node)
    own = node.own.addresses_of(up.name)[0].ip if up and node.own.addresses_of(up.name) else None
    wanted = {"vni": names.VNI, "local": str(own), "dev": up and up.name, "port": names.PORT, "learning": False}
    wrong = [f"its {key} is {link.setting(key)}, not {value}" for key, value in wanted.items() if link.setting(key) != value]
    wrong += [f"its MTU is {link.mtu}"] if link.mtu != names.TUNNEL_MTU else []
    has = node.own.addresses_of(link.name)
    near = len(has) == 1 and has[0].network.prefixlen == 32 and any(has[0].ip in block for block in blocks_of(node))
    claim = f"{node.node}'s tunnel"
    made = f"{claim} has VNI {names.VNI}, port {names.PORT}, its node's address, no learning, MTU {names.TUNNEL_MTU}"
    return Checks(
        [
            *found,
            Check(f"{node.node} has a tunnel"),
            Check(made, "; ".join(wrong) or None),
            Check(f"{claim} is up", None if link.up else f"{link.name} is down"),
            Check(
                f"{claim} has one address, of a block of its own, with /32",
                None if near else f"{link.name} has {', '.join(map(str, has)) or 'none'}",
            ),
        ]
    )


def peers(node: Snapshot, cluster: Cluster) -> Checks:
    """For each other node a neighbour, a forwarding entry, and a route to each block, with that node's real MAC and address; no more."""
    link, others = tunnel_of(node), [other for name, other in cluster.items() if name != node.node]
    if link is None:
        return tunnel(node)
    found = [check for other in others for check in _peer(node, other)]
    counts = {
        "neighbours": sum(entry.dev == link.name and entry.state == "PERMANENT" for entry in node.own.neighbours),
        "forwarding entries": sum(entry.dev == link.name and entry.remote is not None for entry in node.own.fdb),
    }
    more = [f"it has {count} {what}" for what, count in counts.items() if count > len(others)]
    learnt = [entry.mac for entry in node.own.fdb if entry.dev == link.name and not entry.permanent]
    more += [f"it has learnt {learnt[0]}"] if learnt else []
    return Checks([*found, Check(f"{node.node} has one of each for each other node, and has learnt nothing", "; ".join(more) or None)])


def _peer(node: Snapshot, other: Snapshot) -> Iterator[Check]:
    link, far, up = tunnel_of(node), tunnel_of(other), uplink(other)
    claim = f"{node.node} knows the tunnel of {other.node}"
    has = other.own.addresses_of(far.name) if far else ()
    if link is None or not has:
        yield Check(claim, f"{other.node} has no tunnel with an address" if link else f"{node.node} has no tunnel")
        return
    gateway = has[0].ip
    macs = [entry.mac for entry in node.own.neighbours if (entry.dev, entry.address, entry.state) == (link.name, gateway, "PERMANENT")]
    yield Check(
        f"{claim}: the MAC of {gateway}", None if macs == [far.mac] else f"it has {macs[0]}, not {far.mac}" if macs else "it has none"
    )
    hosts = [entry.remote for entry in node.own.fdb if (entry.dev, entry.mac) == (link.name, far.mac) and entry.permanent]
    at = [address.ip for address in (other.own.addresses_of(up.name) if up else ())]
    said = f"it looks for it at {hosts[0]}" if hosts else "it has no forwarding entry for it"
    yield Check(f"{claim}: the host that has {far.mac}", None if hosts and hosts[0] in at else said)
    for block in blocks_of(other):
        routes = node.own.routes_to(block)
        right = bool(routes) and (routes[0].via, routes[0].dev, routes[0].onlink) == (gateway, link.name, True)
        yield Check(f"{claim}: the route to {block}", None if right else f"it has {routes[0]}" if routes else "it has none")
