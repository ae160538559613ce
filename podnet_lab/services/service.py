"""What a Service is: an address and a port that stand for several Pods. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.plan import ip_address, port_number, socket_address
from podnet_lab.steps.nft import steps as nft

RANGE = IPv4Network("10.96.0.0/12")
"""Where Services have their addresses: kubeadm's default."""

NODE_PORTS = range(30000, 32768)
"""Which ports of a node may stand for a Service: Kubernetes' default."""

STICKY = 10800
"""Seconds for which a client stays with its Pod, where that is wanted and nothing else is said: Kubernetes' default."""

_LABEL = "abcdefghijklmnopqrstuvwxyz0123456789-"


@dataclass(frozen=True)
class Service:
    """
    One port of a Service: *ip* and *port* stand for *endpoints*, each (address, port) of a Pod.

    *node_port* makes it reachable on every node's own address; *local* keeps such a connection on the node that it came to
    (``externalTrafficPolicy: Local``), and so the client's address. *affinity*: seconds that a client stays with its Pod.
    """

    name: str
    ip: IPv4Address
    port: int
    endpoints: tuple[tuple[IPv4Address, int], ...] = ()
    protocol: str = "tcp"
    node_port: int | None = None
    affinity: int | None = None
    local: bool = False

    @property
    def path(self) -> str:
        """The part of its chains' names that is its own: name/protocol/port."""
        return f"{self.name}/{self.protocol}/{self.port}"

    @property
    def chain(self) -> str:
        """The name of the chain that draws one of its endpoints."""
        return f"service-{self.path}"

    @property
    def key(self) -> str:
        """Its key in the map service-ips: address . protocol . port."""
        return f"{self.ip} . {self.protocol} . {self.port}"

    @property
    def full_name(self) -> str:
        """Its name in the cluster's DNS."""
        return f"{self.name}.default.svc.cluster.local"

    def affinity_set(self, endpoint: tuple[IPv4Address, int]) -> str:
        """The name of the set of clients that stay with one endpoint; its timeout is in the name, for it can't be changed."""
        return f"affinity-{self.path}/{endpoint[0]}/{endpoint[1]}/{self.affinity}s"

    def endpoint_chain(self, endpoint: tuple[IPv4Address, int]) -> str:
        """The name of the chain that rewrites the destination to one endpoint."""
        return f"endpoint-{self.path}/{endpoint[0]}/{endpoint[1]}"

    def to(self, *endpoints: str) -> Service:
        """The same Service with other endpoints, each like 10.244.1.2:8080."""
        return replace(self, endpoints=_endpoints(endpoints))

    def __str__(self) -> str:
        pods = ", ".join(f"{ip}:{port}" for ip, port in self.endpoints) or "nobody"
        return f"{self.name}: {self.ip}:{self.port}/{self.protocol} stands for {pods}"

    __repr__ = __str__


def service(
    name: str,
    ip: str,
    port: int,
    endpoints: Iterable[str] = (),
    *,
    protocol: str = "tcp",
    node_port: int | None = None,
    affinity: int | bool | None = None,
    local: bool = False,
) -> Service:
    """
    Describe a Service; *endpoints* are like 10.244.1.2:8080.

    Raises BadInput for an address outside 10.96.0.0/12, a port that is none, a name that DNS does not take, an endpoint
    that is there twice.
    """
    if not isinstance(name, str) or not name or set(name) - set(_LABEL) or not name[0].isalpha() or name[-1] == "-" or len(name) > 63:
        raise BadInput(f"{name!r} is no Service's name: small letters, digits and dashes, a letter in front, 63 at most")
    if (address := ip_address(ip)) not in RANGE or address in (RANGE.network_address, RANGE.broadcast_address):
        raise BadInput(f"{ip} is no Service's address: they are in {RANGE}")
    if protocol not in ("tcp", "udp"):
        raise BadInput(f"a Service's protocol is tcp or udp, not {protocol!r}{did_you_mean(protocol, ('tcp', 'udp'))}")
    if node_port is not None and (not isinstance(node_port, int) or node_port not in NODE_PORTS):
        raise BadInput(f"a node port is {NODE_PORTS[0]} to {NODE_PORTS[-1]}, not {node_port!r}")
    if local and node_port is None:
        raise BadInput("local is about connections that come to a node's own port: it needs a node_port")
    sticky = STICKY if affinity is True else affinity or None
    if sticky is not None:
        nft.address_set("affinity", sticky)  # refuses a time-out that is none
    return Service(name, address, port_number(port), _endpoints(endpoints), protocol, node_port, sticky, local)


def _endpoints(texts: Iterable[str]) -> tuple[tuple[IPv4Address, int], ...]:
    if isinstance(texts, str):
        raise BadInput(f"endpoints are several: [{texts!r}]")
    if not isinstance(texts, Iterable):
        raise BadInput(f"endpoints are several addresses with a port, like ['10.244.1.2:8080'], not {texts!r}")
    endpoints = [socket_address(text) for text in texts]
    if len(set(endpoints)) < len(endpoints):
        raise BadInput("an endpoint is there twice")
    return tuple(endpoints)
