"""
containerd, the container runtime that a kubelet asks for Pods: here with crun, without cgroups, all of it in memory.

Its files lie in `podnet_lab/containers/` and `podnet_lab/cni/`. It has a mount namespace of its own, whose mounts go with its last
process; the node's /run, with its socket, and the names in /run/netns are the node's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from shlex import join

from podnet_lab.daemons.base import Daemon, folder

PACKAGE = "containerd"
USED_FOR = "containers need it"

NAME = "containerd"
STATE = "/run/containerd"
SOCKET = f"{STATE}/containerd.sock"
"""Where its CRI is asked, and `ctr` looks."""

CONFLISTS = "/run/cni/net.d"
"""Where it looks for the Pod network's configuration: the first file there, by name."""

PROGRAMS = {"containerd": "containerd", "ctr": "containerd", "crun": "crun", "busybox": "busybox-static"}
"""The programs that a node needs for it, and Debian's package of each."""

_OTHER_SNAPSHOTTERS = ("aufs", "btrfs", "devmapper", "zfs")
_HOUSE = os.path.dirname(os.path.dirname(__file__))


def server(plugins: Sequence[str], pause: str, setup: Sequence[str] = ()) -> Daemon:
    """
    A node's containerd: CNI plugins are those in the folders *plugins*, the image *pause* holds its Pods' namespaces.

    All plugins are called from the first folder. *setup* are lines of shell that are run before it starts: what they mount is seen
    by containerd, and by what is run `beside` it, alone.
    """
    place = folder(NAME)
    files = (
        ("start", _text("start-containerd.sh")),
        ("setup", "".join(f"{line}\n" for line in setup)),
        ("crun", _text("crun.sh")),
        ("loopback", _text("loopback.sh", "cni")),
        ("config.toml", config(place, plugins[0], pause)),
    )
    script = ("sh", f"{place}/start", place, STATE, *plugins)
    command = ("unshare", "--mount", "--propagation", "unchanged", *script)
    return Daemon(NAME, command, files, creates=SOCKET, patience=60.0, package=PACKAGE, grace=5.0)


def beside(command: Sequence[str]) -> tuple[str, ...]:
    """*command* in the mount namespace of the node's containerd: a kubelet's mounts are to be seen there."""
    return ("sh", "-c", f'exec nsenter --target "$(cat {folder(NAME)}/pid)" --mount {join(command)}')


def config(place: str, plugins: str, pause: str) -> str:
    """
    Its configuration, with all that it keeps in the folder *place*, and the plugins in *plugins*.

    Pods' networks have their own paths below its state, so that /run/netns has one name for each, the Pod's. AppArmor, and a
    score for the kernel's out-of-memory killer, are the machine's to give.
    """
    disabled = ", ".join(f'"io.containerd.snapshotter.v1.{name}"' for name in _OTHER_SNAPSHOTTERS)
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{place}/root"
state = "{STATE}"
disabled_plugins = [{disabled}, "io.containerd.internal.v1.opt"]
[grpc]
  address = "{SOCKET}"
[{cri}]
  sandbox_image = "{pause}"
  disable_apparmor = true
  disable_tcp_service = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[{cri}.cni]
  bin_dir = "{plugins}"
  conf_dir = "{CONFLISTS}"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  BinaryName = "{place}/crun"
"""


def _text(name: str, room: str = "containers") -> str:
    with open(os.path.join(_HOUSE, room, name), encoding="utf-8") as file:
        return file.read()
