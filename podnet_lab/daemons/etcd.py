"""etcd, the store in which Kubernetes and Flannel keep what all nodes are to know."""

from __future__ import annotations

import json
from base64 import b64encode
from shlex import join
from typing import Any

from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.plan import ip_address

PACKAGE = "etcd-server"
USED_FOR = "Flannel's control plane needs it"

PORT, PEERS = 2379, 2380
"""Where it listens for clients, and for other members, of which there are none."""

_ASK = (
    "import sys, urllib.request as u; no_proxy = u.build_opener(u.ProxyHandler({})); "
    "print(no_proxy.open(sys.argv[1], sys.argv[2].encode(), timeout=10).read().decode())"
)


def url(address: str) -> str:
    """Where a client finds the etcd that listens at *address*."""
    return f"http://{ip_address(address)}:{PORT}"


def server(address: str, pace: int = 1) -> Daemon:
    """
    An etcd of one member, for clients at *address*, a node's own, and at 127.0.0.1; its data are in its folder, and go with it.

    The one member has nobody to be elected by, so it need not wait for votes: it answers some 30 ms after its start, where etcd's
    own times would take a second. They also are what etcd makes its shortest lease of, which is a second here. It sets aside two files of
    61 MB in advance for its log, in a node's memory as all of /run: `wal.SegmentSizeBytes`, which no option changes.
    *pace* is how many times less often it looks at the clock: that takes a processor, where it is emulated.
    """
    clients = url(address)
    command = (
        *("etcd", "--data-dir", f"{folder('etcd')}/data"),
        *("--listen-client-urls", f"{clients},{url('127.0.0.1')}", "--advertise-client-urls", clients),
        *("--listen-peer-urls", f"http://127.0.0.1:{PEERS}", "--heartbeat-interval", str(10 * pace), "--election-timeout", str(50 * pace)),
        *("--logger", "zap", "--log-level", "warn"),
    )
    return Daemon("etcd", command, listens=(("tcp", PORT),), package=PACKAGE)


def call(what: str, given: dict[str, Any], address: str = "127.0.0.1") -> str:
    """A shell command that asks etcd's JSON gateway, at /v3/*what*, on a node that need have no program but Python."""
    return join(["python3", "-c", _ASK, f"{url(address)}/v3/{what}", json.dumps(given)])


def put(key: str, value: str, address: str = "127.0.0.1") -> str:
    """A shell command that writes *value* at *key*, like ``etcdctl put KEY VALUE``."""
    return call("kv/put", {"key": coded(key), "value": coded(value)}, address)


def delete(key: str, address: str = "127.0.0.1") -> str:
    """A shell command that deletes *key*, like ``etcdctl del KEY``."""
    return call("kv/deleterange", {"key": coded(key)}, address)


def coded(text: str) -> str:
    """A key or value as the gateway takes it."""
    return b64encode(text.encode()).decode()
