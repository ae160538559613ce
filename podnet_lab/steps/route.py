"""
Stage 5: the routes.

A route says where to send what is not near. A Pod needs one way out, its default route to the bridge; a node needs
to know, for every other node, that the Pods there are behind that node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Self

from podnet_lab.errors import BadInput
from podnet_lab.model import DEFAULT, MAIN_TABLE, Route, Snapshot
from podnet_lab.model.route import BOOT, PROTOCOLS
from podnet_lab.plan import ip_address, subnet
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, no_namespace, on, where
from podnet_lab.steps.pyroute2_calls import FOREIGN, call, index_of, with_comment
from podnet_lab.steps.route_options import RouteOptions, options
from podnet_lab.valid_names import present_interface, within


@dataclass(frozen=True)
class _Route(Step):
    verb, operation = "", ""  # what ip and pyroute2 call it, and the agents

    to: IPv4Network
    via: IPv4Address | None = None
    dev: str | None = None
    namespace: str | None = None
    kind: str = "unicast"
    table: int = MAIN_TABLE
    metric: int = 0
    raw: str = field(default="", compare=False, repr=False)  # the kernel's own bytes, where a plain request would lose something
    onlink: bool = False
    extra: str = field(default="", compare=False, repr=False)  # what is unusual about it, as `Route.extra` has it
    protocol: int = BOOT  # who makes it: whoever types `ip route`, or a program that goes by a number of its own

    @property
    def _options(self) -> RouteOptions:
        return options(self.extra, self.raw, self.namespace)

    @property
    def _words(self) -> str:
        table = f" table {self.table}" if self.table != MAIN_TABLE else ""
        dev = self.dev and quoted(self.dev)
        more = "".join(f" {words}" for words in self._options.words)
        route = Route(self.to, self.via, dev, self.kind, metric=self.metric, onlink=self.onlink, protocol=self.protocol)
        # Who made it is left out where routes are looked at, if a person may have typed it; here it is what was typed.
        maker = "" if route.maker or self.protocol == BOOT else f" proto {PROTOCOLS.get(self.protocol, self.protocol)}"
        return f"{route}{maker}{table}{more}"

    @property
    def unsaid(self) -> str:
        left = self._options.left if self.verb == "add" else ()
        return f"the route {self._words}{where(self.namespace)} has more: {', '.join(left)}" if left else ""

    @property
    def _to(self) -> str:
        return "default" if self.to == DEFAULT else str(self.to)

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}route {self.verb} {self._words}"

    @property
    def pyroute2(self) -> str:
        # pyroute2 takes "default" only where a gateway says that it is IPv4.
        given: dict[str, object] = {"dst": self._to if self.via else str(self.to)}
        given |= {"gateway": str(self.via)} if self.via else {}
        given |= {"oif": index_of(self.namespace, self.dev)} if self.dev else {}
        given |= {"type": self.kind} if self.kind != "unicast" else {}
        given |= {"table": self.table} if self.table != MAIN_TABLE else {}
        given |= {"priority": self.metric} if self.metric else {}
        if self.verb == "del":
            return call(self.namespace, "route", "del", **given, scope="nowhere")  # however far it leads
        given |= {"flags": ["onlink"]} if self.onlink else {}
        given |= {"scope": "link"} if self.kind == "unicast" and not self.via else {}
        # As `ip` says it; pyroute2 by itself says "static".
        added = call(
            self.namespace, "route", "add", **given | dict(self._options.arguments), proto=PROTOCOLS.get(self.protocol, self.protocol)
        )
        return with_comment(added, FOREIGN) if self._options.left else added

    def requests(self) -> list[Request]:
        if self.raw:
            *nexthops, raw = self.raw.split(";")
            needed = [("nexthop_add_raw", self.namespace, {"body": nexthop}) for nexthop in nexthops] if self.verb == "add" else []
            return [*needed, (f"{self.operation}_raw", self.namespace, {"body": raw})]
        via = {"via": str(self.via)} if self.via else {}
        dev = {"dev": self.dev} if self.dev else {}
        rest = {"kind": self.kind, "table": self.table, "metric": self.metric, **({"onlink": True} if self.onlink else {})}
        rest |= {"protocol": self.protocol} if self.protocol != BOOT else {}
        return [(self.operation, self.namespace, {"to": str(self.to), **via, **dev, **rest})]

    def _found(self, now: Snapshot) -> list[Route]:
        return [
            route for route in now.spaces[self.namespace].routes if (route.to, route.table) == (self.to, self.table) and self._ranks(route)
        ]

    def _ranks(self, route: Route) -> bool:
        return route.metric == self.metric

    def _same(self, route: Route) -> bool:
        near = (self.via, self.kind, self.onlink) == (route.via, route.kind, route.onlink) and self.protocol in (BOOT, route.protocol)
        return near and (self.dev is None or self.dev == route.dev)

    def touches(self) -> tuple:
        return (("route", self.namespace, self.to),)

    @classmethod
    def of(cls, route: Route, namespace: str | None, raw: bool) -> Self:
        """The step for a route that a kernel had; *raw* with the kernel's own bytes, which name the interface by its number."""
        given = (route.to, route.via, route.dev, namespace, route.kind, route.table, route.metric)
        return cls(*given, route.raw if raw else "", route.onlink, route.extra if raw else "", route.protocol)


