"""
Parts of an nftables rule: each as a person types it (nft(8)), and as `nft` takes and gives it as JSON (libnftables-json(5)).

Pure. A test holds the two against each other on a real kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal

from podnet_lab.errors import BadInput
from podnet_lab.plan import ip_address, port_number, subnet
from podnet_lab.steps.nft.base import nft_name
from podnet_lab.typed_arguments import checked

Protocol = Literal["tcp", "udp"]

MARK = 0x4000
"""The bit of a packet's mark that asks for masquerade, as kube-proxy sets it (pkg/proxy/nftables/proxier.go)."""


@dataclass(frozen=True)
class Statement:
    """One part of a rule: *text* says it all, *json* says the same to the program."""

    text: str
    json: dict[str, Any] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


Rule = tuple[Statement, ...]
"""A rule: what a packet must be, then what becomes of it."""


def _payload(name: str) -> dict[str, Any]:
    return {"payload": {"protocol": "ip", "field": name}}


def _fields(*, service: bool, address: bool) -> tuple[str, dict[str, Any]]:
    parts = [("ip daddr", _payload("daddr"))] if address else []
    if service:
        parts += [("meta l4proto", {"meta": {"key": "l4proto"}}), ("th dport", {"payload": {"protocol": "th", "field": "dport"}})]
    return " . ".join(text for text, _ in parts), {"concat": [json for _, json in parts]}


def _where(name: str, where: str | IPv4Address | IPv4Network, negate: bool) -> Statement:
    network = subnet(str(where))
    place = network if network.prefixlen < 32 else network.network_address
    right = {"prefix": {"addr": str(place.network_address), "len": place.prefixlen}} if isinstance(place, IPv4Network) else str(place)
    match = {"op": "!=" if negate else "==", "left": _payload(name), "right": right}
    return Statement(f"ip {name} {'!= ' if negate else ''}{place}", {"match": match})


@checked
def source(where: str | IPv4Address | IPv4Network, negate: bool = False) -> Statement:
    """The packet comes from an address, or a subnet; *negate*: from any other."""
    return _where("saddr", where, negate)


@checked
def destination(where: str | IPv4Address | IPv4Network, negate: bool = False) -> Statement:
    """The packet goes to an address, or a subnet; *negate*: to any other."""
    return _where("daddr", where, negate)


def from_here() -> Statement:
    """The packet's source is an address of this node: it sends it itself."""
    match = {"op": "==", "left": {"fib": {"result": "type", "flags": ["saddr"]}}, "right": "local"}
    return Statement("fib saddr type local", {"match": match})


