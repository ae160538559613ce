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
import struct
import sys
from collections.abc import Callable

from podnet_lab.devices.nlattr import attribute
from podnet_lab.kernel import encode, namespaces, node_setup, unmanaged_state
from podnet_lab.kernel.apply import apply
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Socket
from podnet_lab.kernel.sysctl import write_sysctl

RTM_NEWQDISC = 36

FEATURES = ("vxlan", "macvlan", "geneve", "wireguard", "vrf")
"""
Kinds of interface that later lessons use; each is tried by itself.

Not ipip, gre or dummy: trying them may load a module that puts an interface into the host's own namespace.
"""


VM_FEATURES = (*FEATURES, "ipip", "gre", "dummy")
"""In a VM all can be tried: its set-up keeps those modules from adding interfaces by themselves (vm/provision)."""


def _try(action: Callable[[], object]) -> str | None:
    try:
        action()
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
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
    unmanaged_state.add_table("trial")
    unmanaged_state.remove_tables(unmanaged_state.tables())


def _netem() -> None:
    sock = Socket()
    try:  # tc qdisc add dev lo root netem
        body = struct.pack("=BxxxiIII", 0, sock.index("lo"), 0, 0xFFFFFFFF, 0) + attribute(1, b"netem\0") + attribute(2, bytes(24))
        sock.request([(RTM_NEWQDISC, NLM_F_CREATE_NEW, body)])
    finally:
        sock.close()


def _bridge_netfilter() -> str | None:
    """Whether what a bridge passes on can meet the rules of IPv4: a module, which an ordinary user can't load."""
    return None if os.path.exists("/proc/sys/net/bridge") else "not loaded, and not tried"


def features_of_vm() -> dict[str, str | None]:
    """What the kernel of this VM, whose host namespace is ours to use, can do: tried in a namespace made for it."""
    back = namespaces.here()
    try:
        namespaces.unshare()
        features = {kind: _known(kind) for kind in VM_FEATURES}
        return features | {"netem": _try(_netem), "nftables": _try(_nftables), "br_netfilter": _bridge_netfilter()}
    finally:
        namespaces.enter(back)
        os.close(back)


def main() -> None:
    """Try everything that a lab needs, then what single lessons need."""
    needed = {
        "an own /run and /sys": node_setup.mount_private_run_and_sys,
        "own network settings": lambda: write_sysctl("ipv4/ip_forward", 1),
        "network namespaces": lambda: namespaces.add("trial"),
        "bridges": lambda: _kind("bridge"),
        "cables (veth)": lambda: apply(
            [
                ("link_add", None, {"name": "trial1", "kind": "veth", "settings": {"peer": "trial2", "peer_namespace": "trial"}}),
                ("link_remove", None, {"name": "trial1"}),
            ]
        ),
        "ICMP sockets": _raw,
    }
    results = {"needed": {name: _try(action) for name, action in needed.items()}}
    results["features"] = {kind: _known(kind) for kind in FEATURES}
    results["features"] |= {"nftables": _try(_nftables)}
    results["features"] |= {"br_netfilter": _bridge_netfilter()}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
