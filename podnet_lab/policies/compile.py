"""
NetworkPolicies as nftables: the steps that make a node enforce them. Pure.

One table; a chain for each policy and direction, one for each isolated Pod and direction, sets of the Pods that a rule's
selectors select. See `names` for the way of a packet. A packet from Pod to Pod passes two base chains, one after the other:
what the first accepts, the second is still asked about. What is of a connection that was let pass passes both at once, and
what a node itself sends, or gets, passes neither: it does not go by the hook forward.

Who enforces what: the egress of a Pod its own node, its ingress its own node, too; so a node has chains for its own Pods alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, collapse_addresses

from podnet_lab.errors import BadInput
from podnet_lab.model.nftables import Ruleset
from podnet_lab.policies import names
from podnet_lab.policies.names import TABLE
from podnet_lab.policies.objects import (
    EGRESS,
    INGRESS,
    Labels,
    NetworkPolicy,
    Peer,
    PlacedPod,
    PolicyCluster,
    Port,
    Rule,
    Selector,
)
from podnet_lab.steps import bridge_netfilter
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft import statements as stmt
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.base import FAMILY, LONGEST_NAME, Nft

DIRECTIONS = (EGRESS, INGRESS)

_OTHER = {EGRESS: "daddr", INGRESS: "saddr"}
"""Where in a packet the other end stands, of the direction in which a policy looks at it."""


def base(bridged: bool) -> list[Step]:
    """What a node needs before its first policy: the table, both maps and both base chains; *bridged*: and bridge netfilter."""
    steps: list[Step] = [bridge_netfilter.on()] if bridged else []
    steps.append(nft.table(TABLE))
    for priority, direction in enumerate(DIRECTIONS):
        own = "saddr" if direction == EGRESS else "daddr"
        steps += [
            nft.verdict_map(names.ISOLATED[direction], by="host", table=TABLE),
            nft.chain(names.HOOKS[direction], hook="forward", does="filter", priority=priority, table=TABLE),
            nft.set_rules(
                names.HOOKS[direction],
                [[stmt.known(), stmt.accept()], [stmt.look_up_host(names.ISOLATED[direction], own)]],
                table=TABLE,
            ),
        ]
    return steps


@dataclass(frozen=True)
class Compiled:
    """What a policy comes to in a cluster: its own steps, and the addresses of the Pods that it isolates, by direction."""

    policy: NetworkPolicy
    isolated: tuple[IPv4Address, ...]
    steps: Mapping[str, Nft]
    ports: tuple[tuple[str, str], ...]


class _Labels:
    """The Pods of a cluster by their labels, so that a selector is not held against each of them again and again."""

    def __init__(self, cluster: PolicyCluster) -> None:
        self._cluster = cluster
        self._chosen: dict[tuple, frozenset[IPv4Address]] = {}

    @cached_property
    def _namespaces(self) -> dict[str, Labels]:
        every = {placed.pod.namespace for placed in self._cluster.pods} | {one.name for one in self._cluster.namespaces}
        return {name: self._cluster.namespace_labels(name) for name in every}

    @cached_property
    def _by_namespace(self) -> dict[str, list[PlacedPod]]:
        found: dict[str, list[PlacedPod]] = {}
        for placed in self._cluster.pods:
            found.setdefault(placed.pod.namespace, []).append(placed)
        return found

    def pods(self, namespace: str, selector: Selector | None) -> frozenset[IPv4Address]:
        """The addresses of a namespace's Pods that a selector selects; without one, of all."""
        key = (namespace, selector)
        if key not in self._chosen:
            near = self._by_namespace.get(namespace, ())
            self._chosen[key] = frozenset(placed.ip for placed in near if selector is None or _covers(selector, placed.pod.labels))
        return self._chosen[key]

    def peer(self, policy: NetworkPolicy, peer: Peer) -> frozenset[IPv4Address]:
        """The addresses of the Pods that a peer's selectors select."""
        if peer.namespaces is None:
            return self.pods(policy.namespace, peer.pods)
        near = [name for name, labels in self._namespaces.items() if _covers(peer.namespaces, labels)]
        return frozenset().union(*(self.pods(name, peer.pods) for name in near))


def _covers(selector: Selector, labels: Labels) -> bool:
    if not set(selector.labels) <= set(labels.items()):
        return False
    for wanted in selector.expressions:
        listed = wanted.key in labels and (not wanted.values or labels[wanted.key] in wanted.values)
        if listed != (wanted.operator in ("In", "Exists")):
            return False
    return True


