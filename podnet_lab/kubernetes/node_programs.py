"""What every node runs: a kubelet, which has its Pods made by the container runtime, and kube-proxy, which serves Services. Pure."""

from __future__ import annotations

import json
from typing import Any

from podnet_lab.containers.images import BUSYBOX
from podnet_lab.daemons import containerd, dnsmasq
from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.kubernetes import addresses
from podnet_lab.kubernetes.binaries import Binaries
from podnet_lab.kubernetes.control_plane import START
from podnet_lab.kubernetes.texts import text
from podnet_lab.kubernetes.versions import flags, settings
from podnet_lab.plan import POD_NETWORK, Node
from podnet_lab.services import cluster_dns

PROXY_PORT, HEALTH_PORT = 10249, 10248
"""Where kube-proxy tells its numbers, and a kubelet that it is well: on a node's own 127.0.0.1."""


def node_object(node: Node) -> dict[str, Any]:
    """
    The Node that a kubelet finds itself by, which has the subnet of the plan for its Pods.

    Without a capacity Kubernetes 1.20's kubelet ends in a panic when it updates a Node that it has not made.
    """
    room = {"pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": {"kubernetes.io/hostname": node.name}},
        "spec": {"podCIDR": str(node.subnet), "podCIDRs": [str(node.subnet)]},
        "status": {"capacity": room, "allocatable": room},
    }


def kubelet(node: Node, first: Node, binaries: Binaries, pause: str = BUSYBOX, pace: int = 1) -> Daemon:
    """
    A node's kubelet, for the API server on *first*; *pause* is the image that holds a Pod's namespaces. containerd has to run before.

    *pace* is how many times less often than usual it looks at its Pods, and says how it is; so many times longer it may take to start.

    It is started by a small script, which shows it settings of a kernel as it wants them: it would set them otherwise, and they
    are the machine's. It makes no cgroups, keeps what it has in memory, and evicts nothing for a full disk of the machine's.
    """
    place = folder("kubelet")
    values = {"endpoint": f"unix://{containerd.SOCKET}", "pause": pause}
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(node.external.ip),
        "healthzPort": HEALTH_PORT,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "protectKernelDefaults": True,
        "makeIPTablesUtilChains": False,
        "resolvConf": "",
        "clusterDNS": [cluster_dns.SERVER],
        "clusterDomain": dnsmasq.DOMAIN,
        "evictionHard": {"memory.available": "1Mi"},
        "imageGCHighThresholdPercent": 100,
        "syncFrequency": f"{2 * pace}s",
        "nodeStatusUpdateFrequency": f"{2 * pace}s",
        **settings(binaries.version, **values),
    }
    command = containerd.beside(
        (
            *("sh", f"{place}/start", place, binaries.path("kubelet"), f"--config={place}/config.json"),
            *(f"--kubeconfig={place}/{addresses.KUBECONFIG}", f"--hostname-override={node.name}", f"--node-ip={node.external.ip}"),
            *(f"--root-dir={place}-root", f"--cert-dir={place}", *flags("kubelet", binaries.version, **values)),
        )
    )
    files = (
        ("start", text("start-kubelet.sh")),
        ("config.json", json.dumps(config, indent=1) + "\n"),
        (addresses.KUBECONFIG, addresses.kubeconfig(first)),
    )
    return Daemon("kubelet", command, files, listens=(("tcp", addresses.KUBELET_PORT),), patience=START * pace, grace=5.0)


def proxy(node: Node, first: Node, binaries: Binaries, pace: int = 1) -> Daemon:
    """A node's kube-proxy: it writes iptables, and leaves the size of the machine's table of connections as it is."""
    place = folder("kube-proxy")
    unchanged = ("max-per-core", "tcp-timeout-established", "tcp-timeout-close-wait")
    command = (
        *(binaries.path("kube-proxy"), f"--kubeconfig={place}/{addresses.KUBECONFIG}", "--proxy-mode=iptables"),
        *(f"--cluster-cidr={POD_NETWORK}", f"--hostname-override={node.name}", f"--bind-address={node.external.ip}"),
        *(f"--metrics-bind-address=127.0.0.1:{PROXY_PORT}", "--healthz-bind-address=", *(f"--conntrack-{name}=0" for name in unchanged)),
        *flags("kube-proxy", binaries.version),
    )
    files = ((addresses.KUBECONFIG, addresses.kubeconfig(first)),)
    return Daemon("kube-proxy", command, files, listens=(("tcp", PROXY_PORT),), patience=START * pace, package="iptables")
