"""
A node's own /etc, in the one-machine lab: what is written there is neither the host's nor another node's, and goes with the lab.

It is an overlay over the host's, in the node's mount namespace; where the kernel has none for ordinary users (before
5.11), a folder of links to it. `ip netns exec NAME` takes what lies in /etc/netns/NAME from there (ip-netns(8)).
"""

from __future__ import annotations

import contextlib
import os

from podnet_lab.kernel import namespaces

ETC, NETNS = "/etc", "/etc/netns"
FOLDER = "/run/podnet-node/etc"
"""Where it is kept, on the node's own /run."""

OWNED = ("hosts", "hostname", "resolv.conf", "nsswitch.conf", "sysctl.conf", "iproute2", "sysctl.d", "modules-load.d")
"""What network scripts change: to an ordinary user's lab the host's files have no owner whom it could be."""

DEPTH = 2
"""How deep such a lab's folders are its own, so that files can be added: /etc/systemd/network, /etc/cni/net.d."""

BIGGEST = 1 << 16
"""Bytes of a file that is copied."""

MS_RDONLY, MS_REMOUNT, MS_RELATIME = 1, 32, 1 << 21
KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC
"""Flags of a mount that a user namespace may not take off, and that mount(2) and statvfs(3) number alike (ST_* in bits/statvfs.h)."""


def own_etc() -> None:
    """Give this process's mount namespace, whose /run is its own, an /etc of its own with nothing in /etc/netns."""
    mounted, netns = mounts_below(ETC), os.path.isdir(NETNS)
    try:
        _overlay(mounted)
    except OSError:  # this kernel has no overlay, or none for an ordinary user
        _links()
    if netns and os.path.isdir(NETNS):  # the host's
        namespaces.mount("tmpfs", NETNS, "tmpfs", data="mode=755")


def _overlay(mounted: list[str]) -> None:
    upper, work = f"{FOLDER}/upper", f"{FOLDER}/work"
    os.makedirs(upper)
    os.makedirs(work)
    if one_user():
        _folders(ETC, upper, DEPTH)
        _copy_owned(upper)
    for path in mounted:  # an overlay does not see them
        _copy(path, upper + path.removeprefix(ETC))
    _resolv_conf(upper)
    mount_overlay(ETC, upper, work, mounted)


def mount_overlay(folder: str, upper: str, work: str, mounted: list[str]) -> None:
    """Mount an overlay over *folder*, and in it again what is *mounted* below, which an overlay does not see."""
    with _descriptors(mounted) as folders:
        namespaces.mount("overlay", folder, "overlay", data=f"lowerdir={folder},upperdir={upper},workdir={work},userxattr")
        for path, descriptor in folders.items():
            with contextlib.suppress(OSError):  # its folder is still there, without what was mounted
                namespaces.mount(f"/proc/self/fd/{descriptor}", path, flags=namespaces.MS_BIND | namespaces.MS_REC)


def _links() -> None:
    """Make /etc a folder of links to the host's, which can't be written here; what network scripts change is copied."""
    host, new = f"{FOLDER}/host", f"{FOLDER}/new"
    for folder in (host, new):
        os.makedirs(folder, exist_ok=True)
    namespaces.mount(ETC, host, flags=namespaces.MS_BIND | namespaces.MS_REC)
    with contextlib.suppress(OSError):  # an ordinary user could not write there anyhow
        status = os.statvfs(host).f_flag
        namespaces.mount("", host, flags=namespaces.MS_BIND | MS_REMOUNT | MS_RDONLY | MS_RELATIME | status & KEPT)
    _copy_owned(new)
    _resolv_conf(new)
    for name in os.listdir(host):
        if name != os.path.basename(NETNS) and not os.path.lexists(f"{new}/{name}"):
            os.symlink(f"{host}/{name}", f"{new}/{name}")
    namespaces.mount(new, ETC, flags=namespaces.MS_BIND)


def one_user() -> bool:
    """Whether nobody but root exists here: an ordinary user's lab."""
    with open("/proc/self/uid_map") as file:
        return sum(int(line.split()[2]) for line in file) == 1


def mounts_below(folder: str) -> list[str]:
    """What is mounted below *folder*, as a container's hosts and resolv.conf are below /etc."""
    with open("/proc/self/mountinfo") as file:
        return sorted({path for line in file if (path := line.split()[4]).startswith(f"{folder}/")})


@contextlib.contextmanager
def _descriptors(paths: list[str]):
    """Descriptors of those of *paths* that are folders."""
    opened = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths if os.path.isdir(path)}
    try:
        yield opened
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def _folders(source: str, target: str, depth: int) -> None:
    """Make the folders of *source* in *target*, so that they belong to who runs this."""
    with contextlib.suppress(OSError), os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.path != NETNS:
                os.mkdir(f"{target}/{entry.name}", entry.stat(follow_symlinks=False).st_mode & 0o777)
                if depth > 1:
                    _folders(entry.path, f"{target}/{entry.name}", depth - 1)


def _copy_owned(target: str) -> None:
    for name in OWNED:
        path = f"{ETC}/{name}"
        if os.path.isdir(path):
            for file in os.listdir(path):
                _copy(f"{path}/{file}", f"{target}/{name}/{file}")
        else:
            _copy(path, f"{target}/{name}")


def _resolv_conf(target: str) -> None:
    """Make a plain file of it: the host's may be a link into its /run, and `ip netns exec` mounts a Pod's over what is there."""
    _copy(f"{ETC}/resolv.conf", f"{target}/resolv.conf")
    with open(f"{target}/resolv.conf", "a"):
        pass


def _copy(path: str, target: str) -> None:
    """Copy a small plain file, or what a link to one leads to, that can be read."""
    with contextlib.suppress(OSError):
        if os.path.isfile(path) and os.stat(path).st_size <= BIGGEST:
            with open(path, "rb") as file:
                content = file.read()
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as copy:
                copy.write(content)
            os.chmod(target, os.stat(path).st_mode & 0o777)
