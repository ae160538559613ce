"""`nft`: a table with a chain at some hook and rules in it, of every family."""

from __future__ import annotations

from live.mischief.grammar import nft_match
from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import production

HOOKS = {
    "ip": ("prerouting", "input", "forward", "forward", "output", "postrouting"),
    "inet": ("prerouting", "input", "forward", "forward", "output", "postrouting", "ingress"),
    "bridge": ("prerouting", "input", "forward", "forward", "output", "postrouting"),
    "arp": ("input", "output"),
    "netdev": ("ingress", "egress"),
    "ip6": ("forward", "input"),
}
FAMILIES = ("ip", "ip", "ip", "inet", "inet", "bridge", "bridge", "arp", "netdev", "netdev", "ip6")
FIRST = ("prerouting", "input", "forward", "ingress")
LAST = ("output", "forward", "postrouting", "egress")


class Chain:
    """Where rules are to be written: a family, a hook, and what can be matched there."""

    def __init__(self, d: Draw, family: str, hook: str) -> None:
        self.d, self.family, self.hook = d, family, hook
        self.first, self.last = hook in FIRST, hook in LAST

    @property
    def base(self) -> str:
        """What makes it a base chain."""
        d = self.d
        dev = f' device "{d.dev()}"' if self.hook in ("ingress", "egress") else ""
        numbers = d.pick("0", "0", "-150", "-300", "10", "-5") if self.family in ("ip", "inet", "ip6") else d.pick("0", "-200", "10")
        kind = "route" if self.hook == "output" and self.family in ("ip", "inet") and d.flip(0.2) else "filter"
        return f"type {kind} hook {self.hook}{dev} priority {numbers}; policy {d.pick('accept', 'accept', 'accept', 'drop')};"

    def match(self) -> str:
        """One match of what this hook sees."""
        d = self.d
        if self.family == "arp":
            return nft_match.arp(d)
        if self.family == "ip6":
            return d.pick("meta nfproto ipv6", "icmpv6 type echo-request", "meta l4proto ipv6-icmp")
        if self.family in ("bridge", "netdev") and d.flip(0.35):
            return nft_match.frame(d)
        tracked = [lambda: nft_match.tracked(d)] * 3 if self.family in ("ip", "inet") and self.hook != "ingress" else []
        routed = [lambda: nft_match.looked_up(d, self.first)] if tracked else []
        return d.pick(
            *[lambda: nft_match.ip(d)] * 5, *[lambda: nft_match.transport(d)] * 3, *[lambda: nft_match.meta(d, self.first, self.last)] * 3,
            lambda: nft_match.uncertain(d), *tracked, *routed,
        )  # fmt: skip

    def matches(self) -> str:
        """None to three of them."""
        return " ".join(self.match() for _ in range(self.d.pick(0, 0, 1, 1, 1, 1, 2, 3)))

    def statement(self) -> str:
        """What is done with what matched."""
        d = self.d
        return d.pick(
            "drop",
            "drop",
            "drop",
            "drop",
            "accept",
            "accept",
            "counter",
            "return",
            "continue",
            "counter drop",
            "counter accept",
            'log prefix "x"',
            self._more,
            self._more,
            self._more,
        )

    def _more(self) -> str:
        d = self.d
        layer3 = [
            "ip ttl set 1",
            "ip ttl set 32",
            "ip dscp set ef",
            f"ip saddr set {d.address()}",
            f"ip daddr set {d.address()}",
            "queue num 0 bypass",
            "queue num 0",
        ]
        if self.family == "arp":
            return d.pick("drop", "accept", f"arp saddr ether set {d.mac()}", f"arp daddr ip set {d.address()}")
        marks = [
            f"meta mark set {d.plain_mark()}",
            f"meta priority set 1:{d.number(1, 9)}",
            "meta nftrace set 1",
            f"meta pkttype set {d.pick('host', 'other')}",
        ]
        if self.family == "netdev":
            return d.pick(
                *layer3[:5],
                *marks,
                f'fwd to "{d.dev()}"',
                f'dup to "{d.dev()}"',
                f"ether daddr set {d.mac()}",
                f"ip daddr set {d.address()}",
            )
        if self.family == "bridge":
            return d.pick(
                *layer3,
                *marks,
                f"ether daddr set {d.mac()}",
                f"ether saddr set {d.mac()}",
                *(["reject"] if self.hook in ("prerouting", "input") else []),
            )
        if self.hook == "ingress":
            return d.pick(*layer3[:5], *marks)
        own = (
            ["reject", "reject with icmp type admin-prohibited", "reject with icmp type host-unreachable"]
            if self.hook in ("input", "forward", "output")
            else []
        )
        early = ["notrack", "notrack", "ct zone set 5"] if self.hook in ("prerouting", "output") else []
        dup = [f"dup to {d.address()}", f'dup to {d.address()} device "{d.dev()}"'] if self.family == "ip" else []
        return d.pick(
            *layer3,
            *marks,
            *own,
            *early,
            *dup,
            f"ct mark set {d.plain_mark()}",
            "meta l4proto tcp reject with tcp reset",
            "tcp flags syn tcp option maxseg size set 500",
        )


