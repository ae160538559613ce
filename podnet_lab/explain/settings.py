"""
Settings (sysctl) that can decide what becomes of an IPv4 packet: the kernel's default of each, and whether the walk judges it.

Pure. Sources: Documentation/networking/ip-sysctl.rst and nf_conntrack-sysctl.rst of the kernel. What changes no packet's fate
(timers, sizes of tables, what is logged) is `HARMLESS`; a test holds this file against a live kernel's /proc/sys/net, so that a
new setting is sorted before it is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch

JUDGED = {
    "ipv4/ip_forward": 0,  # read as a part of each snapshot, too
    "ipv4/icmp_echo_ignore_all": 0,
    "ipv4/icmp_echo_ignore_broadcasts": 1,
    "ipv4/ip_default_ttl": 64,
    "ipv4/fib_multipath_hash_policy": 0,
    "bridge/bridge-nf-call-iptables": 0,
    "bridge/bridge-nf-call-arptables": 0,
    "bridge/bridge-nf-filter-vlan-tagged": 0,
}
"""Of a namespace: what the walk takes into account, whatever the value."""

JUDGED_OF_DEVICE = ("forwarding", "rp_filter", "proxy_arp", "arp_ignore", "arp_announce", "arp_filter", "disable_policy", "disable_xfrm")
"""Of an interface (net.ipv4.conf.NAME.…): taken into account, whatever the value. Others are the kernel's own routing's."""

ROUTING = frozenset(
    {
        "ipv4/fib_multipath_hash_fields",
        "ipv4/fib_multipath_hash_seed",
        "ipv4/fib_multipath_use_neigh",
        "ipv4/ip_nonlocal_bind",
        "ipv4/nexthop_compat_mode",
    }
)
"""What the kernel's own routing takes into account when it is asked for a packet (`podnet_lab.kernel.route_queries`)."""

ROUTING_OF_DEVICE = frozenset(
    {
        "accept_local",
        "accept_redirects",
        "bc_forwarding",
        "ignore_routes_with_linkdown",
        "log_martians",
        "mc_forwarding",
        "route_localnet",
        "secure_redirects",
        "send_redirects",
        "shared_media",
        "src_valid_mark",
        "tag",
    }
)
"""The same, of an interface; redirects are routes that the routing then has."""

NOT_JUDGED = {
    "ipv4/fwmark_reflect": "0",
    "ipv4/icmp_ratemask": "6168",
    "ipv4/ip_no_pmtu_disc": "0",
    "ipv4/ip_forward_use_pmtu": "0",
    "netfilter/nf_hooks_lwtunnel": "0",
    "core/xfrm_larval_drop": "1",
    "ipv4/xfrm4_gc_thresh": "32768",
}
"""Of a namespace: may decide, and the walk does not follow how; named where it is not the kernel's default."""

NOT_JUDGED_TCP = {
    "netfilter/nf_conntrack_tcp_loose": "1",
    "ipv4/tcp_abort_on_overflow": "0",
    "ipv4/tcp_fwmark_accept": "0",
    "ipv4/tcp_migrate_req": "0",
    "ipv4/tcp_syncookies": "1",
    "ipv4/tcp_syn_retries": "6",
    "ipv4/tcp_synack_retries": "5",
    "ipv4/tcp_max_syn_backlog": "",
    "ipv4/tcp_min_snd_mss": "48",
    "ipv4/tcp_base_mss": "1024",
    "ipv4/tcp_l3mdev_accept": "0",
    "ipv4/ip_local_port_range": "32768\t60999",
    "core/somaxconn": "4096",
}
"""The same, of connections alone; a default of "" is the machine's, and any value is let pass."""

NOT_JUDGED_OF_DEVICE = {
    "accept_source_route": ("0", "1"),
    "drop_unicast_in_l2_multicast": ("0",),
    "proxy_arp_pvlan": ("0",),
    "arp_evict_nocarrier": ("1",),
    "medium_id": ("0",),
}
"""Of an interface (net.ipv4.conf.NAME.…), with the values that change nothing for the packets of this book."""

NOT_JUDGED_OF_NEIGHBOUR = {"app_solicit": ("0",), "proxy_qlen": ("64",)}
"""Of an interface's neighbours (net.ipv4.neigh.NAME.…)."""

JUDGED_OF_NEIGHBOUR = ("mcast_solicit",)
"""The same, taken into account: without a question for a MAC nothing is sent."""

TOO_LOW = {
    "netfilter/nf_conntrack_generic_timeout": 2,
    "netfilter/nf_conntrack_icmp_timeout": 2,
    "netfilter/nf_conntrack_tcp_timeout_established": 2,
    "netfilter/nf_conntrack_tcp_timeout_syn_recv": 2,
    "netfilter/nf_conntrack_tcp_timeout_syn_sent": 2,
    "netfilter/nf_conntrack_udp_timeout": 2,
}
"""Seconds, of a namespace: named if less, as a connection is then forgotten before its answer comes."""

TOO_LOW_TCP = {"ipv4/tcp_notsent_lowat": 1, "ipv4/tcp_rmem": 4096}
"""
Bytes, of a namespace, for connections: named if less, as nothing is then sent (tcp_stream_memory_free), or taken; of three the second,
which a socket begins with.
"""

TOO_HIGH = {"proxy_delay": 300}
"""Hundredths of a second, of an interface's neighbours: named if more, as a proxy's answer then comes too late."""

NAMED_IF_SET = ("ipv4/ip_local_reserved_ports",)
"""Of a namespace, for connections: named if they are anything but empty."""

