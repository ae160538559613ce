"""Matches of nftables: 0 to 3 of them before a verdict, whatever the family can read."""

from __future__ import annotations

from live.mischief.grammar.draw import Draw


def addresses(d: Draw, most: int = 3) -> str:
    """An anonymous set of addresses that do not overlap."""
    return "{ " + ", ".join(sorted({d.address() for _ in range(d.number(1, most))})) + " }"


def ip(d: Draw) -> str:
    """Something of the IPv4 header."""
    end = d.pick("saddr", "daddr")
    return d.pick(
        lambda: f"ip {end} {d.where()}", lambda: f"ip {end} {d.where()}", lambda: f"ip {end} != {d.where()}",
        lambda: f"ip {end} {addresses(d)}",
        lambda: f"ip {end} != {addresses(d)}", lambda: f"ip {end} 10.244.{d.number(1, 2)}.2-10.244.{d.number(2, 3)}.9",
        lambda: f"ip {end} & 255.255.0.255 == 10.244.0.{d.number(1, 3)}",
        lambda: f"ip saddr . ip daddr {{ {d.address()} . {d.address()} }}",
        lambda: f"ip protocol {d.pick('icmp', 'tcp', 'udp', '{ icmp, tcp }', '!= icmp')}",
        lambda: f"ip ttl {d.pick('64', '< 64', '> 1', '63', '62-64')}",
        lambda: f"ip dscp {d.pick('cs0', 'ef', '!= cs0')}", lambda: f"ip length {d.pick('> 100', '< 100', '84', '28-84')}",
        "ip version 4", "ip hdrlength 5",
        lambda: f"ip id {d.pick('0', '> 0')}", lambda: f"ip frag-off & 0x1fff {d.pick('!= 0', '== 0')}", "ip ecn not-ect",
        lambda: f"ip saddr {d.subnet()} ip daddr {d.subnet()}",
    )  # fmt: skip


_ICMP = ("echo-request", "echo-reply", "{ echo-request, echo-reply }", "destination-unreachable", "!= echo-request")


def transport(d: Draw) -> str:
    """Something of ICMP, TCP or UDP."""
    return d.pick(
        lambda: f"icmp type {d.pick(*_ICMP)}",
        lambda: f"tcp dport {d.pick(d.tcp_port(), d.ports(), '{ 80, 443, 8080 }', '!= 22')}",
        lambda: f"tcp sport {d.pick(d.tcp_port(), '1024-65535')}",
        lambda: f"udp dport {d.tcp_port()}",
        lambda: f"tcp flags {d.pick('syn', 'syn / syn,ack', '& (fin | syn | rst | ack) == syn', 'ack', '! syn')}",
        lambda: f"meta l4proto {d.pick('icmp', 'tcp', 'udp', '{ tcp, udp }', '!= icmp')}", lambda: f"th dport {d.tcp_port()}",
        "icmp code 0", "icmp id > 7",
        lambda: f"@th,16,16 {d.tcp_port()}", "@th,0,8 8", "icmp sequence 1", "tcp option maxseg exists", "meta l4proto tcp",
    )  # fmt: skip


def meta(d: Draw, incoming: bool, outgoing: bool) -> str:
    """Something beside the packet: mark, size, kind, time."""
    choices = [
        lambda: f"meta mark {d.pick(d.plain_mark(), '!= 0x1', '& 0x4000 == 0x4000', '0')}",
        lambda: f"meta length {d.pick('> 60', '< 1000', '84')}",
        lambda: f"meta pkttype {d.pick('host', 'broadcast', 'other', 'multicast', '!= host')}",
        lambda: f"meta protocol {d.pick('ip', 'arp', 'ip6')}",
        "meta cpu 0", lambda: f"meta random < {d.pick(0, 1000000000, 4294967295)}", "meta priority 0",
        lambda: f"meta day {d.pick('Monday', 'Sunday')}",
        lambda: f"meta hour \"{d.pick('00:00', '09:00')}\"-\"{d.pick('17:00', '23:59')}\"", "meta skuid 0", "meta skgid != 0",
        "meta nftrace 0",
    ]  # fmt: skip
    names = [
        *(["iifname", "iif", "meta iiftype", "meta iifgroup", "meta iifkind"] if incoming else []),
        *(["oifname", "oif", "meta oifkind"] if outgoing else []),
    ]
    if names and d.flip(0.6):
        return _name(d, d.pick(*names))
    return d.pick(*choices)