def compiled(cluster: PolicyCluster) -> list[Compiled]:
    """Each policy of a cluster as steps; BadInput where two have the same name."""
    labels, seen, found = _Labels(cluster), set(), []
    for policy in cluster.policies:
        if policy.full_name in seen:
            raise BadInput(f"metadata.name: two NetworkPolicies are called {policy.full_name}")
        seen.add(policy.full_name)
        ports = {(port.protocol, port.port) for rule in _rules(policy) for port in rule.ports if isinstance(port.port, str)}
        steps = {direction: _policy(policy, direction, labels) for direction in policy.types}
        found.append(Compiled(policy, tuple(sorted(labels.pods(policy.namespace, policy.pods))), steps, tuple(sorted(ports))))
    return found


def _rules(policy: NetworkPolicy) -> Iterator[Rule]:
    for direction in policy.types:
        yield from policy.rules(direction)


def _policy(policy: NetworkPolicy, direction: str, labels: _Labels) -> Nft:
    """A policy's sets and its chain in a direction, as one transaction; nothing leads to it but its Pods' chains."""
    chain = names.policy_chain(direction, policy.full_name)
    _check_names(policy, direction)
    made: list[Nft] = []
    rules: list[list[stmt.Statement]] = []
    for number, rule in enumerate(policy.rules(direction)):
        selecting = [peer for peer in rule.peers if peer.block is None]
        name = names.peers_set(direction, policy.full_name, number)
        if selecting:
            pods = frozenset().union(*(labels.peer(policy, peer) for peer in selecting))
            made += [nft.members_set(name, table=TABLE), nft.set_members(name, [str(ip) for ip in sorted(pods)], table=TABLE)]
        excepted = {peer: names.excepted_set(direction, policy.full_name, number, peer) for peer in _several_excepted(rule)}
        for peer, known in excepted.items():
            # nft takes no subnet twice in a set: neither by itself nor within another one.
            subnets = list(map(str, collapse_addresses(rule.peers[peer].block.excepted)))
            made += [nft.members_set(known, table=TABLE, subnets=True), nft.set_members(known, subnets, table=TABLE)]
        rules += [[*peer, *port, stmt.accept()] for peer in _peers(rule, direction, name, excepted) for port in _ports(rule.ports)]
    made += [nft.chain(chain, table=TABLE), nft.set_rules(chain, rules, table=TABLE)]
    what = f"NetworkPolicy {policy.full_name} has its {direction.lower()} rules ({len(policy.rules(direction))})"
    return nft.transaction(made, what)


def _check_names(policy: NetworkPolicy, direction: str) -> None:
    """Raise BadInput where one of the names that a policy has on a node is longer than nft takes."""
    called = [names.policy_chain(direction, policy.full_name)]
    for number, rule in enumerate(policy.rules(direction)):
        called += [names.peers_set(direction, policy.full_name, number)] if any(peer.block is None for peer in rule.peers) else []
        called += [names.excepted_set(direction, policy.full_name, number, peer) for peer in _several_excepted(rule)]
    longest = max(called, key=len)
    if len(longest) > LONGEST_NAME:
        most = LONGEST_NAME - (len(longest) - len(policy.name))
        raise BadInput(
            f"NetworkPolicy {policy.full_name}: metadata.name: {len(policy.name)} letters are too long, at most {most} work here: "
            f"nft takes names of {LONGEST_NAME}, and this policy's longest one there is {longest}"
        )


def _several_excepted(rule: Rule) -> list[int]:
    """
    The numbers of a rule's peers whose block leaves out more than one subnet: these stand in a set.

    In the rule itself would be room for some: it is made of 128 expressions at most (NFT_RULE_MAXEXPRS), two for each subnet.
    """
    return [number for number, peer in enumerate(rule.peers) if peer.block is not None and len(peer.block.excepted) > 1]


def _peers(rule: Rule, direction: str, name: str, excepted: Mapping[int, str]) -> list[list[stmt.Statement]]:
    """
    What a packet's other end must be, each way by itself: in the set of Pods, or in a block of addresses.

    *excepted* are the sets of what blocks leave out, by the number of the peer; a single subnet stands in the rule.
    """
    which = _OTHER[direction]
    ways = [[stmt.member(name, which)]] if any(peer.block is None for peer in rule.peers) else []
    place = stmt.destination if direction == EGRESS else stmt.source
    for number, block in ((number, peer.block) for number, peer in enumerate(rule.peers) if peer.block is not None):
        inside = [place(block.cidr)] if block.cidr.prefixlen else []  # 0.0.0.0/0 is everybody: there is nothing to ask
        outside = [stmt.member(excepted[number], which, negate=True)] if number in excepted else []
        ways.append([*inside, *(outside or [place(network, negate=True) for network in block.excepted])])
    return ways or [[]]


def _ports(ports: Sequence[Port]) -> list[list[stmt.Statement]]:
    """What a packet's port must be, each way by itself."""
    return [[_port(port)] for port in ports] or [[]]