def _chain(d: Draw, *families: str) -> Chain:
    family = d.pick(*(families or FAMILIES))
    hooks = [hook for hook in HOOKS[family] if hook != "forward" or not d.in_pod or d.flip(0.2)]
    return Chain(d, family, d.pick(*(hooks or HOOKS[family])))


def script(*lines: str) -> str:
    """One call of `nft` for several lines."""
    return "nft -f - <<'EOF'\n" + "\n".join(lines) + "\nEOF"


def table(d: Draw, chain: Chain, rules: list[str], before: str = "", after: str = "", flags: str = "") -> str:
    """A whole table, as people write it into a file."""
    name = d.pick("t", "filter", "mine", "lab")
    parts = [f"table {chain.family} {name} {{", flags, before, "chain c {", chain.base, *rules, "}", after, "}"]
    return script(*[part for part in parts if part])


@production("nft", 8)
def rules(d: Draw) -> str:
    chain = _chain(d)
    return table(d, chain, [f"{chain.matches()} {chain.statement()}".strip() for _ in range(d.pick(1, 1, 1, 2, 3))])


def _by_name(d: Draw, names: dict[str, str], verdict: str) -> list[str]:
    pairs = ", ".join(f'"{name}" : {what}' for name, what in names.items())
    return [f"iifname vmap {{ {pairs} }}", f'iifname vmap {{ "{d.dev()[:3]}*" : {verdict} }}']


@production("nft", 3)
def verdict_map(d: Draw) -> str:
    chain = _chain(d, "ip", "inet", "bridge")
    verdict, other = d.pick("drop", "accept"), d.pick("drop", "accept", "continue")
    end = d.pick("saddr", "daddr")
    names = {d.dev(): verdict, "eth0": other}
    text = d.pick(
        f"ip {end} vmap {{ {d.subnet()} : {verdict} }}", f"ip {end} vmap {{ {d.address()} : {verdict}, 10.99.0.0/16 : {other} }}",
        f"ip protocol vmap {{ icmp : {verdict}, tcp : {other} }}",
        f"ip saddr . ip daddr vmap {{ {d.address()} . {d.address()} : {verdict} }}",
        f"ip saddr . ip daddr vmap {{ {d.subnet()} . {d.subnet()} : {verdict} }}",
        f"tcp dport vmap {{ 8080 : {verdict}, 22-80 : {other} }}",
        f"meta l4proto vmap {{ tcp : {verdict}, icmp : {other} }}",
        f"ct state vmap {{ established : accept, new : {verdict}, invalid : drop }}",
        *(_by_name(d, names, verdict) if chain.first else []),
        f"ip {end} vmap {{ {d.address()} : jump other }}",
    )  # fmt: skip
    other_chain = f"chain other {{\n{chain.matches()} {d.pick('drop', 'accept', 'return')}\n}}" if "jump other" in text else ""
    return table(d, chain, [text], before=other_chain)


