"""
A node's own /var/lib/cni, in the one-machine lab: where CNI plugins keep which address is whose.

On a machine that has none, it is made in an overlay over /var/lib: nothing can be mounted where nothing is.
"""

from __future__ import annotations

import contextlib
import os

from podnet_lab.kernel import namespaces
from podnet_lab.kernel.own_etc import mount_overlay, mounts_below

STATE = "/var/lib/cni"
FOLDER = "/run/podnet-node/var-lib"
"""Where the overlay is kept, on the node's own /run."""


def own_cni_state() -> None:
    """Give this process's mount namespace, whose /run is its own, an empty /var/lib/cni, unless the kernel refuses."""
    with contextlib.suppress(OSError):
        if not os.path.isdir(STATE):
            _overlay(os.path.dirname(STATE))
            os.mkdir(STATE)
        namespaces.mount("tmpfs", STATE, "tmpfs", data="mode=755")


def _overlay(folder: str) -> None:
    """Let *folder* be written in, here alone."""
    upper, work = f"{FOLDER}/upper", f"{FOLDER}/work"
    os.makedirs(upper)
    os.makedirs(work)
    mount_overlay(folder, upper, work, mounts_below(folder))
