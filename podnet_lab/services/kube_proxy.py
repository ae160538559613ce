"""
Services: an address and a port that stand for several Pods, as kube-proxy makes them with nftables.

Pure: what a Service is, and the steps that make it on a node. Chains, maps and their names follow kube-proxy's nftables
mode (kubernetes/kubernetes, pkg/proxy/nftables); what is left out of it is said in docs/decisions/0009.

    packet to 10.96.0.20:80 ─ nat-prerouting ─ services ─ service-web/tcp/80 ─ endpoint-web/tcp/80/10.244.2.2/8080
                              (a node's own:             (a map)            (one is drawn)      (the address is rewritten)
                               nat-output)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address

from podnet_lab.errors import BadInput
from podnet_lab.model.nftables import Ruleset
from podnet_lab.plan import POD_NETWORK, Node, Plan
from podnet_lab.services.service import RANGE, Service
from podnet_lab.steps import route
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft import statements as stmt
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.base import FAMILY, TABLE, Nft

REJECT = "reject-chain"


def base(node: Node) -> list[Step]:
    """
    What a node needs before its first Service: a route, and the table with its maps, chains and rules.

    The route is for packets that the node itself sends: it looks for a route before the address is rewritten.
    """
    return [
        route.add(str(RANGE), dev=node.bridge),
        nft.table(),
        nft.verdict_map("service-ips"),
        nft.verdict_map("no-endpoint-services"),
        nft.verdict_map("service-nodeports", by="port"),
        nft.verdict_map("no-endpoint-nodeports", by="port"),
        *_chain("mark-for-masquerade", [stmt.mark()]),
        *_chain(REJECT, [stmt.reject()]),
        *_chain(
            "services",
            [stmt.look_up("service-ips")],
            [stmt.destination(node.external.ip), stmt.look_up("service-nodeports", address=False)],
        ),
        *_chain("nat-prerouting", [stmt.jump("services")], hook="prerouting"),
        *_chain("nat-output", [stmt.jump("services")], hook="output"),
        *_chain("nat-postrouting", [stmt.marked(), stmt.masquerade()], same_node(node), hook="postrouting"),
        *_chain("service-endpoints-check", [stmt.look_up("no-endpoint-services")]),
        *(
            step
            for hook in ("forward", "output")
            for step in _chain(f"filter-{hook}", [stmt.new(), stmt.jump("service-endpoints-check")], hook=hook, does="filter")
        ),
        *_chain(
            "filter-input",
            [stmt.new(), stmt.destination(node.external.ip), stmt.look_up("no-endpoint-nodeports", address=False)],
            hook="input",
            does="filter",
        ),
    ]


def same_node(node: Node) -> list[stmt.Statement]:
    """Masquerade what goes from Pod to Pod of a node by way of a Service: the reply would go past the node's connection tracking."""
    return [stmt.source(node.subnet), stmt.destination(node.subnet), stmt.translated(), stmt.masquerade()]


def _chain(name: str, *rules: Sequence[stmt.Statement], **hook: str) -> list[Step]:
    return [nft.chain(name, **hook), *(nft.rule(name, *rule) for rule in rules)]


def chains(service: Service, node: Node) -> Nft:
    """A Service's chains on a node, as one transaction; nothing leads to them before its `elements`."""
    made: list[Nft] = []
    for endpoint in service.endpoints:
        name = service.endpoint_chain(endpoint)
        sticky = service.affinity_set(endpoint)
        made += [nft.address_set(sticky, service.affinity)] if service.affinity else []
        keep = [[stmt.remember(sticky)]] if service.affinity else []
        hairpin = [stmt.source(endpoint[0]), stmt.jump("mark-for-masquerade")]
        made += [nft.chain(name), nft.set_rules(name, [hairpin, *keep, [stmt.protocol(service.protocol), stmt.dnat(*endpoint)]])]
    made += [nft.chain(service.chain), nft.set_rules(service.chain, [_from_outside(service), *_load_balancing(service, service.endpoints)])]
    if service.node_port:
        made += [nft.chain(f"external-{service.path}"), nft.set_rules(f"external-{service.path}", _node_port_rules(service, node))]
    return nft.transaction(made, f"{service.chain} leads to {len(service.endpoints)} Pod{'s' if len(service.endpoints) != 1 else ''}")


def _from_outside(service: Service) -> list[stmt.Statement]:
    """Masquerade what clients outside the cluster send to the Service's own address: replies come back by way of this node."""
    return [stmt.destination(service.ip), stmt.source(POD_NETWORK, negate=True), stmt.jump("mark-for-masquerade")]


def _load_balancing(service: Service, endpoints: Sequence[tuple[IPv4Address, int]]) -> list[list[stmt.Statement]]:
    names = [service.endpoint_chain(endpoint) for endpoint in endpoints]
    known = [[stmt.remembered(service.affinity_set(endpoint)), stmt.goto(name)] for endpoint, name in zip(endpoints, names, strict=True)]
    return [*(known if service.affinity else []), [stmt.spread(names)]] if names else []


