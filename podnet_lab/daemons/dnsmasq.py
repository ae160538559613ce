"""dnsmasq, Debian's small DNS server: in a Pod it answers for the names of a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.daemons.base import Daemon
from podnet_lab.plan import namespace_name

DOMAIN = "cluster.local"
"""The cluster's domain: for what is below it nobody else is asked."""


def dnsmasq(pod: str, hosts: Mapping[str, str]) -> Daemon:
    """
    A DNS server in a Pod that knows *hosts*, names to addresses, and nothing else.

    It stays who it is (no user, no group): an ordinary user's lab has no other ids to become.
    """
    folder = f"/run/podnet/dnsmasq/{namespace_name(pod)}"
    options = (
        *("--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--pid-file=", "--user=", "--group="),
        *(f"--local=/{DOMAIN}/", f"--addn-hosts={folder}/hosts", "--local-ttl=5", "--log-facility=-"),
    )
    lines = "".join(f"{address} {name}\n" for name, address in hosts.items())
    listens = (("udp", 53), ("tcp", 53))
    return Daemon("dnsmasq", ("dnsmasq", *options), ((f"{folder}/hosts", lines),), listens, pod, "dnsmasq-base", signal="KILL")
