"""What somebody may type on a node or in a Pod of a wired lab, sorted by nothing; and all that tools say of a node's own namespace."""

from __future__ import annotations

import re
from shlex import quote

ON_A_NODE = (
    "ip nexthop add id 7 via 192.168.1.12 dev eth0; ip route add 10.9.0.0/24 nhid 7",
    "ip nexthop add id 8 via 192.168.1.12 dev eth0; ip nexthop add id 9 via 192.168.1.13 dev eth0; "
    "ip nexthop add id 20 group 8/9; ip route add 10.9.1.0/24 nhid 20",
    "ip nexthop add id 8 via 192.168.1.12 dev eth0; ip nexthop add id 21 group 8 type resilient buckets 4 idle_timer 60; "
    "ip route replace 10.244.2.0/24 nhid 21",
    "ip nexthop add id 30 blackhole; ip route replace 10.244.2.0/24 nhid 30",
    "ip rule del pref 0",
    "ip rule flush",
    "ip rule del pref 32766; ip rule add pref 32766 not from 10.9.9.9 lookup main",
    "ip rule add pref 10 fwmark 0x7/0xff lookup 100",
    "ip rule add pref 11 tos 0x10 blackhole",
    "ip rule add pref 12 ipproto icmp prohibit",
    "ip rule add pref 13 not from 10.244.1.0/24 unreachable",
    "ip rule add pref 14 lookup main suppress_prefixlength 24; ip rule add pref 15 dport 80 lookup 9",
    "ip -6 rule add pref 16 from all blackhole",
    "ip route del local 192.168.1.11 dev eth0 table local; ip route del broadcast 192.168.1.255 dev eth0 table local",
    "ip route del local 10.244.1.1 dev v-net-0 table local",
    "ip route flush table local",
    "ip route flush table main",
    "ip route add local 10.244.2.0/24 dev lo",
    "ip route add local 10.7.0.0/16 dev lo proto kernel scope host",
    "ip route add 10.244.2.0/24 tos 0x10 via 192.168.1.99",
    "ip route add 10.8.0.0/16 nexthop via 192.168.1.12 weight 2 nexthop via 192.168.1.13",
    "ip route replace 10.244.2.0/24 via inet6 fe80::1 dev eth0",
    "ip route replace 10.244.2.0/24 via 192.168.1.12 mtu lock 600",
    "ip route add throw 10.244.3.0/24 table 100; ip rule add pref 5 lookup 100",
    "ip -6 addr add fd00::1/64 dev eth0; ip -6 route add fd01::/64 via fd00::2; ip -6 route add blackhole fd02::/64",
    "ip neigh replace 192.168.1.12 lladdr 02:00:00:00:00:66 dev eth0 nud noarp",
    "ip neigh replace 192.168.1.13 lladdr 02:00:00:00:00:66 dev eth0 nud permanent",
    "ip neigh add proxy 192.168.1.77 dev eth0; ip -6 neigh add proxy fd00::9 dev eth0",
    "ip neigh replace 192.168.1.12 lladdr 02:00:00:00:00:66 dev eth0 nud reachable",
    "ip xfrm policy add dir fwd src 10.244.1.0/24 dst 10.244.2.0/24 action block",
    "ip xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 action block; ip xfrm policy setdefault out block",
    "ip xfrm state add src 192.168.1.11 dst 192.168.1.12 proto ah spi 0x100 mode tunnel auth 'hmac(sha1)' 0x0123456789abcdef01",
    "iptables -A FORWARD -j DROP",
    "iptables -t nat -A POSTROUTING -s 10.244.1.0/24 -j MASQUERADE",
    "iptables -P FORWARD DROP; ip6tables -P FORWARD DROP",
    "iptables-legacy -A FORWARD -j DROP",
    "iptables-legacy -P FORWARD DROP",
    "iptables-legacy -t nat -A POSTROUTING -s 10.244.1.0/24 -j MASQUERADE",
    "iptables-legacy -N MINE; iptables-legacy -A MINE -j REJECT; iptables-legacy -I FORWARD -j MINE; ip6tables-legacy -A INPUT -j DROP",
    "iptables-legacy -t mangle -A PREROUTING -j MARK --set-mark 7; iptables-legacy -t raw -A PREROUTING -j DROP",
    "arptables-legacy -A INPUT -j DROP",
    "ebtables -A FORWARD -j DROP",
    "arptables -A INPUT -j DROP",
    "nft add table ip t; nft 'add chain ip t c { type filter hook forward priority 0; policy drop; }'",
    "nft add table netdev t; nft 'add chain netdev t c { type filter hook ingress device \"eth0\" priority 0; policy drop; }'",
    "nft add table bridge t; nft 'add chain bridge t c { type filter hook forward priority 0; policy drop; }'",
    "nft add table inet t; nft 'add chain inet t c { type filter hook input priority 0; }'; nft add rule inet t c ct state new drop",
    "tc qdisc add dev eth0 root pfifo limit 1",
    "tc qdisc add dev eth0 root tbf rate 8kbit burst 1600 limit 3000",
    "tc qdisc add dev eth0 ingress; tc filter add dev eth0 parent ffff: protocol ip u32 match u32 0 0 action mirred egress redirect dev lo",
    "tc qdisc add dev eth0 clsact; tc filter add dev eth0 egress protocol ip u32 match u32 0 0 action mirred egress redirect dev lo",
    "tc qdisc add dev lo root handle 9: prio; tc filter add dev lo parent 9: protocol ip u32 match u32 0 0 flowid 9:3",
    "tc qdisc add dev v-net-0 clsact; tc filter add dev v-net-0 ingress u32 match u32 0 0 action mirred egress redirect dev lo",
    "ip link set eth0 mtu 600; ip link set lo mtu 900",
    "ip link set eth0 txqueuelen 7; ip link set lo txqueuelen 9",
    "ip link set eth0 promisc on; ip link set eth0 allmulticast on; ip link set eth0 multicast off",
    "ip link set eth0 alias mine; ip link set eth0 group 7; ip link set lo alias theirs",
    "ip link property add dev eth0 altname uplink0; ip link set eth0 arp off",
    "ip link set eth0 address 02:00:00:00:00:77",
    "ip link set eth0 protodown on",
    "ip link set eth0 gso_max_size 4000 gso_max_segs 3",
    "ip link set lo promisc on; ip link set lo down",
    "ethtool -K eth0 tx off gso off",
    "ip maddr add 01:00:5e:00:00:7b dev eth0; bridge fdb add 02:00:00:00:00:88 dev eth0 self permanent",
    "ip addr flush dev eth0; ip addr add 192.168.1.11/24 dev eth0 scope link label eth0:a",
    "ip addr flush dev lo",
    "ip addr del 192.168.1.11/24 dev eth0; ip addr add 192.168.1.11/24 brd 192.168.1.77 noprefixroute dev eth0",
    "ip addr change 192.168.1.11/24 dev eth0 valid_lft 100 preferred_lft 50",
    "ip addr add 192.168.1.66/24 dev eth0; ip addr add 10.244.2.1/24 dev lo",
    "sysctl -qw net.ipv4.ip_default_ttl=1 net.ipv4.ip_forward=0",
    "sysctl -qw net.ipv4.conf.all.arp_ignore=8 net.ipv4.conf.eth0.arp_filter=1 net.ipv4.conf.default.rp_filter=1",
    "sysctl -qw net.ipv4.icmp_echo_ignore_all=1 net.ipv4.icmp_ratelimit=7 net.ipv4.ping_group_range='1 0'",
    "sysctl -qw net.ipv4.neigh.eth0.base_reachable_time_ms=1000 net.ipv4.neigh.default.ucast_solicit=1",
    "sysctl -qw net.ipv4.conf.all.forwarding=1 net.ipv4.conf.lo.forwarding=0 net.ipv6.conf.all.forwarding=1",
    "sysctl -qw net.ipv4.ip_local_port_range='20000 20010' net.ipv4.tcp_rmem='4096 5000 6000'",
    "sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
    "sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1 net.ipv4.conf.eth0.log_martians=1 net.ipv4.fib_multipath_hash_policy=1",
    "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; }'; nft add rule ip t c ct state new accept; "
    "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 net.netfilter.nf_conntrack_icmp_timeout=1",
    "sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-arptables=0",
    "bridge fdb flush dev v-net-0",
    "bridge link set dev veth-1-2-br learning off flood off; bridge link set dev veth-1-2-br hairpin on isolated on",
    "ip link set v-net-0 type bridge vlan_filtering 1 vlan_default_pvid 9",
    "ip link set v-net-0 type bridge ageing_time 0 stp_state 1",
    "ip link add vx0 type vxlan id 7 remote 192.168.1.12 dstport 4789 dev eth0; ip link set vx0 master v-net-0 up",
    "ip link add mv0 link eth0 type macvlan mode bridge; ip link set mv0 up; ip addr add 192.168.1.50/24 dev mv0",
    "ip link add vl0 link eth0 type vlan id 7; ip link add du0 type dummy; ip link set du0 up; ip addr add 10.244.2.2/32 dev du0",
    "ip tunnel add ipip1 mode ipip remote 192.168.1.12 local 192.168.1.11; ip link set ipip1 up; ip route replace 10.244.2.0/24 dev ipip1",
    "ip link set eth0 master v-net-0",
    "ip link set eth0 down",
    "ip link del v-net-0; ip netns del pod-1-2",
    "ip netns attach second $$; touch /run/kept; mount --bind /run/netns/pod-1-2 /run/kept",
    "hostname somebody; ip addrlabel add prefix fd00::/8 label 99; ip addrlabel del prefix 2002::/16 label 2",
    "ip netns add mine; ip link add c1 type veth peer name c2 netns mine; ip link set c1 master v-net-0 up",
    "ip link set eth0 xdp obj /dev/null 2>/dev/null; ip route add 10.3.0.0/16 via 192.168.1.12 table 77 metric 5 src 192.168.1.11",
)
"""For node1; each is refused in part by some kernels."""