def _port(port: Port) -> stmt.Statement:
    protocol = port.protocol.lower()
    if port.port is None:
        return stmt.protocol(protocol)
    if isinstance(port.port, str):
        return stmt.member(names.port_set(protocol, port.port), "service")
    if port.end_port is None or port.end_port == port.port:
        return stmt.port(protocol, port.port)
    return stmt.ports(protocol, port.port, port.end_port)


def _named_ports(cluster: PolicyCluster, wanted: Iterable[tuple[str, str]]) -> list[Step]:
    """Sets of the cluster's Pods' ports by name: a name is another number in each Pod."""
    steps: list[Step] = []
    for protocol, name in sorted(set(wanted)):
        members = [
            f"{placed.ip} . {protocol.lower()} . {port.port}"
            for placed in cluster.pods
            for port in placed.pod.ports
            if (port.protocol, port.name) == (protocol, name)
        ]
        known = names.port_set(protocol, name)
        made = [nft.members_set(known, by="address", table=TABLE), nft.set_members(known, members, table=TABLE)]
        steps.append(nft.transaction(made, f"{known} has the Pods' ports of that name ({len(members)})"))
    return steps


def _pod(direction: str, ip: IPv4Address, policies: Sequence[str]) -> Nft:
    """A Pod's chain in a direction: each policy that selects it is asked, and what none lets pass is thrown away."""
    chain = names.pod_chain(direction, ip)
    rules = [[stmt.jump(names.policy_chain(direction, name))] for name in policies]
    made = [nft.chain(chain, table=TABLE), nft.set_rules(chain, [*rules, [stmt.drop()]], table=TABLE)]
    return nft.transaction(made, f"{ip} is isolated for {direction.lower()} by {', '.join(policies)}")


def node_steps(
    cluster: PolicyCluster, policies: Sequence[Compiled], node: str, rules: Ruleset | None = None, bridged: bool = True
) -> list[Step]:
    """
    The steps that make a node enforce a cluster's policies, and those alone; its nftables are *rules* now.

    First all chains, then the elements of the maps that lead to them, which are one transaction; at last what is not needed
    any more goes. Each Pod is switched at once, and, where it all fits into one transaction, the node is.
    """
    here = frozenset(placed.ip for placed in cluster.pods if placed.node == node)
    isolating: dict[tuple[str, IPv4Address], list[str]] = {}
    needed: list[Compiled] = []
    for one in policies:
        if own := [ip for ip in one.isolated if ip in here]:
            needed.append(one)
            for direction in one.steps:
                for ip in own:
                    isolating.setdefault((direction, ip), []).append(one.policy.full_name)
    steps = [*base(bridged), *_named_ports(cluster, (port for one in needed for port in one.ports))]
    steps += [step for one in needed for step in one.steps.values()]
    order = sorted(isolating, key=lambda place: (place[0], int(place[1])))
    steps += [_pod(direction, ip, isolating[direction, ip]) for direction, ip in order]
    steps += [
        nft.element(names.ISOLATED[direction], str(ip), f"jump {names.pod_chain(direction, ip)}", table=TABLE) for direction, ip in order
    ]
    return [*steps, *_stale(steps, rules or Ruleset())]


def _stale(steps: Sequence[Step], rules: Ruleset) -> list[Step]:
    """What is in the table and no step makes: elements first, then the chains that they lead to, and those that these lead to."""
    wanted = {key[2:] for step in steps for key in step.touches() if key[0] == "nft"}
    there = [key for key in rules.objects if key[1:3] == (FAMILY, TABLE) and key not in wanted]
    elements = [
        nft.remove_element(key[3], key[4], table=TABLE) for key in there if key[0] == "element" and key[3] in names.ISOLATED.values()
    ]
    chains = sorted((key[3] for key in there if key[0] == "chain"), key=lambda chain: names.policy_of(chain) is not None)
    sets = [key[3] for key in there if key[0] == "set"]
    return [
        *elements,
        *(nft.remove("chain", chain, table=TABLE) for chain in chains),
        *(nft.remove("set", one, table=TABLE) for one in sets),
    ]


def removal(rules: Ruleset) -> list[Step]:
    """The steps that take all policies away from a node; one whose rules are not known may have some."""
    return [nft.remove("table", TABLE, table=TABLE)] if rules.problem or ("table", FAMILY, TABLE) in rules.objects else []


def cluster_steps(cluster: PolicyCluster, rules: Mapping[str, Ruleset], bridged: Mapping[str, bool]) -> dict[str, list[Step]]:
    """The steps on every node; *rules* are their nftables now, *bridged* says of each whether its Pods meet at a bridge."""
    policies = compiled(cluster)
    return {node: node_steps(cluster, policies, node, now, bridged[node]) for node, now in rules.items()}
