"""The control plane, as daemons of the first node: the API server before etcd, and the two that work through it. Pure."""

from __future__ import annotations

from podnet_lab.daemons import etcd
from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.kubernetes import addresses
from podnet_lab.kubernetes.binaries import Binaries
from podnet_lab.kubernetes.versions import flags
from podnet_lab.plan import Node

START = 180.0
"""Seconds that one of these programs may take on a slow machine until it listens; 5 to 15 are usual."""

GRACE = 40
"""Seconds after which a node that is not heard of is not Ready, and so its Pods serve nobody: Kubernetes' own number."""

CONTROLLERS = (
    *("deployment", "replicaset", "daemonset", "statefulset", "job", "namespace", "garbagecollector", "podgc"),
    *("endpoint", "endpointslice", "nodelifecycle"),
)
"""What is reconciled: workloads, Services' endpoints, nodes. Not accounts, certificates and volumes, which a lab does not have."""


def store(node: Node, pace: int = 1) -> Daemon:
    """etcd; *pace*: how many times less often than usual it looks at the clock."""
    return etcd.server(str(node.external.ip), pace)


def api_server(node: Node, binaries: Binaries, pace: int = 1) -> Daemon:
    """
    The API server: whoever has the token may do anything, and no Pod gets an account's.

    What it signs accounts' tokens with is the key that it makes for its own certificate: no token is ever asked for.
    """
    place = folder("kube-apiserver")
    address = str(node.external.ip)
    command = (
        *(binaries.path("kube-apiserver"), f"--etcd-servers={etcd.url(address)}", f"--cert-dir={place}"),
        *(f"--bind-address={address}", f"--advertise-address={address}", f"--secure-port={addresses.PORT}"),
        *(f"--token-auth-file={place}/tokens.csv", "--authorization-mode=AlwaysAllow", "--allow-privileged"),
        *("--service-account-issuer=https://podnet", f"--service-account-key-file={place}/apiserver.crt"),
        *(f"--service-account-signing-key-file={place}/apiserver.key", "--disable-admission-plugins=ServiceAccount"),
        *(f"--service-cluster-ip-range={addresses.SERVICES}", "--kubelet-preferred-address-types=InternalIP", "--watch-cache=false"),
        *flags("kube-apiserver", binaries.version),
    )
    files = ((addresses.KUBECONFIG, addresses.kubeconfig(node)), ("tokens.csv", f'{addresses.TOKEN},admin,admin,"system:masters"\n'))
    return Daemon("kube-apiserver", command, files, listens=(("tcp", addresses.PORT),), patience=START * pace, grace=5.0)


def controllers(node: Node, binaries: Binaries, pace: int = 1) -> tuple[Daemon, ...]:
    """The scheduler and the controller manager; there is one of each, so nobody has to be elected."""
    more = (f"--controllers={','.join(CONTROLLERS)}", f"--node-monitor-grace-period={GRACE * pace}s")
    return (
        _client("kube-scheduler", 10259, node, binaries, pace),
        _client("kube-controller-manager", 10257, node, binaries, pace, *more),
    )


def _client(name: str, port: int, node: Node, binaries: Binaries, pace: int, *more: str) -> Daemon:
    place = folder(name)
    command = (
        *(binaries.path(name), f"--kubeconfig={place}/{addresses.KUBECONFIG}", "--leader-elect=false"),
        *("--bind-address=127.0.0.1", f"--secure-port={port}", f"--cert-dir={place}", *more, *flags(name, binaries.version)),
    )
    files = ((addresses.KUBECONFIG, addresses.kubeconfig(node)),)
    return Daemon(name, command, files, listens=(("tcp", port),), patience=START * pace, grace=5.0)
