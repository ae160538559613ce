"""`sysctl`: every setting of IPv4, bridges and netfilter that the namespace has, with values that a person may try."""

from __future__ import annotations

from live.mischief.grammar.draw import Draw
from live.mischief.grammar.production import production

VALUES = {
    "rp_filter": "012", "arp_ignore": "012348", "arp_announce": "012", "arp_filter": "01", "arp_accept": "012", "arp_notify": "01",
    "ip_default_ttl": ("1", "2", "3", "16", "64", "128"), "tcp_ecn": "012", "tcp_timestamps": "012", "tcp_syncookies": "012",
    "tcp_sack": "01",
    "icmp_ratelimit": ("0", "1000", "10"), "icmp_ratemask": ("0", "6168", "6169"), "mtu_expires": ("600",),
    "base_reachable_time_ms": ("1000", "30000"),
    "ip_local_port_range": ('"32768 60999"', '"10000 10010"'), "ping_group_range": ('"1 0"', '"0 2147483647"'),
    "ip_local_reserved_ports": ("8080", "7-90"),
    "tcp_rmem": ('"4096 131072 6291456"',), "tcp_wmem": ('"4096 16384 4194304"',), "min_pmtu": ("552", "1000"),
    "force_igmp_version": "0123",
    "tcp_congestion_control": ("reno", "cubic"), "tcp_available_ulp": ("",), "tcp_fastopen": "0137", "medium_id": ("0", "1", "2", "-1"),
    "gc_stale_time": ("1", "60"), "locktime": ("0", "100"), "proxy_delay": ("0", "80"), "retrans_time_ms": ("100", "1000"),
    "unres_qlen": "0137", "unres_qlen_bytes": ("0", "256", "212992"),
    "ucast_solicit": "013", "mcast_solicit": "013", "app_solicit": "01", "mcast_resolicit": "01", "delay_first_probe_time": "015",
    "anycast_delay": ("0", "100"),
    "fib_multipath_hash_policy": "0123", "fib_multipath_hash_fields": ("7", "1", "63"), "ip_no_pmtu_disc": "0123",
    "tcp_min_snd_mss": ("48", "500"), "tcp_base_mss": ("1024", "500"),
}  # fmt: skip
"""What is plausible where 0 and 1 are not all; a text is a choice of its characters."""

CONF = (
    "forwarding", "rp_filter", "arp_ignore", "arp_announce", "arp_filter", "proxy_arp", "proxy_arp_pvlan", "accept_local",
    "route_localnet", "accept_source_route", "send_redirects",
    "accept_redirects", "secure_redirects", "src_valid_mark", "log_martians", "drop_unicast_in_l2_multicast", "disable_policy",
    "disable_xfrm", "arp_accept", "arp_notify",
    "bc_forwarding", "ignore_routes_with_linkdown", "promote_secondaries", "shared_media", "tag", "medium_id", "arp_evict_nocarrier",
    "drop_gratuitous_arp", "mc_forwarding", "bootp_relay",
)  # fmt: skip
TIMES = (
    "timeout",
    "time",
    "interval",
    "_max",
    "thresh",
    "mem",
    "backlog",
    "buckets",
    "probes",
    "retries",
    "limit",
    "window",
    "orphans",
    "hash",
)


def _value(d: Draw, path: str) -> str:
    name = path.rsplit("/", 1)[1]
    if name in VALUES:
        return d.pick(*VALUES[name])
    if any(word in name for word in TIMES):
        return d.pick("1", "10", "60", "120", "600")
    return d.pick("0", "1")


def _write(d: Draw, path: str) -> str:
    return f"sysctl -w {path.replace('.', '@').replace('/', '.').replace('@', '/')}={_value(d, path)}"


@production("sysctl", 3)
def any_setting(d: Draw) -> str:
    return _write(d, d.pick(*d.space.sysctls))


@production("sysctl", 5)
def interface_setting(d: Draw) -> str:
    return _write(d, f"net/ipv4/conf/{d.pick('all', 'all', 'default', d.dev(), d.dev(), d.dev())}/{d.pick(*CONF)}")


@production("sysctl")
def neighbour_setting(d: Draw) -> str:
    mine = [path for path in d.space.sysctls if "/neigh/" in path]
    return _write(d, d.pick(*mine))


@production("sysctl", 3)
def whole_namespace(d: Draw) -> str:
    mine = [path for path in d.space.sysctls if path.count("/") == 2]
    return _write(d, d.pick(*mine))


@production("sysctl", 2)
def well_known(d: Draw) -> str:
    return "sysctl -w " + d.pick(
        "net.ipv4.ip_forward=0", "net.ipv4.ip_forward=1", "net.ipv4.icmp_echo_ignore_all=1", "net.ipv4.icmp_echo_ignore_broadcasts=0",
        "net.ipv4.ip_nonlocal_bind=1",
        "net.ipv4.ip_forward_update_priority=0", "net.ipv4.fwmark_reflect=1", "net.ipv4.ip_forward_use_pmtu=1",
        "net.ipv4.tcp_l3mdev_accept=1", "net.ipv4.ip_early_demux=0", "net.ipv4.conf.all.forwarding=0",
        "net.bridge.bridge-nf-call-iptables=1", "net.bridge.bridge-nf-call-arptables=1", "net.bridge.bridge-nf-call-iptables=0",
        "net.netfilter.nf_conntrack_tcp_be_liberal=1",
    )  # fmt: skip


@production("sysctl")
def ipv6(d: Draw) -> str:
    return f"sysctl -w net.ipv6.conf.{d.pick('all', 'default')}.{d.pick('disable_ipv6=1', 'forwarding=1', 'accept_ra=0')}"
