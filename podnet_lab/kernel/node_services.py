"""A node's servers and clients; what they are made of is loaded when one is first asked for."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from podnet_lab.kernel import conntrack, daemons, resolv_conf

if TYPE_CHECKING:
    from podnet_lab.kernel.capture import Capture
    from podnet_lab.kernel.clients import Clients
    from podnet_lab.kernel.servers import Servers

TICK = 0.25
"""Seconds between looks at whether Pods with open sockets still have their names."""


class Traffic:
    """The sockets that a node holds for its lab, and its daemons."""

    def __init__(self) -> None:
        self._watching = False

    def watch(self) -> None:
        """From the first socket on, look again and again whether its Pod is still there."""
        if not self._watching:
            self._watching = True
            threading.Thread(target=self._work, name="sweeper", daemon=True).start()

    def _work(self) -> None:
        pause = threading.Event()
        while not pause.wait(TICK):
            self.sweep()

    @cached_property
    def servers(self) -> Servers:
        """Those that answer."""
        from podnet_lab.kernel.servers import Servers  # here: HTTP takes longer to load than everything else

        self.watch()
        return Servers()

    @cached_property
    def clients(self) -> Clients:
        """Those that ask."""
        from podnet_lab.kernel.clients import Clients

        self.watch()
        return Clients()

    @cached_property
    def capture(self) -> Capture:
        """The sockets that hear everything."""
        from podnet_lab.kernel.capture import Capture

        return Capture()

    def sweep(self) -> None:
        """Let go of Pods that were deleted by hand: what is open in one would keep it, and its cable, alive."""
        daemons.sweep()
        for part in ("servers", "clients"):
            if part in self.__dict__:
                self.__dict__[part].sweep()

    def leave(self, namespace: str) -> None:
        """Close what is open inside a namespace."""
        if "servers" in self.__dict__:
            self.servers.stop(namespace)
        if "clients" in self.__dict__:
            self.clients.leave(namespace)
        daemons.leave(namespace)
        resolv_conf.leave(namespace)

    def end(self) -> None:
        """Close everything, and have connection tracking forget it."""
        if "servers" in self.__dict__:
            self.servers.stop(everyone=True)
        if "clients" in self.__dict__:
            self.clients.close()
        resolv_conf.end()
        conntrack.forget()
