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
from podnet_lab.steps.nft import statements as say
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
        *_chain("mark-for-masquerade", [say.mark()]),
        *_chain(REJECT, [say.reject()]),
        *_chain(
            "services", [say.look_up("service-ips")], [say.destination(node.external.ip), say.look_up("service-nodeports", address=False)]
        ),
        *_chain("nat-prerouting", [say.jump("services")], hook="prerouting"),
        *_chain("nat-output", [say.jump("services")], hook="output"),
        *_chain("nat-postrouting", [say.marked(), say.masquerade()], same_node(node), hook="postrouting"),
        *_chain("service-endpoints-check", [say.look_up("no-endpoint-services")]),
        *(
            one
            for hook in ("forward", "output")
            for one in _chain(f"filter-{hook}", [say.new(), say.jump("service-endpoints-check")], hook=hook, does="filter")
        ),
        *_chain(
            "filter-input",
            [say.new(), say.destination(node.external.ip), say.look_up("no-endpoint-nodeports", address=False)],
            hook="input",
            does="filter",
        ),
    ]


def same_node(node: Node) -> list[say.Statement]:
    """The rule that masquerades what goes from one Pod of a node to another by way of a Service: the answer would pass the node by."""
    return [say.source(node.subnet), say.destination(node.subnet), say.translated(), say.masquerade()]


def _chain(name: str, *rules: Sequence[say.Statement], **hook: str) -> list[Step]:
    return [nft.chain(name, **hook), *(nft.rule(name, *rule) for rule in rules)]


def chains(one: Service, node: Node) -> Nft:
    """A Service's chains on a node, as one transaction; nothing leads to them before its `elements`."""
    made: list[Nft] = []
    for endpoint in one.endpoints:
        name = one.endpoint(endpoint)
        sticky = one.memory(endpoint)
        made += [nft.address_set(sticky, one.affinity)] if one.affinity else []
        keep = [[say.remember(sticky)]] if one.affinity else []
        himself = [say.source(endpoint[0]), say.jump("mark-for-masquerade")]
        made += [nft.chain(name), nft.set_rules(name, [himself, *keep, [say.protocol(one.protocol), say.dnat(*endpoint)]])]
    made += [nft.chain(one.chain), nft.set_rules(one.chain, [_from_elsewhere(one), *_draw(one, one.endpoints)])]
    if one.node_port:
        made += [nft.chain(f"external-{one.path}"), nft.set_rules(f"external-{one.path}", _external(one, node))]
    return nft.together(made, f"{one.chain} leads to {len(one.endpoints)} Pod{'s' if len(one.endpoints) != 1 else ''}")


def _from_elsewhere(one: Service) -> list[say.Statement]:
    """Who asks the Service's own address from outside the cluster gets the answer by way of this node, and no other."""
    return [say.destination(one.ip), say.source(POD_NETWORK, negate=True), say.jump("mark-for-masquerade")]


def _draw(one: Service, endpoints: Sequence[tuple[IPv4Address, int]]) -> list[list[say.Statement]]:
    names = [one.endpoint(endpoint) for endpoint in endpoints]
    known = [[say.remembered(one.memory(each)), say.goto(name)] for each, name in zip(endpoints, names, strict=True)]
    return [*(known if one.affinity else []), [say.spread(names)]] if names else []


def _external(one: Service, node: Node) -> list[list[say.Statement]]:
    if not one.local:
        return [[say.jump("mark-for-masquerade")], [say.goto(one.chain)]]
    here = [endpoint for endpoint in one.endpoints if endpoint[0] in node.subnet]
    near = [
        [say.source(POD_NETWORK), say.goto(one.chain)],
        [say.from_here(), say.jump("mark-for-masquerade")],
        [say.from_here(), say.goto(one.chain)],
    ]
    return [*near, *(_draw(one, here) or [[say.drop()]])]


