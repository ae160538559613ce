"""
Each Pod's own resolv.conf, for who is to ask a DNS server in the cluster.

`ip netns exec NAME` shows /etc/netns/NAME/resolv.conf as /etc/resolv.conf (ip-netns(8)). In the one-machine lab /etc is
the host's: there an overlay is put over it, in the node's own mount namespace.
"""

from __future__ import annotations

import contextlib
import os

from podnet_lab.kernel import namespaces

FOLDER = "/run/podnet/etc"
RESOLV = "resolv.conf"
NETNS = "/etc/netns"
HEAD = "# written by podnet_lab"
"""The first line of what is ours to take away again."""


def own_etc() -> None:
    """Make /etc this mount namespace's own: what is written there is not the host's. Once; OSError where it can't be done."""
    if _is_overlay("/etc"):
        return
    upper, work = f"{FOLDER}/upper", f"{FOLDER}/work"
    for folder in (upper, work):
        os.makedirs(folder, exist_ok=True)
    with contextlib.suppress(OSError), open("/etc/resolv.conf") as file:
        text = file.read()
        with open(f"{upper}/{RESOLV}", "w") as plain:  # on the host it may be a link into /run, of which a node has its own
            plain.write(text)
    if not os.path.exists(f"{upper}/{RESOLV}"):
        with open(f"{upper}/{RESOLV}", "w"):
            pass
    namespaces.mount("overlay", "/etc", "overlay", data=f"lowerdir=/etc,upperdir={upper},workdir={work}")


def _is_overlay(path: str) -> bool:
    with open("/proc/thread-self/mountinfo") as file:
        return any(line.split()[4] == path and " - overlay " in line for line in file)


class ResolvConf:
    """What this node wrote for its Pods; *own*: whether /etc is this node's already, as in a VM."""

    def __init__(self, own: bool) -> None:
        self._own = own

    def use(self, spaces: list[str], text: str) -> None:
        """Write each Pod's resolv.conf."""
        if not self._own:
            own_etc()
        for name in spaces:
            os.makedirs(f"{NETNS}/{name}", exist_ok=True)
            with open(f"{NETNS}/{name}/{RESOLV}", "w") as file:
                file.write(f"{HEAD}\n{text}")

    def leave(self, namespace: str) -> None:
        """Take away what was written for a Pod; what somebody else wrote stays."""
        path = f"{NETNS}/{namespace}/{RESOLV}"
        with contextlib.suppress(OSError):
            with open(path) as file:
                if not file.readline().startswith(HEAD):
                    return
            os.unlink(path)
            os.rmdir(os.path.dirname(path))

    def end(self) -> None:
        """Take away all that was written."""
        if self._own or _is_overlay("/etc"):
            with contextlib.suppress(OSError):
                for name in os.listdir(NETNS):
                    self.leave(name)
