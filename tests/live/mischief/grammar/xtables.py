"""`iptables` (nft and legacy), `ip6tables`: matches and targets as people, kube-proxy, Docker, Flannel and Calico write them."""

from __future__ import annotations

from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import production

CHAINS = {
    "filter": ("INPUT", "FORWARD", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "POSTROUTING", "POSTROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "FORWARD", "POSTROUTING", "INPUT", "OUTPUT"),
    "raw": ("PREROUTING", "OUTPUT"),
}


def program(d: Draw) -> str:
    """Which of the two; both live in one kernel at once."""
    return d.pick("iptables", "iptables", "iptables", "iptables-legacy")


def _chains(d: Draw, kind: str) -> list[str]:
    """Those of a table; where nothing is passed on, FORWARD only seldom."""
    return [chain for chain in CHAINS[kind] if chain != "FORWARD" or not d.in_pod or d.flip(0.2)]


def _matches(d: Draw, chain: str) -> str:
    return "".join(f" {_match(d, chain)}" for _ in range(d.pick(0, 0, 1, 1, 2)))


def _match(d: Draw, chain: str) -> str:
    names = []
    if chain in ("PREROUTING", "INPUT", "FORWARD"):
        names += [lambda: f"-i {d.dev()}", lambda: f"! -i {d.dev()}", lambda: f"-m physdev --physdev-in {d.port()}"]
    if chain in ("OUTPUT", "FORWARD", "POSTROUTING"):
        names += [lambda: f"-o {d.dev()}", lambda: f"! -o {d.dev()}", lambda: f"-o {d.dev()[:3]}+"]
    if chain in ("FORWARD", "POSTROUTING"):
        names += [lambda: "-m physdev --physdev-is-bridged"]
    return d.pick(
        *[lambda: f"{d.pick('', '! ')}-s {d.where()}"] * 3, *[lambda: f"{d.pick('', '! ')}-d {d.where()}"] * 3, *names,
        lambda: f"-p {d.pick('icmp', 'tcp', 'udp', 'all')}",
        lambda: f"-p icmp -m icmp --icmp-type {d.pick('echo-request', 'echo-reply', '8', 'any')}",
        lambda: f"-p tcp --dport {d.tcp_port()}", lambda: f"-p tcp -m multiport --dports 80,443,{d.tcp_port()}", lambda: "-p tcp --syn",
        lambda: _module(d, chain), lambda: _module(d, chain),
    )  # fmt: skip


_RARE = {
    "PREROUTING": "-m socket",
    "INPUT": "-m socket",
    "FORWARD": "-m devgroup --src-group 0",
    "OUTPUT": "-m realm --realm 7",
    "POSTROUTING": "-m policy --dir out --pol none",
}
_STATES = ("NEW", "ESTABLISHED,RELATED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED", "DNAT", "NEW,ESTABLISHED")


def _module(d: Draw, chain: str) -> str:
    return d.pick(
        lambda: f"-m conntrack --ctstate {d.pick(*_STATES)}",
        lambda: f"-m state --state {d.pick('NEW', 'ESTABLISHED', 'INVALID')}", lambda: f"-m mark {d.pick('', '! ')}--mark {d.mark()}",
        lambda: f"-m addrtype --{d.pick('dst', 'src')}-type {d.pick('LOCAL', 'UNICAST', 'BROADCAST')}",
        lambda: f"-m comment --comment \"{d.pick('kubernetes forwarding rules', 'flanneld masq', 'cali:xyz', 'my rule')}\"",
        lambda: f"-m limit --limit {d.pick(1, 10, 100)}/{d.pick('second', 'minute')}",
        lambda: f"-m iprange --src-range {d.rng.choice(['10.244.1.2-10.244.1.9', '10.0.0.0-10.255.255.255'])}",
        lambda: f"-m statistic --mode random --probability {d.pick('0.5', '0.33333333349', '1.0')}",
        lambda: "-m statistic --mode nth --every 2 --packet 0",
        lambda: f"-m ttl --ttl-{d.pick('eq 64', 'lt 64', 'gt 1', 'eq 63')}",
        lambda: f"-m length --length {d.pick('0:100', '84', '101:65535')}",
        lambda: f"-m pkttype --pkt-type {d.pick('unicast', 'broadcast')}", lambda: f"-m dscp --dscp {d.pick('0x00', '0x2e')}",
        lambda: f"-m connmark --mark {d.mark()}",
        lambda: f"-m recent --name x --{d.pick('set', 'rcheck', 'update --seconds 60')}", lambda: "-m u32 --u32 '6&0xFF=1'",
        lambda: "-m rpfilter" if chain == "PREROUTING" else "-m cpu --cpu 0",
        lambda: f"-m mac --mac-source {d.mac()}" if chain in ("PREROUTING", "FORWARD", "INPUT") else "-m owner --uid-owner 0",
        lambda: f"-m hashlimit --hashlimit-name h --hashlimit-upto {d.pick(1, 100)}/second --hashlimit-mode srcip",
        lambda: "-m string --string hello --algo bm",
        lambda: "-m connbytes --connbytes 2: --connbytes-dir both --connbytes-mode packets",
        lambda: "-m time --timestart 00:00 --timestop 12:00",
        lambda: _RARE[chain],
        lambda: "-p tcp -m connlimit --connlimit-above 2", lambda: f"-m conntrack --ctdir {d.pick('ORIGINAL', 'REPLY')}",
        lambda: f"-m conntrack --ctorigdst {d.where()}",
    )  # fmt: skip


def _target(d: Draw, kind: str, chain: str) -> str:
    if kind == "nat":
        if chain == "POSTROUTING":
            return d.pick(
                "MASQUERADE",
                "MASQUERADE",
                "MASQUERADE --random-fully",
                f"SNAT --to-source {d.pick(d.own, d.address)}",
                f"NETMAP --to {d.subnet()}",
                "ACCEPT",
                "RETURN",
            )
        return d.pick(
            f"DNAT --to-destination {d.address()}",
            f"DNAT --to-destination {d.address()}",
            "REDIRECT",
            "ACCEPT",
            f"NETMAP --to {d.subnet()}",
            "RETURN",
        )
    if kind == "raw":
        return d.pick("NOTRACK", "CT --notrack", "DROP", "ACCEPT", "TRACE", "CT --zone 7", "ACCEPT")
    if kind == "mangle":
        return d.pick(
            f"MARK --set-mark {d.plain_mark()}", f"MARK --set-xmark {d.plain_mark()}/0x4000", "CONNMARK --save-mark",
            "CONNMARK --restore-mark", f"TTL --ttl-{d.pick('set 1', 'set 64', 'dec 1', 'inc 1')}",
            "DSCP --set-dscp 46", "TOS --set-tos 0x10", f"TEE --gateway {d.address()}", "DROP", "ACCEPT",
            "CLASSIFY --set-class 1:1" if chain in ("FORWARD", "OUTPUT", "POSTROUTING") else "RETURN",
        )  # fmt: skip
    return d.pick(
        "DROP",
        "DROP",
        "ACCEPT",
        "ACCEPT",
        "RETURN",
        "REJECT",
        "REJECT --reject-with icmp-host-prohibited",
        "LOG --log-prefix x",
        "NFLOG --nflog-group 5",
        "NFQUEUE --queue-num 0 --queue-bypass",
        "DROP",
        "DROP",
    )


@production("iptables", 8)
def rule(d: Draw) -> str:
    kind = d.pick("filter", "filter", "filter", "nat", "nat", "mangle", "raw")
    chain = d.pick(*_chains(d, kind))
    target = _target(d, kind, chain)
    matches = _matches(d, chain)
    return f"{program(d)} -t {kind} -{d.pick('A', 'I')} {chain}{matches} -j {target}"


@production("iptables", 2)
def port_translation(d: Draw) -> str:
    chain = d.pick("PREROUTING", "OUTPUT")
    target = d.pick(
        f"DNAT --to-destination {d.address()}:{d.tcp_port()}", f"REDIRECT --to-ports {d.tcp_port()}", f"DNAT --to-destination {d.address()}"
    )
    return f"{program(d)} -t nat -A {chain} -p tcp{d.maybe(f'-d {d.where()}')} --dport {d.tcp_port()} -j {target}"


@production("iptables")
def tcp_only(d: Draw) -> str:
    chain = d.pick("INPUT", "FORWARD", "OUTPUT")
    target = d.pick("REJECT --reject-with tcp-reset", "DROP", "ACCEPT")
    return f"{program(d)} -A {chain} -p tcp{d.maybe(f'-s {d.where()}')} --dport {d.tcp_port()} -j {target}"


@production("iptables")
def policy(d: Draw) -> str:
    chain = d.pick("INPUT", "FORWARD", "FORWARD", "OUTPUT")
    accept = d.pick(
        "", f"; {{0}} -A {chain} -s {d.subnet()} -j ACCEPT", f"; {{0}} -A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    )
    one = program(d)
    return f"{one} -P {chain} DROP{accept.format(one)}"


@production("iptables", 2)
def own_chain(d: Draw) -> str:
    kind = d.pick("filter", "mangle", "nat")
    chain, one = d.pick(*_chains(d, kind)), program(d)
    inside = f"{one} -t {kind} -A MINE{_matches(d, chain)} -j {_target(d, kind, chain)}"
    return f"{one} -t {kind} -N MINE; {inside}; {one} -t {kind} -A {chain}{_matches(d, chain)} -{d.pick('j', 'j', 'g')} MINE"


@production("iptables")
def docker(d: Draw) -> str:
    """What Docker writes for a bridge."""
    one, bridge, subnet = program(d), d.bridge(), d.subnet()
    return (
        f"{one} -N DOCKER-USER; {one} -A DOCKER-USER -j RETURN; {one} -N DOCKER; {one} -I FORWARD -j DOCKER-USER; "
        f"{one} -A FORWARD -o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; {one} -A FORWARD -o {bridge} -j DOCKER; "
        f"{one} -A FORWARD -i {bridge} ! -o {bridge} -j ACCEPT; {one} -A FORWARD -i {bridge} -o {bridge} -j ACCEPT; "
        f"{one} -t nat -A POSTROUTING -s {subnet} ! -o {bridge} -j MASQUERADE" + d.maybe(f"; {one} -P FORWARD DROP", 0.5)
    )


@production("iptables")
def kube_proxy(d: Draw) -> str:
    """What kube-proxy writes: its filter chains, and marks for masquerading."""
    one = program(d)
    return (
        f"{one} -t nat -N KUBE-MARK-MASQ; {one} -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000; {one} -t nat -N KUBE-POSTROUTING; "
        f"{one} -t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN; "
        f"{one} -t nat -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000; "
        f"{one} -t nat -A KUBE-POSTROUTING -m comment --comment 'kubernetes service traffic requiring SNAT' -j MASQUERADE --random-fully; "
        f"{one} -t nat -A POSTROUTING -j KUBE-POSTROUTING; {one} -t nat -N KUBE-SVC-X; "
        f"{one} -t nat -A KUBE-SVC-X ! -s {d.subnet()} -j KUBE-MARK-MASQ; "
        f"{one} -t nat -A KUBE-SVC-X -p tcp -m tcp -j DNAT --to-destination {d.address()}:8080; "
        f"{one} -t nat -A {d.pick('PREROUTING', 'OUTPUT')} -d {d.address()}/32 -p tcp -m tcp --dport {d.tcp_port()} -j KUBE-SVC-X; "
        f"{one} -N KUBE-FORWARD; {one} -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP; "
        f"{one} -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT; {one} -A FORWARD -j KUBE-FORWARD"
    )


@production("iptables")
def flannel(d: Draw) -> str:
    """What flanneld writes, for some network and some subnet."""
    one, wide, own = program(d), d.subnet(), d.subnet()
    return (
        f"{one} -t nat -N FLANNEL-POSTRTG; {one} -t nat -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -j RETURN; "
        f"{one} -t nat -A FLANNEL-POSTRTG -s {own} -d {wide} -j RETURN; "
        f"{one} -t nat -A FLANNEL-POSTRTG -s {wide} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully; "
        f"{one} -t nat -A FLANNEL-POSTRTG ! -s {wide} -d {wide} -j MASQUERADE; "
        f"{one} -t nat -A POSTROUTING -j FLANNEL-POSTRTG; {one} -A FORWARD -s {wide} -j ACCEPT; {one} -A FORWARD -d {wide} -j ACCEPT"
    )


@production("iptables")
def calico(d: Draw) -> str:
    """What Felix writes for one workload's policy, by marks."""
    one, dev = program(d), d.dev()
    return (
        f"{one} -N cali-FORWARD; {one} -N cali-tw; {one} -A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000; "
        f"{one} -A cali-FORWARD -o {dev} -j cali-tw; "
        f"{one} -A cali-tw -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; {one} -A cali-tw -m conntrack --ctstate INVALID -j DROP; "
        f"{one} -A cali-tw -s {d.subnet()} -j MARK --set-xmark 0x10000/0x10000; {one} -A cali-tw -m mark --mark 0x10000/0x10000 -j RETURN; "
        f"{one} -A cali-tw -m comment --comment 'Drop if no profiles matched' -j DROP; {one} -I FORWARD -j cali-FORWARD"
    )


@production("ip6tables")
def version6(d: Draw) -> str:
    return (
        f"ip6tables -{d.pick('A', 'I')} {d.pick('INPUT', 'FORWARD')} -p {d.pick('tcp', 'ipv6-icmp', 'all')} -j {d.pick('DROP', 'ACCEPT')}"
    )


def _frame_match(d: Draw, chain: str) -> str:
    side = f"-i {d.port()}" if chain in ("INPUT", "FORWARD", "PREROUTING") else f"-o {d.port()}"
    return d.pick(
        f"{d.pick('-p IPv4', '-p ARP', '-p IPv6', '! -p ARP')}", f"-s {d.mac()}", f"-d {d.mac()}", f"-p IPv4 --ip-dst {d.where()}",
        f"-p IPv4 --ip-src {d.where()}", "-p IPv4 --ip-proto icmp", "-p ARP --arp-op Request", f"-p ARP --arp-ip-dst {d.address()}", side,
        "-d Broadcast", "-d Multicast",
    )  # fmt: skip


@production("ebtables", 4)
def ebtables(d: Draw) -> str:
    kind = d.pick("filter", "filter", "nat")
    chain = d.pick("INPUT", "FORWARD", "OUTPUT") if kind == "filter" else d.pick("PREROUTING", "POSTROUTING", "OUTPUT")
    match = "".join(f" {_frame_match(d, chain)}" for _ in range(d.pick(0, 1, 1)))
    target = d.pick("DROP", "DROP", "ACCEPT", "CONTINUE", "mark --mark-set 0x1")
    if kind == "nat":
        target = (
            d.pick(f"dnat --to-destination {d.mac()}", "redirect")
            if chain == "PREROUTING"
            else f"snat --to-source {d.mac()}"
            if chain == "POSTROUTING"
            else target
        )
    return f"{d.pick('ebtables', 'ebtables', 'ebtables-legacy')} -t {kind} -A {chain}{match} -j {target}"


@production("ebtables")
def ebtables_policy(d: Draw) -> str:
    one = d.pick("ebtables", "ebtables-legacy")
    return f"{one} -P {d.pick('FORWARD', 'INPUT', 'OUTPUT')} {d.pick('DROP', 'ACCEPT')}; {one} -A FORWARD -p ARP -j ACCEPT"


@production("arptables", 2)
def arptables(d: Draw) -> str:
    match = d.pick("", f" -s {d.where()}", f" -d {d.where()}", " --opcode 1", " --opcode 2", f" --source-mac {d.mac()}")
    chain = d.pick("INPUT", "OUTPUT")
    dev = d.maybe(f"-i {d.dev()}" if chain == "INPUT" else f"-o {d.dev()}")
    target = d.pick("DROP", "DROP", "ACCEPT", f"mangle --mangle-ip-s {d.address()}" if chain == "OUTPUT" else "DROP")
    return f"{d.pick('arptables', 'arptables', 'arptables-legacy')} -A {chain}{match}{dev} -j {target}"
