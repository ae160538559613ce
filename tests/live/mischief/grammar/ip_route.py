"""`ip route`, `ip rule`, `ip neigh`, `ip nexthop`, `ip xfrm`, `ip ntable`: where packets go, by whom, and not at all."""

from __future__ import annotations

from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import production


def _attributes(d: Draw) -> str:
    words = d.pick(
        "metric 50", "metric 5", f"src {d.own()}", "mtu 1300", "mtu lock 576", "proto static", "scope link", "tos 0x10", "onlink",
        "hoplimit 1",
        "hoplimit 64", "initcwnd 4", "quickack 1", "advmss 500", "realm 7", "rtt 100ms", "table 100", "features ecn", "proto bird",
    )  # fmt: skip
    return f" {words}" if d.flip(0.45) else ""


def _target(d: Draw) -> str:
    return d.pick(d.subnet, d.subnet, d.address, "default")


@production("ip route", 5)
def via(d: Draw) -> str:
    verb, target = d.pick("add", "replace", "append", "prepend"), _target(d)
    return f"ip route {verb} {target} via {d.address()}{d.maybe(f'dev {d.dev()}', 0.4)}{_attributes(d)}"


@production("ip route", 2)
def onto_a_link(d: Draw) -> str:
    return f"ip route {d.pick('add', 'replace')} {_target(d)} dev {d.dev()}{_attributes(d)}"


