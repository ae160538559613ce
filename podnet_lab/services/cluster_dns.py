"""
Names of Services, as Kubernetes' DNS has them. Pure.

Source: kubernetes.io, DNS for Services and Pods; kubeadm's default address of the DNS Service.
"""

from __future__ import annotations

SERVER = "10.96.0.10"
"""The DNS Service's address."""

SEARCH = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")
"""What is put behind a name, one after the other, until one is found."""

NDOTS = 5
"""Names with fewer dots than this are tried with the search list first."""


def resolv(server: str = SERVER) -> str:
    """A Pod's resolv.conf."""
    return f"nameserver {server}\nsearch {' '.join(SEARCH)}\noptions ndots:{NDOTS}\n"