IN_A_POD = (
    "ip rule del pref 0",
    "ip route flush table local",
    "ip addr flush dev veth-1-2; ip addr add 10.244.1.2/24 dev veth-1-2 scope link",
    "ip link set veth-1-2 address 02:00:00:00:00:99 mtu 600",
    "ip neigh replace 10.244.1.1 lladdr 02:00:00:00:00:99 dev veth-1-2 nud noarp",
    "iptables -A INPUT -j DROP",
    "iptables-legacy -A OUTPUT -j DROP",
    "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; policy drop; }'",
    "tc qdisc add dev veth-1-2 root tbf rate 8kbit burst 1600 limit 3000",
    "sysctl -qw net.ipv4.ip_default_ttl=1 net.ipv4.icmp_echo_ignore_all=1",
    "ip xfrm policy add dir in src 0.0.0.0/0 dst 0.0.0.0/0 action block",
    "ip link set veth-1-2 down",
    "ip nexthop add id 7 via 10.244.1.1 dev veth-1-2; ip route replace default nhid 7",
    "ip link del veth-1-2",
)

COMMANDS = (*ON_A_NODE, *(f"ip netns exec pod-1-2 sh -c {quote(command)}" for command in IN_A_POD))

TOLD = """
ip -d link show; ip -d addr show; ip rule; ip -6 rule; ip -4 route show table all; ip nexthop
ip -6 route show table all | grep -v -e ^local.fe80 -e ^anycast
ip neigh show nud permanent; ip -4 neigh show nud noarp | grep -v -e dev.lo -e ^224; ip neigh show proxy; ip -6 neigh show proxy
ip xfrm policy; ip xfrm state; ip xfrm policy getdefault; ip addrlabel; ip maddr; ip netns | sed 's/ .*//' | sort
tc qdisc show
for one in $(ls /sys/class/net); do echo $one; tc filter show dev $one; tc filter show dev $one ingress; ethtool -k $one; done
tc filter show dev eth0 egress; bridge fdb show | sort; bridge -d link; bridge vlan; nft list ruleset | grep -v -e ^# -e "^ *$"; hostname
arptables-legacy -L | grep -v policy.ACCEPT
for one in iptables ip6tables; do
  case $(cat /proc/net/${one%tables}_tables_names) in ?*) $one-legacy-save | grep -v '^#' | grep -v ACCEPT | grep -e - ;; esac
done
grep nsfs /proc/self/mountinfo | grep -v /run/netns/
cd /proc/sys/net; grep -r . . 2>/dev/null | grep -v nf_conntrack_count | sort
"""


_PASSING = (
    (re.compile(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "MAC"),
    (re.compile(r"33:33:ff:\S+|33:33:ff\S+|ff02::1:ff\S+"), "GROUP"),
    (re.compile(r"@[\w-]+|users \d+|link-netnsid \d+|^\d+: ?", re.M), ""),
    (re.compile(r"\w+_timer +\S+|designated_(root|bridge) \S+|bridge_id \S+|root_id \S+|root_(port|path_cost) \S+"), ""),
    (re.compile(r"fe80::[0-9a-f]+:[0-9a-f:]+"), "LINK-LOCAL"),
    (re.compile(r"\btentative |state [A-Z]+|state \S+ priority|cost \d+|port_(id|no) \S+|[\w.]+ (expires|used) \S+"), ""),
)


def everything_told(node) -> list[str]:
    """All that tools say of a node's own namespace, without what no two labs have alike: MACs, numbers, timers."""
    text = node.shell(TOLD, may_fail=True)
    for passing, word in _PASSING:
        text = passing.sub(word, text)
    return sorted(" ".join(line.split()) for line in text.splitlines())
