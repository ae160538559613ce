"""`ip link`, `ip addr`, `ip maddr` and `ip netns`: what people do to interfaces."""

from __future__ import annotations

from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import production


@production("ip link", 2)
def up_or_down(d: Draw) -> str:
    return f"ip link set dev {d.dev()} {d.pick('up', 'down')}"


@production("ip link")
def down_and_up(d: Draw) -> str:
    dev = d.dev()
    return f"ip link set {dev} down; ip link set {dev} up"


@production("ip link")
def mtu(d: Draw) -> str:
    return f"ip link set {d.dev()} mtu {d.pick(68, 576, 1280, 1400, 1450, 1500, 9000)}"


@production("ip link")
def mac(d: Draw) -> str:
    return f"ip link set dev {d.dev('veth', 'bridge', 'macvlan', 'vxlan')} address {d.mac()}"


@production("ip link", 2)
def flags(d: Draw) -> str:
    words = d.pick("arp off", "arp on", "multicast off", "allmulticast on", "promisc on", "promisc off", "txqueuelen 0", "txqueuelen 1")
    more = d.pick("alias uplink", "group 7", "txqlen 10", "gso_max_size 1500", "numtxqueues 1", "protodown on", "protodown off")
    return f"ip link set dev {d.dev()} {words if d.flip(0.7) else more}"


@production("ip link")
def master(d: Draw) -> str:
    return f"ip link set {d.dev('veth', 'vxlan', 'macvlan')} {d.pick('nomaster', f'master {d.bridge()}', f'master {d.bridge()}')}"


@production("ip link")
def delete(d: Draw) -> str:
    return f"ip link del {d.dev('veth', 'bridge', 'vxlan', 'macvlan')}"


@production("ip link")
def rename(d: Draw) -> str:
    dev = d.dev()
    return f"ip link set {dev} down; ip link set {dev} name {dev[:11]}-new; ip link set {dev[:11]}-new up"


@production("ip link")
def alternative_name(d: Draw) -> str:
    return f"ip link property add dev {d.dev()} altname other{d.number(0, 9)}"


@production("ip link", 3)
def port_flag(d: Draw) -> str:
    flag = d.pick(
        "isolated", "learning", "flood", "mcast_flood", "bcast_flood", "hairpin", "guard", "root_block", "neigh_suppress", "locked"
    )
    flag = flag if d.flip(0.8) else d.pick("proxy_arp", "proxy_arp_wifi", "fastleave", "mcast_to_unicast", "vlan_tunnel")
    return f"ip link set {d.port()} type bridge_slave {flag} {d.pick('on', 'off')}"


@production("ip link")
def port_state(d: Draw) -> str:
    return f"ip link set {d.port()} type bridge_slave {d.pick(f'state {d.number(0, 4)}', 'cost 100', 'priority 8', 'fdb_flush')}"


@production("ip link", 3)
def bridge_setting(d: Draw) -> str:
    words = d.pick(
        "vlan_filtering 1", "vlan_filtering 0", "stp_state 1", "ageing_time 0", "ageing_time 100", "forward_delay 400",
        "vlan_default_pvid 7",
        "mcast_snooping 0", "mcast_querier 1", "nf_call_iptables 1", "nf_call_arptables 1", "group_fwd_mask 8", "hello_time 200",
        "vlan_stats_enabled 1", "no_linklocal_learn 1", "priority 4096", "vlan_default_pvid 0", "fdb_flush", "mcast_router 2",
    )  # fmt: skip
    return f"ip link set {d.bridge()} type bridge {words}"


@production("ip link", 2)
def new_device(d: Draw) -> str:
    name, dev = f"x{d.number(0, 99)}", d.dev("veth", "bridge")
    made = d.pick(
        f"{name} type bridge", f"{name} type veth peer name {name}p",
        f"{name} link {dev} type macvlan mode {d.pick('bridge', 'private', 'vepa')}",
        f"{name} type vxlan id {d.number(1, 99)} dev {dev} dstport {d.pick(4789, 8472)} local {d.own()}", f"{name} type ifb",
        f"{name} type vxlan id {d.number(1, 99)} remote {d.address()} dstport 4789", f"{name} link {dev} type macvlan mode passthru",
    )  # fmt: skip
    more = d.pick("", f"; ip addr add {d.interface()} dev {name}", f"; ip link set {name} master {d.bridge()}")
    return f"ip link add {made}; ip link set {name} up{more}"


@production("ip link")
def vxlan_setting(d: Draw) -> str:
    dev = d.dev("vxlan")
    return f"ip link set {dev} type vxlan {d.pick('learning', 'nolearning', 'proxy', 'noproxy', 'ttl 1', 'ttl 64', 'ageing 1', 'nol2miss')}"


@production("ip addr", 3)
def add_address(d: Draw) -> str:
    more = d.maybe(
        d.pick("scope link", "scope host", "noprefixroute", "brd +", "metric 50", "label {}:1", "nodad", "valid_lft 600 preferred_lft 0")
    )
    dev = d.dev()
    return f"ip addr add {d.interface()} dev {dev}{more.format(dev[:10])}"


@production("ip addr", 2)
def remove_address(d: Draw) -> str:
    device = d.device()
    if device is None or not device.addresses or d.flip(0.2):
        return f"ip addr flush dev {device.name if device else 'lo'}"
    return f"ip addr del {d.rng.choice(device.addresses)} dev {device.name}"


@production("ip addr", 3)
def change_address(d: Draw) -> str:
    """The same address with another prefix length, scope, or without a route."""
    device = d.device()
    if device is None or not device.addresses:
        return f"ip addr add {d.interface()} dev {d.dev()}"
    text = d.rng.choice(device.addresses)
    ip = text.split("/")[0]
    again = d.pick(
        f"{ip}/{d.pick(8, 16, 25, 28, 30, 32)}",
        f"{text} scope link",
        f"{text} scope host",
        f"{text} noprefixroute",
        f"{ip}/32 peer {d.address()}",
    )
    return f"ip addr del {text} dev {device.name}; ip addr add {again} dev {device.name}"


@production("ip maddr")
def multicast_address(d: Draw) -> str:
    return f"ip maddr add 33:33:00:00:00:{d.number(16, 99)} dev {d.dev()}"


@production("ip netns")
def namespace(d: Draw) -> str:
    name = f"ns{d.number(0, 99)}"
    if d.flip(0.4):
        return f"ip netns add {name}"
    cable = f"c{d.number(0, 99)}"
    plug = d.pick(f"ip link set {cable} master {d.bridge()}", f"ip addr add {d.interface()} dev {cable}")
    made = f"ip link add {cable} type veth peer name eth0 netns {name}; ip link set {cable} up; ip -n {name} link set eth0 up"
    return f"ip netns add {name}; {made}; ip -n {name} addr add {d.interface()} dev eth0; {plug}"
