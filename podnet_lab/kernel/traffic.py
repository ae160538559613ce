"""A node's servers and clients; what they are made of is loaded when one is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from podnet_lab.kernel import conntrack

if TYPE_CHECKING:
    from podnet_lab.kernel.ask import Clients
    from podnet_lab.kernel.capture import Capture
    from podnet_lab.kernel.names import Names
    from podnet_lab.kernel.serve import Servers


class Traffic:
    """The sockets that a node holds for its lab, and its DNS server; *own*: whether its /etc is its own, as a VM's is."""

    def __init__(self, own: bool = False) -> None:
        self._own = own

    @cached_property
    def servers(self) -> Servers:
        """Those that answer."""
        from podnet_lab.kernel.serve import Servers  # here: HTTP takes longer to load than everything else

        return Servers()

    @cached_property
    def clients(self) -> Clients:
        """Those that ask."""
        from podnet_lab.kernel.ask import Clients

        return Clients()

    @cached_property
    def names(self) -> Names:
        """DNS, and who uses it."""
        from podnet_lab.kernel.names import Names

        return Names(self._own)

    @cached_property
    def capture(self) -> Capture:
        """The sockets that hear everything."""
        from podnet_lab.kernel.capture import Capture

        return Capture()

    def sweep(self) -> None:
        """Let go of Pods that were deleted by hand."""
        if "names" in self.__dict__:
            self.names.sweep()

    def leave(self, namespace: str) -> None:
        """Close what is open inside a namespace."""
        if "servers" in self.__dict__:
            self.servers.stop(namespace)
        if "clients" in self.__dict__:
            self.clients.leave(namespace)
        if "names" in self.__dict__:
            self.names.leave(namespace)

    def end(self) -> None:
        """Close everything, and have connection tracking forget it."""
        if "servers" in self.__dict__:
            self.servers.stop(everyone=True)
        if "clients" in self.__dict__:
            self.clients.close()
        if self._own or "names" in self.__dict__:
            self.names.end()
        conntrack.forget()