def _name(d: Draw, word: str) -> str:
    if word == "meta iiftype":
        return f"{word} {d.pick('ether', 'loopback', '!= ether')}"
    if word == "meta iifgroup":
        return f"{word} {d.pick('default', '7')}"
    if word.endswith("kind"):
        return f"{word} {d.pick('veth', 'bridge', '!= bridge')}".replace("veth", '"veth"').replace("bridge", '"bridge"')
    value = f'"{d.dev()}"'
    if word.endswith("name"):
        value = d.pick(value, f"!= {value}", f'"{d.dev()[:3]}*"', f'{{ "eth0", {value} }}' if value != '"eth0"' else '{ "eth0" }')
    return f"{word} {value}"


def tracked(d: Draw) -> str:
    """Something that conntrack knows."""
    return d.pick(
        lambda: f"ct state {d.pick('new', 'established', 'established,related', 'invalid', 'untracked', '!= new', '{ new, untracked }')}",
        lambda: f"ct state {d.pick('new', 'established,related', 'invalid')}", lambda: f"ct direction {d.pick('original', 'reply')}",
        lambda: f"ct status {d.pick('dnat', 'snat', 'assured', 'confirmed', 'seen-reply')}", lambda: f"ct mark {d.plain_mark()}",
        "ct zone 0",
        lambda: f"ct original ip {d.pick('saddr', 'daddr')} {d.where()}", "ct expiration > 10s", "ct protocol icmp",
        "ct original packets < 3",
    )  # fmt: skip


def looked_up(d: Draw, incoming: bool) -> str:
    """Something that the routing tables say."""
    more = [lambda: "fib saddr . iif oif missing", lambda: "fib saddr . iif oif exists"] if incoming else []
    return d.pick(
        lambda: f"fib daddr type {d.pick('local', 'unicast', 'broadcast', '!= local')}",
        lambda: f"fib saddr type {d.pick('local', 'unicast', '!= local')}",
        *more,
    )


def uncertain(d: Draw) -> str:
    """Something that may hold or not, with time and traffic."""
    return d.pick(
        lambda: f"limit rate {d.pick('', 'over ')}{d.pick(1, 10, 1000)}/{d.pick('second', 'minute', 'hour')}{d.maybe('burst 5 packets')}",
        lambda: f"limit rate {d.pick('', 'over ')}{d.pick(1, 100)} kbytes/second",
        lambda: f"quota {d.pick('', 'over ')}{d.pick(1, 100, 1000)} {d.pick('bytes', 'mbytes')}",
        lambda: f"numgen random mod 2 {d.pick('0', '< 2', '> 1')}", "numgen inc mod 2 0",
        lambda: f"jhash ip saddr mod 2 {d.number(0, 1)}", lambda: f"ct count over {d.pick(0, 100)}",
    )  # fmt: skip


def frame(d: Draw) -> str:
    """Something of the Ethernet header."""
    return d.pick(
        lambda: f"ether {d.pick('saddr', 'daddr')} {d.pick('', '!= ')}{d.mac()}",
        lambda: f"ether type {d.pick('ip', 'arp', 'ip6', '!= arp', '{ ip, arp }')}",
        "vlan id 7",
    )


def arp(d: Draw) -> str:
    """Something of an ARP packet."""
    return d.pick(
        lambda: f"arp operation {d.pick('request', 'reply', '!= request')}", lambda: f"arp {d.pick('saddr', 'daddr')} ip {d.address()}",
        lambda: f"arp saddr ether {d.mac()}", "arp htype 1", "arp ptype ip",
    )  # fmt: skip
