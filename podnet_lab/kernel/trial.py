"""
What this machine lets a lab do, found out by doing it, in namespaces made for the trial.

Run as a program inside the lab's own chain of commands; prints one JSON object: what is needed first, then features
that single lessons need.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Callable

from podnet_lab.kernel import encode, extras, namespaces, setup
from podnet_lab.kernel.apply import apply, write_sysctl
from podnet_lab.kernel.netlink import Socket

FEATURES = ("vxlan", "macvlan", "geneve", "wireguard", "vrf")
"""
Kinds of interface that later lessons use; each is tried by itself.

Not ipip, gre or dummy: trying them may load a module that puts an interface into the host's own namespace.
"""


def _try(action: Callable[[], object]) -> str | None:
    try:
        action()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return None


def _kind(kind: str) -> None:
    sock = Socket()
    try:
        sock.request([encode.link_add("trial0", kind)])
        sock.request([encode.link_remove("trial0")])
    finally:
        sock.close()


def _known(kind: str) -> str | None:
    """Whether the kernel knows a kind of interface; most kinds want more than a name, so another refusal is a yes."""
    try:
        _kind(kind)
    except OSError as error:
        return os.strerror(error.errno) if error.errno in (errno.EOPNOTSUPP, errno.EPERM) else None
    return None


def _raw() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def _nftables() -> None:
    extras.add_table("trial")
    extras.remove_tables(extras.tables())


def main() -> None:
    """Try everything that a lab needs, then what single lessons need."""
    needed = {
        "an own /run and /sys": setup.private_folders,
        "own network settings": lambda: write_sysctl("ipv4/ip_forward", 1),
        "network namespaces": lambda: namespaces.add("trial"),
        "bridges": lambda: _kind("bridge"),
        "cables (veth)": lambda: apply(
            [
                ("veth_add", None, {"name": "trial1", "peer": "trial2", "peer_namespace": "trial"}),
                ("link_remove", None, {"name": "trial1"}),
            ]
        ),
        "ICMP sockets": _raw,
    }
    found = {"needed": {name: _try(action) for name, action in needed.items()}}
    found["features"] = {kind: _known(kind) for kind in FEATURES}
    found["features"] |= {"nftables": _try(_nftables)}
    found["features"] |= {"br_netfilter": None if os.path.exists("/proc/sys/net/bridge") else "not loaded, and not tried"}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
