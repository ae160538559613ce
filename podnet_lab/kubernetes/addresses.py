"""Where a lab's Kubernetes answers, and by what it is known there: what all its programs are told alike. Pure."""

from __future__ import annotations

import json

from podnet_lab.daemons.base import folder
from podnet_lab.plan import Node

PORT, KUBELET_PORT = 6443, 10250
"""Where an API server and a kubelet listen."""

SERVICES = "10.96.0.0/16"
"""The addresses that Services get, as `podnet_lab.services` has them."""

TOKEN = "podnet"  # noqa: S105 - nobody but the lab's own namespaces can reach whom it is for
"""By which everybody in the lab is an administrator: it is the API server that is real, not who may do what."""

API_SERVER, KUBELET = folder("kube-apiserver"), folder("kubelet")
"""The folders in which each node has a `KUBECONFIG`: the first node its API server's, the others their kubelet's."""

KUBECONFIG = "kubeconfig"


def server(node: Node) -> str:
    """The address of the API server on *node*."""
    return f"https://{node.external.ip}:{PORT}"


def kubeconfig(node: Node) -> str:
    """
    What a client is to know of the cluster whose API server is on *node*; JSON is YAML, too.

    The server makes its own certificate, which nobody has signed, so clients do not ask for it.
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "podnet",
        "clusters": [{"name": "podnet", "cluster": {"server": server(node), "insecure-skip-tls-verify": True}}],
        "users": [{"name": "podnet", "user": {"token": TOKEN}}],
        "contexts": [{"name": "podnet", "context": {"cluster": "podnet", "user": "podnet"}}],
    }
    return json.dumps(config, indent=1) + "\n"