def elements(one: Service) -> list[Step]:
    """What switches a Service on: the maps' elements that lead to its chains, or to a refusal where it has no endpoints."""
    port = f"{one.protocol} . {one.node_port}"
    on = [("service-ips", one.key, one.chain), *([("service-nodeports", port, f"external-{one.path}")] if one.node_port else [])]
    off = [("no-endpoint-services", one.key, REJECT), *([("no-endpoint-nodeports", port, REJECT)] if one.node_port else [])]
    wanted, unwanted = (on, off) if one.endpoints else (off, on)
    return [
        *(nft.remove_element(name, key) for name, key, _ in unwanted),
        *(nft.element(name, key, f"goto {chain}") for name, key, chain in wanted),
    ]


def stale(services: Iterable[Service], rules: Ruleset) -> list[Step]:
    """
    What Services had and have no more: elements that lead to them by another address or port, then chains and sets.

    Open connections stay as they are. An address of a Service without endpoints leads to no chain of its own, and stays.
    """
    found: list[Step] = []
    known = {one.path: one for one in services}
    keys = {
        (name, key)
        for one in services
        for name, key in (("service-ips", one.key), ("service-nodeports", f"{one.protocol} . {one.node_port}"))
    }
    for key, verdict in rules.objects.items():
        if key[:3] == ("element", FAMILY, TABLE) and verdict.startswith(("goto service-", "goto external-")):
            path = verdict.partition("-")[2]
            if path in known and key[3:] not in keys:
                found.append(nft.remove_element(*key[3:]))
    has = {one.endpoint(each) for one in services for each in one.endpoints} | {f"external-{one.path}" for one in services if one.node_port}
    has |= {one.memory(each) for one in services if one.affinity for each in one.endpoints}
    for kind, prefix, parts in (("chain", "external-", 0), ("chain", "endpoint-", 2), ("set", "affinity-", 3)):
        names = [key[3] for key in rules.objects if key[:3] == (kind, FAMILY, TABLE) and key[3].startswith(prefix)]
        paths = {name: name.removeprefix(prefix).rsplit("/", parts)[0] for name in names if name not in has}
        found += [nft.remove(kind, name) for name, path in paths.items() if path in known]
    return found


def cluster(plan: Plan, services: Sequence[Service], rules: Mapping[str, Ruleset] | None = None) -> dict[str, list[Step]]:
    """
    Everything for *services* on every node, which has *rules* now: all chains first, then the elements, in one transaction.

    Raises BadInput if two Services want the same address and port, name, or node port.
    """
    _no_clash(services)
    shared = {one: chains(one, plan.nodes[0]) for one in services if not one.local}
    switches = [step for one in services for step in elements(one)]
    found = {}
    for node in plan.nodes:
        now = (rules or {}).get(node.name, Ruleset())
        made = [shared.get(one) or chains(one, node) for one in services]
        found[node.name] = [*base(node), *made, *switches, *stale(services, now)]
    return found


def _no_clash(services: Sequence[Service]) -> None:
    seen: set = set()
    for one in services:
        ports = [("node port", one.protocol, one.node_port)] if one.node_port else []
        for what, *key in (("address and port", one.key), ("name, protocol and port", one.path), *ports):
            if (what, *key) in seen:
                raise BadInput(f"{one.name}: another Service has the same {what}")
            seen.add((what, *key))


def removal(one: Service) -> list[Step]:
    """Take a Service away from a node: first what leads to it, then its chains."""
    port = f"{one.protocol} . {one.node_port}"
    node_port = [nft.remove_element(name, port) for name in ("service-nodeports", "no-endpoint-nodeports")] if one.node_port else []
    outer = [nft.remove("chain", f"external-{one.path}")] if one.node_port else []
    sets = [nft.remove("set", one.memory(each)) for each in one.endpoints] if one.affinity else []
    return [
        nft.remove_element("service-ips", one.key),
        nft.remove_element("no-endpoint-services", one.key),
        *node_port,
        *outer,
        nft.remove("chain", one.chain),
        *(nft.remove("chain", one.endpoint(each)) for each in one.endpoints),
        *sets,
    ]


def egress(node: Node) -> Step:
    """
    Give packets of a node's Pods to the external network the node's own address, where Pods' addresses are not known.

    By hand::

        nft add rule ip kube-proxy nat-postrouting ip saddr 10.244.1.0/24 ip daddr != 10.244.0.0/16 masquerade
    """
    return nft.rule("nat-postrouting", say.source(node.subnet), say.destination(POD_NETWORK, negate=True), say.masquerade())
