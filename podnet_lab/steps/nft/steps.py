"""
nftables: tables, chains, maps, and rules, with which a node judges and rewrites packets.

All objects here live in a table of the family ip, in a node's own network namespace; the table is called as kube-proxy
calls its own, where no other is named. A rule's parts are made in statements.py; what
the functions here return is in nft_base.py, nft_objects.py and nft_rules.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean, no_such
from podnet_lab.plan import subnet
from podnet_lab.steps.nft.base import HOOKS, TABLE, Nft, nft_name
from podnet_lab.steps.nft.objects import AddChain, AddElement, AddMap, AddSet, AddTable, Remove, RemoveElement
from podnet_lab.steps.nft.rules import AddRule, SetRules, Transaction
from podnet_lab.steps.nft.sets import AddMembersSet, SetMembers
from podnet_lab.steps.nft.statements import Rule, Statement
from podnet_lab.typed_arguments import checked


@checked
def table(name: str = TABLE) -> AddTable:
    """
    Make a table: a folder for chains and maps.

    By hand::

        nft add table ip kube-proxy
    """
    return AddTable(nft_name(name), nft_name(name))


@checked
def chain(name: str, hook: str = "", does: str = "nat", priority: int | None = None, table: str = TABLE) -> AddChain:
    """
    Make a chain: a list of rules. With a *hook* packets meet it by themselves, else where a rule sends them there.

    *does* is "nat" or "filter"; *priority* says which of several chains at a hook comes first (the lower).

    By hand::

        nft add chain ip kube-proxy services
        nft 'add chain ip kube-proxy nat-prerouting { type nat hook prerouting priority -100 ; }'
    """
    if hook and hook not in HOOKS:
        raise BadInput(no_such("hook", hook, HOOKS))
    if does not in ("nat", "filter"):
        raise BadInput(f"a chain does nat or filter, not {does!r}{did_you_mean(does, ('nat', 'filter'))}")
    if priority is not None and not -(2**31) <= priority < 2**31:
        raise BadInput(f"a priority is a whole number of 32 bits, not {priority}")
    if not hook and priority is not None:
        raise BadInput("only a chain with a hook has a priority")
    if does == "nat" and hook == "forward":
        raise BadInput("there is no address translation at the hook forward: it comes before or after")
    where = (HOOKS[hook] if does == "nat" else 0) if hook and priority is None else priority or 0
    return AddChain(nft_name(name), nft_name(table), hook, does if hook else "nat", where)


KEYS = {
    "address": ("ipv4_addr", "inet_proto", "inet_service"),
    "port": ("inet_proto", "inet_service"),
    "host": ("ipv4_addr",),
    "interface": ("ifname",),
}
"""What a map or a set is looked up by: address, protocol and port; protocol and port; an address alone; or an interface."""


@checked
def verdict_map(name: str, by: str = "address", table: str = TABLE) -> AddMap:
    """
    Make a map that says what becomes of a packet, by destination address, protocol and port.

    *by* "port": by the last two; by "host": by an address alone, the source's or the destination's; by "interface": by that.

    By hand::

        nft 'add map ip kube-proxy service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }'
    """
    return AddMap(nft_name(name), nft_name(table), _looked_up(by))


def _looked_up(by: str) -> tuple[str, ...]:
    if by not in KEYS:
        raise BadInput(f"a map is looked up by {' or '.join(KEYS)}, not by {by!r}{did_you_mean(by, KEYS)}")
    return KEYS[by]


@checked
def members_set(name: str, by: str = "host", table: str = TABLE, subnets: bool = False) -> AddMembersSet:
    """
    Make a set of addresses that rules look into; *by* "address": of addresses with protocol and port, "port": without the address.

    With *subnets* its members may be subnets, too, of which none overlaps another.

    By hand::

        nft 'add set ip network-policy clients { type ipv4_addr ; }'
        nft 'add set ip network-policy offices { type ipv4_addr ; flags interval ; }'
    """
    if subnets and by != "host":
        raise BadInput(f"only a set by host can have subnets, not one by {by}")
    return AddMembersSet(nft_name(name), nft_name(table), _looked_up(by), subnets)


@checked
def set_members(name: str, members: Sequence[str], table: str = TABLE) -> SetMembers:
    """
    Give a set exactly these members, in one transaction: no packet meets half of them.

    By hand::

        nft 'flush set ip network-policy clients; add element ip network-policy clients { 10.244.1.2, 10.244.2.2 }'
    """
    if isinstance(members, str):
        raise BadInput(f"members are several, like ['10.244.1.2'], not {members!r}")
    return SetMembers(nft_name(name), tuple(sorted(set(map(_member, members)))), nft_name(table))


@checked
def address_set(name: str, timeout: int, table: str = TABLE) -> AddSet:
    """
    Make a set of addresses that are forgotten *timeout* seconds after they were last seen.

    By hand::

        nft 'add set ip kube-proxy affinity-web { type ipv4_addr ; flags timeout ; timeout 10800s ; }'
    """
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 1 <= timeout <= 86400:
        raise BadInput(f"a time-out is 1 to 86,400 seconds, not {timeout!r}")
    return AddSet(nft_name(name), nft_name(table), timeout)


@checked
def element(map: str, key: str, verdict: str, table: str = TABLE) -> AddElement:
    """
    Write into a map what becomes of packets with *key*.

    By hand::

        nft 'add element ip kube-proxy service-ips { 10.96.0.20 . tcp . 80 : goto service-web }'
    """
    _verdict(verdict)
    return AddElement(nft_name(map), _key(key), verdict, nft_name(table))


@checked
def remove_element(map: str, key: str, table: str = TABLE) -> RemoveElement:
    """
    Take *key* out of a map.

    By hand::

        nft 'delete element ip kube-proxy service-ips { 10.96.0.20 . tcp . 80 }'
    """
    return RemoveElement(nft_name(map), _key(key), "", nft_name(table))


def _key(key: str) -> str:
    if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z0-9.]+( \. [A-Za-z0-9.]+)*", key):
        raise BadInput(f"{key!r} is no key like 10.96.0.20 . tcp . 80")
    return key


def _member(key: str) -> str:
    """A key, or a subnet; one of a single address is that address, as nft lists it."""
    if isinstance(key, str) and "/" in key:
        network = subnet(key)
        return str(network if network.prefixlen < 32 else network.network_address)
    return _key(key)


def _verdict(verdict: str) -> None:
    verb, _, target = str(verdict).partition(" ")
    if verb in ("goto", "jump"):
        nft_name(target)
    elif verdict not in ("accept", "drop", "return"):
        raise BadInput(f"{verdict!r} is no verdict like 'goto service-web' or 'drop'")


@checked
def rule(chain: str, *statements: Statement, table: str = TABLE) -> AddRule:
    """
    Add a rule at the end of a chain.

    By hand::

        nft add rule ip kube-proxy nat-prerouting jump services
    """
    return AddRule(nft_name(chain), nft_name(table), _rule(statements))


@checked
def set_rules(chain: str, rules: Sequence[Sequence[Statement]], table: str = TABLE) -> SetRules:
    """
    Give a chain exactly these rules, in one transaction: no packet meets half of them.

    By hand::

        nft 'flush chain ip kube-proxy service-web; add rule ip kube-proxy service-web meta l4proto tcp dnat to 10.244.1.2:8080'
    """
    return SetRules(nft_name(chain), nft_name(table), tuple(map(_rule, rules)))


def _rule(statements: Sequence[Statement]) -> Rule:
    if not statements or not all(isinstance(statement, Statement) for statement in statements):
        raise BadInput("a rule is made of statements, as podnet_lab.steps.nft.statements makes them")
    return tuple(statements)


@checked
def remove(kind: str, name: str, table: str = TABLE) -> Remove:
    """
    Delete a table, chain, map or set, with what is in it. The kernel refuses while a rule still names it.

    By hand::

        nft delete table ip kube-proxy
    """
    if kind not in ("table", "chain", "map", "set"):
        raise BadInput(no_such("kind of object of nft", kind, ("table", "chain", "map", "set")))
    return Remove(kind, nft_name(name), nft_name(table))


@checked
def transaction(steps: Sequence[Nft], claim: str) -> Transaction:
    """Several steps of nft as one transaction, so that no packet meets some of them without the others."""
    if not steps or not all(isinstance(step, Nft) for step in steps):
        raise BadInput("only steps of nft can be taken together")
    return Transaction(tuple(steps), claim)
