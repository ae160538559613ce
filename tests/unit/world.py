"""Clusters as snapshots, wired, changed and compared without a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

from toy import NEW_CONF, Kernel, lo

from podnet_lab import recipes
from podnet_lab.checks.reachability import Endpoint
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.roles import pod_addresses
from podnet_lab.devices.veth import steps as veth
from podnet_lab.model import Address, Ipv4Conf, Link, Namespace, Route, Snapshot
from podnet_lab.plan import Node, Plan
from podnet_lab.recipes.net_effect import needed
from podnet_lab.steps import address, forwarding, namespace, route
from podnet_lab.steps.base import Step

Cluster = dict[str, Snapshot]


def bare(name: str = "node1", external: str = "192.168.1.11/24") -> Snapshot:
    """A node as a lab makes it: a loopback, and an uplink whose other end is out of sight."""
    at = IPv4Interface(external)
    mac = f"02:00:{at.ip.packed.hex(':')}"
    links = {"lo": lo(up=True), "eth0": Link("eth0", "veth", True, mac=mac, index=2)}
    addresses = (Address("lo", IPv4Interface("127.0.0.1/8")), Address("eth0", at))
    conf = {**NEW_CONF, "eth0": Ipv4Conf(False)}
    return Snapshot(name, {None: Namespace(None, links, addresses, (Route(at.network, dev="eth0", kernel=True),), conf=conf)})


def bare_node(node: Node) -> Snapshot:
    """A planned node before the first stage."""
    return bare(node.name, str(node.external))


def do(was: Snapshot, *steps: Step) -> Snapshot:
    """What the node is after *steps*; OSError where the kernel refuses one."""
    kernel = Kernel(was)
    for step in steps:
        for request in step.requests():
            kernel.do(*request)
    return kernel.snapshot()


def follow(was: Snapshot, *steps: Step) -> Snapshot:
    """As `do`, but as a careful person would: a step that holds already is not done again."""
    for step in steps:
        was = was if step.contradiction(was) is None else do(was, step)
    return was


def wired(plan: Plan) -> Cluster:
    """The whole cluster, wired by the recipe."""
    return {node.name: do(bare_node(node), *recipes.node(node, plan)) for node in plan.nodes}


def staged(plan: Plan, stage: str) -> Cluster:
    """The cluster as it is before *stage* of the lesson; "done" is after all."""
    before = recipes.before(stage, plan)
    return {node.name: do(bare_node(node), *before[node.name]) for node in plan.nodes}


def foreign() -> Cluster:
    """Two nodes wired by somebody else: bridge br0, namespaces con1 and con2, 172.16.N.0/24, and other addresses."""
    cluster = {}
    for n, other in ((1, 2), (2, 1)):
        steps: list[Step] = [bridge.add("br0"), link.up("br0"), address.add(f"172.16.{n}.254/24", dev="br0"), forwarding.on()]
        for host in (1, 2):
            name, end = f"con{n}{host}", f"vb{host}"
            steps += [namespace.add(name), veth.add(end, peer="eth0", peer_namespace=name), veth.plug(end, into="br0"), link.up(end)]
            steps += [address.add(f"172.16.{n}.{host}/24", dev="eth0", namespace=name)]
            steps += [link.up("eth0", namespace=name), link.up("lo", namespace=name)]
            steps += [route.add("default", via=f"172.16.{n}.254", namespace=name)]
        steps.append(route.add(f"172.16.{other}.0/24", via=f"10.0.0.{other}"))
        cluster[f"host{n}"] = do(bare(f"host{n}", f"10.0.0.{n}/8"), *steps)
    return cluster


def change(cluster: Cluster, node: str, *steps: Step) -> Cluster:
    """The cluster after *steps* on one node."""
    return {**cluster, node: do(cluster[node], *steps)}


def with_space(node: Snapshot, name: str | None, **fields: object) -> Snapshot:
    """The node with some fields of one namespace replaced, whatever a kernel would think of it."""
    return replace(node, spaces={**node.spaces, name: replace(node.spaces[name], **fields)})


def with_link(node: Snapshot, namespace: str | None, name: str, **fields: object) -> Snapshot:
    """The node with some fields of one interface replaced."""
    links = node.spaces[namespace].links
    return with_space(node, namespace, links={**links, name: replace(links[name], **fields)})


def without_route(node: Snapshot, namespace: str | None, to: str) -> Snapshot:
    """The node less one route ("default" for the default route)."""
    wanted = "0.0.0.0/0" if to == "default" else to
    return with_space(node, namespace, routes=tuple(one for one in node.spaces[namespace].routes if str(one.to) != wanted))


def plain(node: Snapshot) -> dict:
    """What is compared of a node: all that steps can change, but indexes and MACs (new each time) and lo's own address."""
    return {"processes": set(node.processes)} | {
        name: {
            "links": {dev: replace(link, index=0, mac="", carrier=False) for dev, link in space.links.items()},
            "addresses": {(one.dev, one.interface) for one in space.addresses if not one.interface.is_loopback},
            "routes": set(space.routes),
            "neighbours": {one for one in space.neighbours if one.state == "PERMANENT"},
            "conf": dict(space.conf),
        }
        for name, space in node.spaces.items()
    }


def bring_back(now: Snapshot, then: Snapshot, restore, passes: int) -> Snapshot:
    """What `lab.run_steps.bring_back` does: looks again until nothing is left; a step that the kernel refuses is left to the next look."""
    for _ in range(passes):
        for step in restore(now, then):
            try:
                now = do(now, step)
            except OSError:
                continue
    return now


def endpoints(cluster: Cluster) -> dict[str, Endpoint]:
    """Every Pod of the cluster, by name."""
    return {
        pod.name: Endpoint(pod.name, name, pod.name, tuple(str(one.ip) for one in pod_addresses(pod)))
        for name, node in cluster.items()
        for pod in node.pods
    }


def claims(pairs: Sequence[tuple[Step, Step | None]], now: Snapshot) -> list[str]:
    """What of a recipe's claims is contradicted."""
    return [f"{step.command}: {wrong}" for step, left in pairs if left and (wrong := left.contradiction(now)) is not None]


def ip(text: str) -> IPv4Address:
    return IPv4Address(text)


def run(before, steps):
    """What `lab.run_steps.run_steps` does on a node: the steps that have work to do."""
    return do(before, *(step for step, does in zip(steps, needed(steps, before), strict=True) if does))