def _node_port_rules(service: Service, node: Node) -> list[list[stmt.Statement]]:
    if not service.local:
        return [[stmt.jump("mark-for-masquerade")], [stmt.goto(service.chain)]]
    here = [endpoint for endpoint in service.endpoints if endpoint[0] in node.subnet]
    near = [
        [stmt.source(POD_NETWORK), stmt.goto(service.chain)],
        [stmt.from_here(), stmt.jump("mark-for-masquerade")],
        [stmt.from_here(), stmt.goto(service.chain)],
    ]
    return [*near, *(_load_balancing(service, here) or [[stmt.drop()]])]


def elements(service: Service) -> list[Step]:
    """The maps' elements that switch a Service on: they lead to its chains, or, without endpoints, to a reject."""
    port = f"{service.protocol} . {service.node_port}"
    on, off = [("service-ips", service.key, service.chain)], [("no-endpoint-services", service.key, REJECT)]
    on += [("service-nodeports", port, f"external-{service.path}")] if service.node_port else []
    off += [("no-endpoint-nodeports", port, REJECT)] if service.node_port else []
    wanted, unwanted = (on, off) if service.endpoints else (off, on)
    return [
        *(nft.remove_element(name, key) for name, key, _ in unwanted),
        *(nft.element(name, key, f"goto {chain}") for name, key, chain in wanted),
    ]


def stale(services: Iterable[Service], rules: Ruleset) -> list[Step]:
    """
    Steps that remove what Services no longer need: elements for another address or port, then chains and sets.

    Open connections stay as they are. An address of a Service without endpoints leads to no chain of its own, and stays.
    """
    removals: list[Step] = []
    known = {service.path: service for service in services}
    keys = {
        (name, key)
        for service in services
        for name, key in (("service-ips", service.key), ("service-nodeports", f"{service.protocol} . {service.node_port}"))
    }
    for key, verdict in rules.objects.items():
        if key[:3] == ("element", FAMILY, TABLE) and verdict.startswith(("goto service-", "goto external-")):
            path = verdict.partition("-")[2]
            if path in known and key[3:] not in keys:
                removals.append(nft.remove_element(*key[3:]))
    wanted = {service.endpoint_chain(endpoint) for service in services for endpoint in service.endpoints}
    wanted |= {f"external-{service.path}" for service in services if service.node_port}
    wanted |= {service.affinity_set(endpoint) for service in services if service.affinity for endpoint in service.endpoints}
    for kind, prefix, parts in (("chain", "external-", 0), ("chain", "endpoint-", 2), ("set", "affinity-", 3)):
        names = [key[3] for key in rules.objects if key[:3] == (kind, FAMILY, TABLE) and key[3].startswith(prefix)]
        paths = {name: name.removeprefix(prefix).rsplit("/", parts)[0] for name in names if name not in wanted}
        removals += [nft.remove(kind, name) for name, path in paths.items() if path in known]
    return removals


def cluster(plan: Plan, services: Sequence[Service], rules: Mapping[str, Ruleset] | None = None) -> dict[str, list[Step]]:
    """
    The steps for *services* on every node, whose nftables are *rules* now: all chains first, then the elements, in one transaction.

    Raises BadInput if two Services want the same address and port, name, or node port.
    """
    _no_clash(services)
    shared = {service: chains(service, plan.nodes[0]) for service in services if not service.local}
    switches = [step for service in services for step in elements(service)]
    by_node = {}
    for node in plan.nodes:
        now = (rules or {}).get(node.name, Ruleset())
        made = [shared.get(service) or chains(service, node) for service in services]
        by_node[node.name] = [*base(node), *made, *switches, *stale(services, now)]
    return by_node


def _no_clash(services: Sequence[Service]) -> None:
    seen: set = set()
    for service in services:
        ports = [("node port", service.protocol, service.node_port)] if service.node_port else []
        for conflict, *key in (("address and port", service.key), ("name, protocol and port", service.path), *ports):
            if (conflict, *key) in seen:
                raise BadInput(f"{service.name}: another Service has the same {conflict}")
            seen.add((conflict, *key))


def removal(service: Service) -> list[Step]:
    """The steps that remove a Service from a node: first the elements that lead to it, then its chains."""
    port = f"{service.protocol} . {service.node_port}"
    node_port = [nft.remove_element(name, port) for name in ("service-nodeports", "no-endpoint-nodeports")] if service.node_port else []
    outer = [nft.remove("chain", f"external-{service.path}")] if service.node_port else []
    sets = [nft.remove("set", service.affinity_set(endpoint)) for endpoint in service.endpoints] if service.affinity else []
    return [
        nft.remove_element("service-ips", service.key),
        nft.remove_element("no-endpoint-services", service.key),
        *node_port,
        *outer,
        nft.remove("chain", service.chain),
        *(nft.remove("chain", service.endpoint_chain(endpoint)) for endpoint in service.endpoints),
        *sets,
    ]


def egress(node: Node) -> Step:
    """
    The rule that masquerades packets from a node's Pods to the external network, where nobody has a route to Pods.

    By hand::

        nft add rule ip kube-proxy nat-postrouting ip saddr 10.244.1.0/24 ip daddr != 10.244.0.0/16 masquerade
    """
    return nft.rule("nat-postrouting", stmt.source(node.subnet), stmt.destination(POD_NETWORK, negate=True), stmt.masquerade())