@checked
def comes_by(interface: str) -> Statement:
    """The packet came in by an interface; a name that ends with a star stands for all that begin so."""
    nft_name(interface.removesuffix("*"))
    match = {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": interface}
    return Statement(f'iifname "{interface}"', {"match": match})


@checked
def leaves_by(interface: str) -> Statement:
    """The packet is to leave by an interface; a name that ends with a star stands for all that begin so."""
    nft_name(interface.removesuffix("*"))
    match = {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": interface}
    return Statement(f'oifname "{interface}"', {"match": match})


def has_no_way_back() -> Statement:
    """What would be sent to the packet's source would not leave by the interface that it came in by (reverse path filtering)."""
    match = {"op": "==", "left": {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, "right": False}
    return Statement("fib saddr . iif oif missing", {"match": match})


@checked
def protocol(name: Protocol) -> Statement:
    """The packet is of a transport protocol, tcp or udp; a port can't be rewritten before that is said."""
    return Statement(f"meta l4proto {name}", {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": name}})


@checked
def port(name: Protocol, number: int) -> Statement:
    """The packet goes to a port of a transport protocol."""
    port_number(number)
    left = {"payload": {"protocol": name, "field": "dport"}}
    return Statement(f"{name} dport {number}", {"match": {"op": "==", "left": left, "right": number}})


@checked
def ports(name: Protocol, first: int, last: int) -> Statement:
    """The packet goes to one of the ports of a transport protocol from *first* to *last*."""
    if port_number(first) >= port_number(last):
        raise BadInput(f"ports go from a smaller one to a bigger one, not from {first} to {last}")
    left = {"payload": {"protocol": name, "field": "dport"}}
    return Statement(f"{name} dport {first}-{last}", {"match": {"op": "==", "left": left, "right": {"range": [first, last]}}})


def known() -> Statement:
    """The packet belongs to a connection that was let pass before, or is an error about one."""
    match = {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}
    return Statement("ct state established,related", {"match": match})


def new() -> Statement:
    """The packet is the first of its connection."""
    return Statement("ct state new", {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}})


def translated() -> Statement:
    """The packet's destination was rewritten."""
    return Statement("ct status dnat", {"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}})


def mark() -> Statement:
    """Ask for masquerade later, in the packet's mark."""
    json = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, MARK]}}}
    return Statement(f"meta mark set meta mark or {MARK:#x}", json)


def marked() -> Statement:
    """The packet's mark asks for masquerade."""
    left = {"&": [{"meta": {"key": "mark"}}, MARK]}
    return Statement(f"meta mark and {MARK:#x} != 0", {"match": {"op": "!=", "left": left, "right": 0}})


@checked
def jump(chain: str) -> Statement:
    """Go on in another chain, and come back."""
    nft_name(chain)
    return Statement(f"jump {chain}", {"jump": {"target": chain}})


@checked
def goto(chain: str) -> Statement:
    """Go on in another chain, for good."""
    nft_name(chain)
    return Statement(f"goto {chain}", {"goto": {"target": chain}})


def back() -> Statement:
    """Leave this chain, and go on where it was jumped from; at a hook, with the chain's policy."""
    return Statement("return", {"return": None})


@checked
def masquerade(fully_random: bool = False) -> Statement:
    """
    Give the packet this node's own address on the way out; the answer's destination is put back by itself.

    With *fully_random* the source port is drawn, so that two connections that begin at once don't get the same one.
    """
    if fully_random:
        return Statement("masquerade fully-random", {"masquerade": {"flags": "fully-random"}})
    return Statement("masquerade", {"masquerade": None})


@checked
def dnat(address: str | IPv4Address, port: int) -> Statement:
    """Rewrite the packet's destination; the answers' source is put back by itself."""
    address, port = ip_address(address), port_number(port)
    return Statement(f"dnat to {address}:{port}", {"dnat": {"addr": str(address), "port": port}})


def accept() -> Statement:
    """Let the packet pass this chain; other chains at the hook may still throw it away."""
    return Statement("accept", {"accept": None})


def drop() -> Statement:
    """Throw the packet away without a word."""
    return Statement("drop", {"drop": None})


def reject() -> Statement:
    """Throw the packet away, and tell its sender."""
    return Statement("reject with icmp port-unreachable", {"reject": {"type": "icmp", "expr": "port-unreachable"}})


@checked
def look_up(name: str, address: bool = True) -> Statement:
    """Look up destination, protocol and port in a map of verdicts, or, without *address*, protocol and port."""
    nft_name(name)
    text, key = _fields(service=True, address=address)
    return Statement(f"{text} vmap @{name}", {"vmap": {"key": key, "data": f"@{name}"}})


@checked
def spread(chains: Sequence[str]) -> Statement:
    """Draw one of *chains*, each as likely as any other."""
    if not chains:
        raise BadInput("one of no chains can't be drawn")
    for chain in chains:
        nft_name(chain)
    verdicts = ", ".join(f"{number} : goto {chain}" for number, chain in enumerate(chains))
    data = {"set": [[number, {"goto": {"target": chain}}] for number, chain in enumerate(chains)]}
    key = {"numgen": {"mode": "random", "mod": len(chains), "offset": 0}}
    return Statement(f"numgen random mod {len(chains)} vmap {{ {verdicts} }}", {"vmap": {"key": key, "data": data}})


@checked
def remember(name: str) -> Statement:
    """Write the packet's source into a set, or make it stay there for longer."""
    nft_name(name)
    return Statement(f"update @{name} {{ ip saddr }}", {"set": {"op": "update", "elem": _payload("saddr"), "set": f"@{name}"}})


@checked
def remembered(name: str) -> Statement:
    """The packet's source is in a set."""
    nft_name(name)
    return Statement(f"ip saddr @{name}", {"match": {"op": "==", "left": _payload("saddr"), "right": f"@{name}"}})


@checked
def look_up_host(name: str, which: Literal["saddr", "daddr"]) -> Statement:
    """Look up the packet's source or destination in a map of verdicts."""
    nft_name(name)
    return Statement(f"ip {which} vmap @{name}", {"vmap": {"key": _payload(which), "data": f"@{name}"}})


@checked
def look_up_interface(name: str, which: Literal["iifname", "oifname"]) -> Statement:
    """Look up the interface that the packet came in by, or is to leave by, in a map of verdicts."""
    nft_name(name)
    return Statement(f"{which} vmap @{name}", {"vmap": {"key": {"meta": {"key": which}}, "data": f"@{name}"}})


@checked
def member(name: str, which: Literal["saddr", "daddr", "service"], negate: bool = False) -> Statement:
    """The packet's source or destination is in a set, *negate*: is not; *which* "service": destination, protocol and port together."""
    nft_name(name)
    text, left = _fields(service=True, address=True) if which == "service" else (f"ip {which}", _payload(which))
    match = {"op": "!=" if negate else "==", "left": left, "right": f"@{name}"}
    return Statement(f"{text} {'!= ' if negate else ''}@{name}", {"match": match})


def text(rule: Iterable[Statement]) -> str:
    """A rule as a person types it."""
    return " ".join(map(str, rule))


def json(rule: Iterable[Statement]) -> list[dict[str, Any]]:
    """A rule's ``expr``."""
    return [statement.json for statement in rule]
