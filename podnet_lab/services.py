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
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.errors import BadInput
from podnet_lab.plan import POD_NETWORK, Node, Plan, ip_address, port_number, socket_address
from podnet_lab.rules import Ruleset
from podnet_lab.steps import Step, nft, route
from podnet_lab.steps import statements as say
from podnet_lab.steps.nft_base import FAMILY, TABLE, Nft

RANGE = IPv4Network("10.96.0.0/12")
"""Where Services have their addresses: kubeadm's default."""

NODE_PORTS = range(30000, 32768)
"""Which ports of a node may stand for a Service: Kubernetes' default."""

STICKY = 10800
"""Seconds for which a client stays with its Pod, where that is wanted and nothing else is said: Kubernetes' default."""

REJECT = "reject-chain"

_LABEL = "abcdefghijklmnopqrstuvwxyz0123456789-"


@dataclass(frozen=True)
class Service:
    """
    One port of a Service: *ip* and *port* stand for *endpoints*, each (address, port) of a Pod.

    *node_port* makes it reachable on every node's own address; *local* keeps such a connection on the node that it came to
    (``externalTrafficPolicy: Local``), and so the client's address. *affinity*: seconds that a client stays with its Pod.
    """

    name: str
    ip: IPv4Address
    port: int
    endpoints: tuple[tuple[IPv4Address, int], ...] = ()
    protocol: str = "tcp"
    node_port: int | None = None
    affinity: int | None = None
    local: bool = False

    @property
    def path(self) -> str:
        """What its chains are called by: name, protocol and port."""
        return f"{self.name}/{self.protocol}/{self.port}"

    @property
    def chain(self) -> str:
        """The chain that draws one of its Pods."""
        return f"service-{self.path}"

    @property
    def key(self) -> str:
        """What the map of Services is looked up by."""
        return f"{self.ip} . {self.protocol} . {self.port}"

    @property
    def full_name(self) -> str:
        """Its name in the cluster's DNS."""
        return f"{self.name}.default.svc.cluster.local"

    def memory(self, endpoint: tuple[IPv4Address, int]) -> str:
        """The set of clients that stay with one Pod; its time-out is in its name, for it can't be changed."""
        return f"affinity-{self.path}/{endpoint[0]}/{endpoint[1]}/{self.affinity}s"

    def endpoint(self, endpoint: tuple[IPv4Address, int]) -> str:
        """The chain that leads to one Pod."""
        return f"endpoint-{self.path}/{endpoint[0]}/{endpoint[1]}"

    def to(self, *endpoints: str) -> Service:
        """The same Service with other endpoints, each like 10.244.1.2:8080."""
        return replace(self, endpoints=_endpoints(endpoints))

    def __str__(self) -> str:
        pods = ", ".join(f"{ip}:{port}" for ip, port in self.endpoints) or "nobody"
        return f"{self.name}: {self.ip}:{self.port}/{self.protocol} stands for {pods}"

    __repr__ = __str__


def service(
    name: str,
    ip: str,
    port: int,
    endpoints: Iterable[str] = (),
    *,
    protocol: str = "tcp",
    node_port: int | None = None,
    affinity: int | bool | None = None,
    local: bool = False,
) -> Service:
    """
    Describe a Service; *endpoints* are like 10.244.1.2:8080.

    Raises BadInput for an address outside 10.96.0.0/12, a port that is none, a name that DNS does not take, an endpoint
    that is there twice.
    """
    if not isinstance(name, str) or not name or set(name) - set(_LABEL) or not name[0].isalpha() or name[-1] == "-" or len(name) > 63:
        raise BadInput(f"{name!r} is no Service's name: small letters, digits and dashes, a letter in front, 63 at most")
    if (address := ip_address(ip)) not in RANGE or address in (RANGE.network_address, RANGE.broadcast_address):
        raise BadInput(f"{ip} is no Service's address: they are in {RANGE}")
    if protocol not in ("tcp", "udp"):
        raise BadInput(f"a Service's protocol is tcp or udp, not {protocol!r}")
    if node_port is not None and (not isinstance(node_port, int) or node_port not in NODE_PORTS):
        raise BadInput(f"a node port is {NODE_PORTS[0]} to {NODE_PORTS[-1]}, not {node_port!r}")
    if local and node_port is None:
        raise BadInput("local is about connections that come to a node's own port: it needs a node_port")
    sticky = STICKY if affinity is True else affinity or None
    if sticky is not None:
        nft.address_set("affinity", sticky)  # refuses a time-out that is none
    return Service(name, address, port_number(port), _endpoints(endpoints), protocol, node_port, sticky, local)


def _endpoints(texts: Iterable[str]) -> tuple[tuple[IPv4Address, int], ...]:
    if isinstance(texts, str):
        raise BadInput(f"endpoints are several: [{texts!r}]")
    found = [socket_address(text) for text in texts]
    if len(set(found)) < len(found):
        raise BadInput("an endpoint is there twice")
    return tuple(found)


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
