"""dnsmasq, a small DNS server: in a Pod it answers for the names of a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.plan import ip_address
from podnet_lab.valid_names import namespace_name

PACKAGE = "dnsmasq-base"
USED_FOR = "Services' names (notebook 7) need it"

DOMAIN = "cluster.local"
"""The cluster's domain: for what is below it nobody else is asked."""


def server(pod: str, hosts: Mapping[str, str]) -> Daemon:
    """
    A DNS server in a Pod that knows *hosts*, names to addresses, and nothing else; it keeps no state that a signal to end would save.

    It stays who it is (no user, no group): in an ordinary user's lab there is nobody else to become.
    """
    file = f"{folder('dnsmasq', namespace_name(pod))}/hosts"
    command = (
        *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--pid-file=", "--user=", "--group="),
        *(f"--local=/{DOMAIN}/", f"--addn-hosts={file}", "--local-ttl=5", "--log-facility=-"),
    )
    lines = "".join(f"{ip_address(address)} {name}\n" for name, address in hosts.items())
    return Daemon(
        "dnsmasq",
        command,
        files=(("hosts", lines),),
        listens=(("udp", 53), ("tcp", 53)),
        namespace=pod,
        package=PACKAGE,
        reload="HUP",
    )