HARMLESS = (
    "bridge/bridge-nf-call-ip6tables",  # IPv6
    "bridge/bridge-nf-filter-pppoe-tagged",
    "bridge/bridge-nf-pass-vlan-input-dev",
    "core/*",
    "ipv4/conf/*/arp_accept",  # what is learned from gratuitous ARP
    "ipv4/conf/*/arp_notify",
    "ipv4/conf/*/bootp_relay",  # packets of 0.0.0.0/8
    "ipv4/conf/*/drop_gratuitous_arp",
    "ipv4/conf/*/force_igmp_version",
    "ipv4/conf/*/igmpv?_unsolicited_report_interval",
    "ipv4/conf/*/promote_secondaries",
    "ipv4/fib_notify_on_flag_change",
    "ipv4/fib_sync_mem",
    "ipv4/icmp_echo_enable_probe",  # another kind of echo (RFC 8335)
    "ipv4/icmp_errors_*",
    "ipv4/icmp_ignore_bogus_error_responses",
    "ipv4/icmp_msgs_*",
    "ipv4/icmp_ratelimit",  # of errors, unless icmp_ratemask says more
    "ipv4/igmp_*",
    "ipv4/inet_peer_*",
    "ipv4/ip_autobind_reuse",
    "ipv4/ip_dynaddr",
    "ipv4/ip_early_demux",
    "ipv4/ip_forward_update_priority",
    "ipv4/ip_unprivileged_port_start",
    "ipv4/ipfrag_*",
    "ipv4/neigh/*/*",  # timers
    "ipv4/ping_group_range",  # who may send
    "ipv4/raw_l3mdev_accept",
    "ipv4/route/*",
    "ipv4/tcp_*",
    "ipv4/udp_*",
    "ipv4/cipso_*",
    "mptcp/*",
    "netfilter/nf_conntrack_*",
    "netfilter/nf_log/*",
    "netfilter/nf_log_all_netns",
    "netfilter/nf_flowtable_*",
    "unix/*",
)
"""Patterns of what may be set to anything, if it stands nowhere above."""

_ALWAYS = ("all", "default")


def asked(devices: Iterable[str]) -> list[str]:
    """The paths below /proc/sys/net that an explanation asks for, of a namespace and of some of its interfaces."""
    of_devices = (*JUDGED_OF_DEVICE, *NOT_JUDGED_OF_DEVICE)
    of_neighbours = (*JUDGED_OF_NEIGHBOUR, *NOT_JUDGED_OF_NEIGHBOUR, *TOO_HIGH)
    names = [name for name in devices if name not in _ALWAYS]
    return [
        *JUDGED,
        *NOT_JUDGED,
        *NOT_JUDGED_TCP,
        *TOO_LOW,
        *TOO_LOW_TCP,
        *NAMED_IF_SET,
        *(f"ipv4/conf/{name}/{key}" for name in ("all", *names) for key in of_devices),
        *(f"ipv4/neigh/{name}/{key}" for name in names for key in of_neighbours),
    ]


def kind(path: str) -> str:
    """What is made of the setting at a path below /proc/sys/net: "judged", "routing", "named" or "harmless"; "" if it is new."""
    *folder, key = path.split("/")
    of_device, of_neighbour = (folder[1] == name if len(folder) == 3 else False for name in ("conf", "neigh"))
    if (of_device and key in JUDGED_OF_DEVICE) or (of_neighbour and key in JUDGED_OF_NEIGHBOUR) or path in JUDGED:
        return "judged"
    if path in ROUTING or (of_device and key in ROUTING_OF_DEVICE):
        return "routing"
    if path in {*NOT_JUDGED, *NOT_JUDGED_TCP, *TOO_LOW, *TOO_LOW_TCP, *NAMED_IF_SET}:
        return "named"
    if (of_device and key in NOT_JUDGED_OF_DEVICE) or (of_neighbour and key in {*NOT_JUDGED_OF_NEIGHBOUR, *TOO_HIGH}):
        return "named"
    return "harmless" if any(fnmatch(path, pattern) for pattern in HARMLESS) else ""


def unusual(settings: Mapping[str, str], protocol: str) -> Iterator[str]:
    """The settings that may decide, are not the default, and are not judged: each as ``sysctl`` prints it."""
    plain = NOT_JUDGED | (NOT_JUDGED_TCP if protocol == "tcp" else {})
    for path, value in settings.items():
        *folder, key = path.split("/")
        usual = {"conf": NOT_JUDGED_OF_DEVICE, "neigh": NOT_JUDGED_OF_NEIGHBOUR}[folder[1]].get(key) if len(folder) == 3 else None
        default = plain.get(path, "")
        extreme = _is_extreme(path, key, value) or (protocol == "tcp" and _is_extreme_for_tcp(path, value))
        if extreme or (usual is not None and value not in usual) or (usual is None and default and value != default):
            yield f"{path.replace('/', '.')} = {value}"


def _is_extreme(path: str, key: str, value: str) -> bool:
    low = path in TOO_LOW and value.isdigit() and int(value) < TOO_LOW[path]
    return low or ("/neigh/" in path and key in TOO_HIGH and value.isdigit() and int(value) > TOO_HIGH[key])


def _is_extreme_for_tcp(path: str, value: str) -> bool:
    numbers = value.split()
    return (path in NAMED_IF_SET and bool(numbers)) or (path in TOO_LOW_TCP and int(numbers[len(numbers) // 2]) < TOO_LOW_TCP[path])