@production("ip route", 2)
def special(d: Draw) -> str:
    kind = d.pick("blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "multicast", "anycast")
    dev = f" dev {d.dev()}" if kind in ("local", "broadcast", "anycast", "multicast") else ""
    return f"ip route {d.pick('add', 'replace')} {kind} {d.where()}{dev}{d.maybe('metric 5', 0.2)}"


@production("ip route", 3)
def several_hops(d: Draw) -> str:
    hops = [f"nexthop via {d.address()}{d.maybe(f'dev {d.dev()}', 0.3)} weight {d.number(1, 4)}" for _ in range(d.number(1, 3))]
    return f"ip route {d.pick('add', 'replace')} {_target(d)} {' '.join(hops)}"


@production("ip route")
def via_ipv6(d: Draw) -> str:
    return f"ip route replace {d.subnet()} via inet6 fe80::{d.number(1, 9)} dev {d.dev()}"


@production("ip route", 4)
def remove(d: Draw) -> str:
    """Take away one that is there, whichever the kernel lists at that place."""
    which = d.number(1, 9)
    table = d.pick("", "", "table local")
    pick = f'ip -4 route show {table} | sed -n "$(( {which} % $(ip -4 route show {table} | wc -l) + 1 ))p"'
    return f"ip route del $({pick}) {table}"


@production("ip route")
def flush(d: Draw) -> str:
    return d.pick(f"ip route flush {d.subnet()}", f"ip route flush dev {d.dev()}", "ip route flush cache", "ip route flush proto static")


@production("ip route")
def encapsulated(d: Draw) -> str:
    return f"ip route replace {d.subnet()} encap ip id 7 dst {d.address()} dev {d.dev()}"


@production("ip rule", 4)
def rule(d: Draw) -> str:
    selector = d.pick(
        lambda: f"from {d.where()}", lambda: f"to {d.where()}", lambda: f"iif {d.dev()}", lambda: f"oif {d.dev()}",
        lambda: f"fwmark {d.mark()}",
        lambda: f"from {d.subnet()} to {d.subnet()}", lambda: f"not from {d.subnet()}", lambda: f"not to {d.subnet()}", "tos 0x10",
        "from all",
        lambda: f"ipproto {d.pick('icmp', 'tcp', 'udp')}", lambda: f"dport {d.tcp_port()}", lambda: f"ipproto tcp sport {d.ports()}",
        "uidrange 0-0", "uidrange 1000-2000", "dsfield 0x08",
    )  # fmt: skip
    action = d.pick(
        "lookup 100",
        "lookup main",
        "lookup local",
        "blackhole",
        "unreachable",
        "prohibit",
        "goto 32766",
        "table 200",
        "lookup default",
        "nop",
    )
    more = d.maybe(d.pick("suppress_prefixlength 0", "suppress_prefixlength 24", "suppress_ifgroup 7"), 0.2) if "lookup" in action else ""
    priority = d.pick("", f" priority {d.pick(5, 100, 1000, 32000, 32770)}")
    filled = d.pick(
        "",
        f"; ip route replace {d.pick('default', d.subnet())} via {d.address()} table 100",
        f"; ip route replace blackhole {d.subnet()} table 100",
    )
    return f"ip rule add {selector} {action}{more}{priority}{filled}"


@production("ip rule")
def remove_rule(d: Draw) -> str:
    return d.pick(
        "ip rule del lookup main",
        "ip rule del lookup default",
        "ip rule add lookup local priority 100; ip rule del priority 0",
        "ip rule flush",
    )


@production("ip neigh", 4)
def neighbour(d: Draw) -> str:
    state = d.pick("permanent", "permanent", "noarp", "reachable", "stale", "failed", "delay", "probe", "incomplete", "none")
    mac = "" if state in ("failed", "incomplete", "none") else f" lladdr {d.mac()}"
    return f"ip neigh replace {d.address()}{mac} dev {d.dev()} nud {state}{d.maybe(d.pick('router', 'extern_learn', 'managed'), 0.1)}"


@production("ip neigh")
def proxy_neighbour(d: Draw) -> str:
    return f"ip neigh add proxy {d.address()} dev {d.dev()}"


@production("ip neigh")
def flush_neighbours(d: Draw) -> str:
    return d.pick(f"ip neigh flush dev {d.dev()}", "ip neigh flush all", f"ip neigh del {d.address()} dev {d.dev()}")


@production("ip nexthop", 2)
def nexthop(d: Draw) -> str:
    made = d.pick(
        f"via {d.address()} dev {d.dev()}", f"via {d.address()} dev {d.dev()}{d.maybe('onlink', 0.5)}", "blackhole", f"dev {d.dev()}"
    )
    group = f"; ip nexthop add id 8 {made}; ip nexthop add id 9 group 7/8" if d.flip(0.3) else ""
    return f"ip nexthop add id 7 {made}{group}; ip route {d.pick('add', 'replace')} {_target(d)} nhid {9 if group else 7}"


@production("ip xfrm", 2)
def xfrm_policy(d: Draw) -> str:
    way, selector = (
        d.pick("in", "out", "fwd"),
        f"src {d.subnet()} dst {d.subnet()}{d.maybe(d.pick('proto icmp', 'proto tcp', 'proto udp'))}",
    )
    action = d.pick("action block", "action allow", f"tmpl src {d.own()} dst {d.address()} proto esp mode {d.pick('tunnel', 'transport')}")
    return f"ip xfrm policy add {selector} dir {way}{d.maybe(f'priority {d.number(1, 9)}')} {action}"


@production("ip xfrm")
def xfrm_state(d: Draw) -> str:
    keys = "auth 'hmac(sha1)' 0x0123456789012345678901234567890123456789 enc 'cbc(aes)' 0x01234567890123456789012345678901"
    return d.pick(
        f"ip xfrm state add src {d.own()} dst {d.address()} proto esp spi {d.number(256, 999)} mode tunnel {keys}",
        f"ip xfrm policy setdefault {d.pick('in', 'fwd', 'out')} {d.pick('block', 'accept')}",
    )


@production("ip ntable")
def neighbour_table(d: Draw) -> str:
    dev = d.dev()
    number = d.pick("queue 0", "ucast_probes 0", "mcast_probes 0", "base_reachable 1000", "app_probes 3")
    return f"ip ntable change name arp_cache dev {dev} {number}"
