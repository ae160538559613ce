"""`bridge` and `tc`: ports, forwarding entries, VLANs, queues and filters."""

from __future__ import annotations

from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import production


@production("bridge link", 3)
def port(d: Draw) -> str:
    words = d.pick(
        "isolated",
        "learning",
        "flood",
        "mcast_flood",
        "bcast_flood",
        "hairpin",
        "guard",
        "root_block",
        "neigh_suppress",
        "locked",
        "learning_sync",
    )
    return f"bridge link set dev {d.port()} {words} {d.pick('on', 'off')}"


@production("bridge link")
def port_numbers(d: Draw) -> str:
    return f"bridge link set dev {d.port()} {d.pick('cost 7', 'priority 3', f'state {d.number(0, 4)}', 'hwmode veb', 'mcast_max_groups 5')}"


@production("bridge fdb", 3)
def entry(d: Draw) -> str:
    what = d.pick("master static", "master permanent", "self permanent", "master dynamic", "self local", f"self dst {d.address()}")
    verb, mac = d.pick("add", "replace", "append"), d.mac()
    return f"bridge fdb {verb} {mac} dev {d.port() if d.flip(0.7) else d.dev()} {what}{d.maybe('vlan 1', 0.1)}"


@production("bridge fdb")
def forget(d: Draw) -> str:
    return d.pick(
        f"bridge fdb flush dev {d.bridge()}",
        f"bridge fdb del {d.mac()} dev {d.port()} master",
        f"bridge fdb flush dev {d.bridge()} permanent",
    )


@production("bridge vlan", 4)
def vlan(d: Draw) -> str:
    number = d.pick(1, 1, 7, 100)
    filtering = d.maybe(f"; ip link set {d.bridge()} type bridge vlan_filtering 1", 0.5).replace(" ;", ";")
    if d.flip(0.3):
        return f"bridge vlan {d.pick('add', 'del')} vid {number} dev {d.bridge()} self{d.maybe('pvid untagged', 0.0)}{filtering}"
    return d.pick(
        f"bridge vlan add vid {number} dev {d.port()}{d.pick('', ' pvid untagged', ' untagged', ' pvid')}{filtering}",
        f"bridge vlan del vid 1 dev {d.port()}{filtering}",
    )


@production("bridge mdb")
def multicast(d: Draw) -> str:
    return f"bridge mdb add dev {d.bridge()} port {d.port()} grp 239.1.1.{d.number(1, 9)} permanent"


@production("tc qdisc", 2)
def queue(d: Draw) -> str:
    kind = d.pick(
        "tbf rate 1mbit burst 32kbit latency 400ms", "tbf rate 8bit burst 10b latency 1ms", "pfifo limit 10", "bfifo limit 10",
        "pfifo limit 0", "htb default 10", "htb", "noqueue",
        "pfifo_fast", "tbf rate 100mbit burst 1mb latency 50ms", "mq", "prio",
    )  # fmt: skip
    return f"tc qdisc {d.pick('add', 'replace')} dev {d.dev()} root {kind}"


@production("tc qdisc")
def htb_class(d: Draw) -> str:
    dev = d.dev()
    default = d.pick(10, 20)
    made = f"tc qdisc replace dev {dev} root handle 1: htb default {default}"
    return f"{made}; tc class add dev {dev} parent 1: classid 1:10 htb rate {d.pick('1mbit', '100mbit', '8bit')}"


@production("tc qdisc")
def clsact(d: Draw) -> str:
    return f"tc qdisc add dev {d.dev()} {d.pick('clsact', 'ingress')}"


def _u32(d: Draw) -> str:
    return d.pick(
        f"match ip dst {d.where()}",
        f"match ip src {d.where()}",
        "match ip protocol 1 0xff",
        "match u32 0 0",
        "match ip protocol 6 0xff match ip dport 8080 0xffff",
        "match ip tos 0x10 0xff",
    )


@production("tc filter", 4)
def bytecode(d: Draw) -> str:
    """Classic BPF in direct-action mode: 2 is drop, 0 pass, 1 the next one's turn; some look at the protocol first."""
    verdict = d.pick(0, 2, 2, 4294967295, 1)
    program = d.pick(
        f"1,6 0 0 {verdict},", f"4,48 0 0 23,21 0 1 1,6 0 0 {verdict},6 0 0 0,",
        f"4,40 0 0 12,21 0 1 2054,6 0 0 {verdict},6 0 0 4294967295,",
        f"4,32 0 0 30,21 0 1 {0x0AF40000 + d.number(1, 3) * 256 + 2},6 0 0 {verdict},6 0 0 4294967295,",
    )  # fmt: skip
    dev = d.dev()
    return f"tc qdisc replace dev {dev} clsact; tc filter add dev {dev} {d.pick('ingress', 'egress')} bpf da bytecode '{program}'"


@production("tc filter")
def u32(d: Draw) -> str:
    dev = d.dev()
    return (
        f"tc qdisc replace dev {dev} root handle 1: htb default 10; tc class add dev {dev} parent 1: classid 1:10 htb rate 100mbit; "
        f"tc class add dev {dev} parent 1: classid 1:20 htb rate {d.pick('8bit', '10mbit')}; "
        f"tc filter add dev {dev} parent 1: protocol ip u32 {_u32(d)} flowid 1:20"
    )


@production("tc filter")
def u32_ingress(d: Draw) -> str:
    dev = d.dev()
    way, protocol = d.pick("ingress", "egress"), d.pick("ip", "arp", "all")
    return f"tc qdisc replace dev {dev} clsact; tc filter add dev {dev} {way} protocol {protocol} u32 {_u32(d)} classid 1:1"
