"""A node's servers and clients; what they are made of is loaded when one is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from podnet_lab.kernel import conntrack

if TYPE_CHECKING:
    from podnet_lab.kernel.ask import Clients
    from podnet_lab.kernel.serve import Servers


class Traffic:
    """The sockets that a node holds for its lab."""

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

    def leave(self, namespace: str) -> None:
        """Close what is open inside a namespace."""
        if "servers" in self.__dict__:
            self.servers.stop(namespace)
        if "clients" in self.__dict__:
            self.clients.leave(namespace)

    def end(self) -> None:
        """Close everything, and have connection tracking forget it."""
        if "servers" in self.__dict__:
            self.servers.stop(everyone=True)
        if "clients" in self.__dict__:
            self.clients.close()
        conntrack.forget()