class AddRoute(_Route):
    """See `add`."""

    verb, operation = "add", "route_add"

    @property
    def claim(self) -> str:
        return f"the route{where(self.namespace)} is {self._words}"

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.namespace)) is not None:
            return missing
        if any(self._same(route) for route in self._found(now)):
            return None
        return self.conflict(now) or f"there is no route to {self._to}{where(self.namespace)}"

    def conflict(self, before: Snapshot) -> str | None:
        routes = self._found(before) if self.namespace in before.spaces else []
        return f"the route{where(self.namespace)} is {routes[0]}" if routes else None

    def needs_links(self, before: Snapshot) -> set:
        """The interfaces that the route goes through now: it goes with them."""
        routes = before.spaces[self.namespace].routes_to(self.to) if self.namespace in before.spaces else ()
        return {(fact, self.namespace, route.dev) for route in routes for fact in ("up", "link")}

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (
            RemoveRoute(
                self.to, self.via, self.dev, self.namespace, self.kind, self.table, self.metric, onlink=self.onlink, protocol=self.protocol
            ),
        )


class RemoveRoute(_Route):
    """See `remove`."""

    verb, operation = "del", "route_remove"

    @property
    def claim(self) -> str:
        return f"there is no route {self._words}{where(self.namespace)}"

    def _ranks(self, route: Route) -> bool:
        return self.metric in (0, route.metric)  # without one, the kernel deletes the first that fits otherwise

    def _same(self, route: Route) -> bool:
        return (self.via is None or self.via == route.via) and (self.dev is None or self.dev == route.dev)

    def contradiction(self, now: Snapshot) -> str | None:
        routes = [route for route in self._found(now) if self._same(route)] if self.namespace in now.spaces else []
        return f"{routes[0]}{where(self.namespace)} is still there" if routes else None

    def takes_away(self) -> tuple:
        return self.touches()

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        gone = [route for route in self._found(before) if self._same(route) and route not in self._found(after)]
        return tuple(AddRoute.of(route, self.namespace, raw=bool(route.extra)) for route in gone)


def _read(to: str, via: str | None, dev: str | None, namespace: str | None) -> tuple:
    return (
        DEFAULT if to == "default" else subnet(to),
        ip_address(via) if via is not None else None,
        present_interface(dev) if dev is not None else None,
        within(namespace),
    )


def add(
    to: str,
    via: str | None = None,
    dev: str | None = None,
    namespace: str | None = None,
    *,
    onlink: bool = False,
    metric: int = 0,
    protocol: int = BOOT,
) -> AddRoute:
    """
    Send what is for *to* (a subnet, or "default") to the gateway *via*, or out of *dev*.

    With *onlink* the kernel believes that *via* is on the link of *dev*, though no address there says so: a tunnel needs that. Of
    several routes to the same that of the lowest *metric* is taken. *protocol* says who makes it; Calico's Felix is number 80.

    By hand::

        ip -n pod-1-2 route add default via 10.244.1.1
        ip route add 10.244.2.0/24 via 192.168.1.12
        ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
    """
    if via is None and dev is None:
        raise BadInput(f"a route to {to} needs a gateway (via) or an interface (dev)")
    if onlink and (via is None or dev is None):
        raise BadInput(f"onlink says of a gateway (via) that it is on the link of an interface (dev): the route to {to} needs both")
    return AddRoute(*_read(to, via, dev, namespace), metric=_number(metric, 32), onlink=onlink, protocol=_number(protocol, 8))


def _number(value: int, bits: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise BadInput(f"a route's metric has 32 bits, and its protocol 8: {value!r} is not a number of {bits} bits")
    return value


def remove(to: str, via: str | None = None, dev: str | None = None, namespace: str | None = None) -> RemoveRoute:
    """
    Take a route away.

    By hand::

        ip route del 10.244.2.0/24 via 192.168.1.12
    """
    return RemoveRoute(*_read(to, via, dev, namespace))


def blackhole(to: str, namespace: str | None = None, protocol: int = BOOT) -> AddRoute:
    """
    Throw away, silently, what is for *to*; *protocol* says who makes the route.

    By hand::

        ip route add blackhole 10.244.2.0/24
    """
    to, _, _, namespace = _read(to, None, None, namespace)
    return AddRoute(to, namespace=namespace, kind="blackhole", protocol=_number(protocol, 8))