@production("nft", 3)
def named_set(d: Draw) -> str:
    chain = _chain(d, "ip", "inet", "bridge")
    elements = ", ".join(sorted({d.pick(d.address, d.address, "10.99.0.0/16") for _ in range(d.number(1, 4))}))
    flags = d.pick("flags interval; auto-merge;", "flags interval; auto-merge;", "flags interval, timeout; auto-merge; timeout 1h;")
    made = f"set s {{ type ipv4_addr; {flags} elements = {{ {elements} }}; }}"
    named = f"map m {{ type ipv4_addr : verdict; flags interval; elements = {{ {d.subnet()} : {d.pick('drop', 'accept')} }}; }}"
    end = d.pick("saddr", "daddr")
    if d.flip(0.35):
        return table(d, chain, [f"ip {end} vmap @m"], before=named)
    return table(d, chain, [f"ip {end} {d.pick('', '!= ')}@s {chain.statement()}"], before=made)


@production("nft")
def dynamic_set(d: Draw) -> str:
    chain = _chain(d, "ip", "inet")
    made = "set seen { type ipv4_addr; flags dynamic, timeout; timeout 1m; }"
    first = d.pick("add @seen { ip saddr }", "update @seen { ip saddr limit rate over 5/second } drop", "update @seen { ip daddr }")
    return table(d, chain, [first, f"ip {d.pick('saddr', 'daddr')} {d.pick('', '!= ')}@seen {chain.statement()}"], before=made)


@production("nft", 2)
def jumps(d: Draw) -> str:
    chain = _chain(d)
    inner = f"chain inner {{\n{chain.matches()} {chain.statement()}\n{chain.matches()} {chain.statement()}\n}}"
    return table(d, chain, [f"{chain.matches()} {d.pick('jump', 'goto')} inner", f"{chain.matches()} {chain.statement()}"], before=inner)


@production("nft")
def dormant(d: Draw) -> str:
    chain = _chain(d)
    return table(
        d,
        chain,
        [f"{chain.matches()} {chain.statement()}"],
        flags=d.pick("flags dormant;", 'comment "off";') if chain.family != "netdev" else "",
    )


@production("nft", 3)
def translation(d: Draw) -> str:
    family, hook = d.pick("ip", "ip", "inet"), d.pick("prerouting", "output", "postrouting", "postrouting", "input")
    chain = Chain(d, family, hook)
    what = "ip " if family == "inet" else ""
    to = d.pick(d.own, d.address)
    random = d.maybe(d.pick("random", "persistent", "fully-random"), 0.2)
    if hook in ("prerouting", "output"):
        statement = d.pick(
            f"dnat {what}to {to}",
            f"meta l4proto tcp dnat {what}to {d.address()}:{d.tcp_port()}",
            "meta l4proto tcp redirect to :8080",
            f"dnat {what}to {d.address()}",
            "redirect",
        )
        statement = statement if d.flip(0.8) or family == "inet" else f"dnat to ip daddr map {{ {d.address()} : {d.address()} }}"
    elif hook == "postrouting":
        statement = d.pick(
            f"masquerade{random}",
            f"masquerade{random}",
            f"snat {what}to {to}{random}",
            f"meta l4proto tcp snat {what}to {to}:{d.ports()}",
            f"snat {what}to {d.own()}",
        )
    else:
        statement = f"snat {what}to {to}"
    priority = {"prerouting": -100, "output": -100, "postrouting": 100, "input": 100}[hook]
    body = f"type nat hook {hook} priority {priority}; policy accept;"
    lines = [f"table {family} n {{", "chain c {", body, f"{chain.matches()} {statement}", "}", "}"]
    return script(*lines)


@production("nft")
def flow_offload(d: Draw) -> str:
    made = f'flowtable f {{ hook ingress priority 0; devices = {{ "{d.dev("veth", "bridge")}" }}; }}'
    chain = Chain(d, "ip", "forward")
    return table(d, chain, ["meta l4proto tcp flow add @f"], before=made)
