"""
Names inside a cluster: a DNS server (Debian's dnsmasq) that runs in a Pod, and each Pod's own resolv.conf.

`ip netns exec NAME` shows /etc/netns/NAME/resolv.conf as /etc/resolv.conf (ip-netns(8)). In the one-machine lab /etc is
the host's: there an overlay is put over it, in the node's own mount namespace.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

from podnet_lab.kernel import namespaces
from podnet_lab.kernel.programs import Missing
from podnet_lab.kernel.shell import environment

if TYPE_CHECKING:
    from subprocess import Popen

FOLDER = "/run/podnet-names"
HOSTS = f"{FOLDER}/hosts"
LOG = f"{FOLDER}/log"
RESOLV = "resolv.conf"
NETNS = "/etc/netns"
HEAD = "# written by podnet_lab"
"""The first line of what is ours to take away again."""

DOMAIN = "cluster.local"
DNSMASQ = (
    "dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --pid-file= --user= --group= "
    f"--local=/{DOMAIN}/ --addn-hosts={HOSTS} --local-ttl=5 --log-facility=-"
).split()
"""It stays who it is: a user who has a lab without root can't become another one, not even root."""


def own_etc() -> None:
    """Make /etc this mount namespace's own: what is written there is not the host's. Once; OSError where it can't be done."""
    if _is_overlay("/etc"):
        return
    upper, work = f"{FOLDER}/etc", f"{FOLDER}/work"
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


class Names:
    """This node's DNS server, if it has one, and what it wrote for its Pods."""

    def __init__(self, own: bool) -> None:
        self._own, self._server, self._where, self._lock = own, None, (None, None), threading.RLock()
        """*own*: whether /etc is this node's already, as in a VM."""

    def serve(self, namespace: str, hosts: dict[str, str]) -> bool:
        """Answer for *hosts* (name to address) in a Pod; False if the server ran already, and has been told anew."""
        os.makedirs(FOLDER, exist_ok=True)
        with open(f"{HOSTS}.new", "w") as file:
            file.writelines(f"{address} {name}\n" for name, address in hosts.items())
        os.replace(f"{HOSTS}.new", HOSTS)
        with self._lock:
            self.sweep()
            if self._server is not None and self._where[0] == namespace:
                self._server.send_signal(signal.SIGHUP)
                return False
            self.stop()
            self._server = self._start(namespace)
            return True

    def _start(self, namespace: str) -> Popen:
        import subprocess  # here: most agents start no program, and are to start fast

        descriptor = namespaces.open_named(namespace)
        try:
            self._where = (namespace, namespaces.identity(descriptor))
            with namespaces.inside(descriptor), open(LOG, "w") as log:
                started = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *DNSMASQ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    env=environment(),
                    cwd="/",
                    start_new_session=True,
                )
        finally:
            os.close(descriptor)
        try:
            status = started.wait(timeout=0.3)  # it ends at once if it can't listen, and stays if it can
        except subprocess.TimeoutExpired:
            return started
        with open(LOG) as log:
            said = log.read().strip().splitlines()
        if status == 127 or any("No such file" in line for line in said):
            raise Missing("dnsmasq")
        raise OSError("; ".join(said) or f"dnsmasq ended with status {status}")

    def sweep(self) -> None:
        """End the server if its Pod is gone, and forget one that ended."""
        with self._lock:
            name, which = self._where
            if self._server is not None and (namespaces.identity_of(name) != which or self._server.poll() is not None):
                self.stop()

    def stop(self) -> None:
        """End the server."""
        with self._lock:
            if self._server is not None:
                self._server.kill()
                self._server.wait()
            self._server, self._where = None, (None, None)

    def use(self, spaces: list[str], text: str) -> None:
        """Write each Pod's resolv.conf."""
        if not self._own:
            own_etc()
        for name in spaces:
            os.makedirs(f"{NETNS}/{name}", exist_ok=True)
            with open(f"{NETNS}/{name}/{RESOLV}", "w") as file:
                file.write(f"{HEAD}\n{text}")

    def leave(self, namespace: str) -> None:
        """End what belongs to a Pod that goes."""
        if namespace == self._where[0]:
            self.stop()
        self._unwrite(namespace)

    def _unwrite(self, namespace: str) -> None:
        path = f"{NETNS}/{namespace}/{RESOLV}"
        with contextlib.suppress(OSError):
            with open(path) as file:
                if not file.readline().startswith(HEAD):
                    return  # somebody else's
            os.unlink(path)
            os.rmdir(os.path.dirname(path))

    def end(self) -> None:
        """End the server, and take away what was written."""
        self.stop()
        if self._own or _is_overlay("/etc"):
            with contextlib.suppress(OSError):
                for name in os.listdir(NETNS):
                    self._unwrite(name)
