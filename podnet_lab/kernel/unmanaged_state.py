"""
The state of a node that no step of the lesson manages, of every kind that there is (`podnet_lab.kernel.unmanaged`).

Read once when a node is new, as plain data; a reset brings the node back to it, says what that took, and names what it
could not bring back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from podnet_lab.kernel.unmanaged import bridges, files, ip_objects, legacy_tables, links, mptcp, netfilter, others, queues, xfrm
from podnet_lab.kernel.unmanaged.base import Kind, Look, opened
from podnet_lab.kernel.unmanaged.netfilter import (
    FAMILIES,
    NETLINK_NETFILTER,
    NFT,
    add_table,
    remove_tables,
    set_dormant,
    table_flags,
    tables,
)

__all__ = [
    "FAMILIES",
    "NETLINK_NETFILTER",
    "NFT",
    "RTM_GETRULE",
    "add_table",
    "read",
    "remove_tables",
    "restore",
    "set_dormant",
    "table_flags",
    "tables",
]

RTM_GETRULE = 34

KINDS: dict[str, Kind] = {
    "tables": netfilter.Tables(),
    "legacy tables": legacy_tables.LegacyTables(),
    "ipsets": netfilter.IpSets(),
    "xfrm": xfrm.Xfrm(),
    "policy": ip_objects.Rules(),
    "links": links.Links(),
    "offloads": links.Offloads(),
    "bridges": bridges.Bridges(),
    "ports": bridges.Ports(),
    "queues": queues.Queues(),
    "filters": queues.Filters(),
    "nexthop objects": ip_objects.Nexthops(),
    "settings": others.Settings(),
    "own IPv6 addresses": others.Ipv6OfItsOwn(),
    "addresses": ip_objects.Addresses(),
    "routes": ip_objects.Routes(),
    "neighbours": ip_objects.Neighbours(),
    "forwarding entries": ip_objects.ForwardingEntries(),
    "address labels": ip_objects.AddressLabels(),
    "groups": others.Multicast(),
    "mptcp": mptcp.Mptcp(),
    "mounts": others.HeldNamespaces(),
    "names": files.NamesOfNamespaces(),
    "files": files.Files(),
    "host": others.HostName(),
}
"""What is read, and in which order it is brought back: what keeps others from being brought back comes first."""

MOST_PASSES = 4
"""What is brought back may take something else along, as an address its routes; a few looks set that right."""


def read(hidden: Collection[str] = ()) -> dict[str, Any]:
    """All of it, as plain data, without what belongs to the interfaces *hidden*."""
    with opened() as sock:
        look = Look(sock, hidden)
        return {name: kind.read(look) for name, kind in KINDS.items()}


def restore(then: dict[str, Any], hidden: Collection[str] = ()) -> dict[str, list[str]]:
    """
    Bring this namespace back to what `read` returned then.

    Returns what was ``undone``, and what is ``left``, in words. A kind that was not read then is left alone.
    """
    undone: list[str] = []
    for _ in range(MOST_PASSES):
        now = read(hidden)
        differ = [name for name in KINDS if name in then and now[name] != then[name]]
        words = _restore(now, then, differ, hidden)
        undone += words
        if not words:
            break
    return {"undone": list(dict.fromkeys(undone)), "left": [line for name in differ for line in KINDS[name].left(now[name], then[name])]}


def beside_steps(now: dict[str, Any], then: dict[str, Any], macs: Collection[str] = ()) -> list[str]:
    """In words, what differs between two of those, and no step says; *macs* are those of the node's interfaces, wherever they are."""
    now, then = (ip_objects.without_filters_for(macs, one) for one in (now, then))
    return [
        line
        for name, kind in KINDS.items()
        if name in then and now[name] != then[name]
        for line in kind.beside_steps(now[name], then[name])
    ]


def _restore(now: dict[str, Any], then: dict[str, Any], differ: list[str], hidden: Collection[str]) -> list[str]:
    words = []
    with opened() as sock:
        for name in differ:
            words += KINDS[name].restore(Look(sock, hidden), now[name], then[name])
    return words
