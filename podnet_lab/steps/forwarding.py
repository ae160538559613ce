"""
Forwarding, and other settings of the IPv4 stack.

A Linux machine is no router until it is told to be one: what arrives and isn't for itself is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import no_such
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, inside, no_namespace, where
from podnet_lab.steps.pyroute2_calls import write_setting
from podnet_lab.valid_names import present_interface, within

SETTINGS = ("forwarding", "rp_filter", "proxy_arp", "route_localnet", "proxy_delay")
"""The settings of one interface that a snapshot knows."""

OF_ONE = ("route_localnet", "proxy_delay")
"""Of those, the ones that a snapshot does not know of "all" and "default"."""

MOST = {"rp_filter": 2, "proxy_delay": 1000}
"""The greatest value of a setting that is more than on or off; a delay is in hundredths of a second."""


@dataclass(frozen=True)
class SetForwarding(Step):
    """See `on` and `off`."""

    enabled: bool
    namespace: str | None = None

    @property
    def command(self) -> str:
        return f"{inside(self.namespace)}sysctl -w net.ipv4.ip_forward={int(self.enabled)}"

    @property
    def pyroute2(self) -> str:
        return write_setting(self.namespace, "net/ipv4/ip_forward", int(self.enabled))

    @property
    def claim(self) -> str:
        return f"{self.namespace or 'the node'} {'forwards' if self.enabled else 'does not forward'}"

    def requests(self) -> list[Request]:
        return [("sysctl", self.namespace, {"key": "ipv4/ip_forward", "value": int(self.enabled)})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.namespace)) is not None:
            return missing
        enabled = now.spaces[self.namespace].forwarding
        return None if enabled == self.enabled else f"net.ipv4.ip_forward is {int(enabled)}{where(self.namespace)}"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        was = before.spaces[self.namespace]
        # The one switch sets every interface; those that had a setting of their own get it back behind it.
        single = {dev: conf.forwarding for dev, conf in was.conf.items() if dev != "all" and conf.forwarding != was.forwarding}
        own = (SetInterfaceSysctl(dev, "forwarding", int(value), self.namespace) for dev, value in single.items())
        return (SetForwarding(was.forwarding, self.namespace), *own)

    def touches(self) -> tuple:
        return (("conf", self.namespace, "all", "forwarding"),)


@dataclass(frozen=True)
class SetInterfaceSysctl(Step):
    """See `setting`."""

    dev: str
    key: str
    value: int
    namespace: str | None = None

    @property
    def command(self) -> str:
        # With slashes: in sysctl's other form a dot in an interface's name would look like a separator.
        return f"{inside(self.namespace)}sysctl -w net/{_setting_path(quoted(self.dev), self.key)}={self.value}"

    @property
    def pyroute2(self) -> str:
        return write_setting(self.namespace, f"net/{_setting_path(self.dev, self.key)}", self.value)

    @property
    def claim(self) -> str:
        return f"{self.key} of {self.dev}{where(self.namespace)} is {self.value}"

    def requests(self) -> list[Request]:
        return [("sysctl", self.namespace, {"key": _setting_path(self.dev, self.key), "value": self.value})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.namespace)) is not None:
            return missing
        conf = now.spaces[self.namespace].conf.get(self.dev)
        if conf is None:
            return f"no interface is called {self.dev}{where(self.namespace)}"
        value = int(getattr(conf, self.key))
        return None if value == self.value else f"{self.key} of {self.dev}{where(self.namespace)} is {value}"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (
            SetInterfaceSysctl(self.dev, self.key, int(getattr(before.spaces[self.namespace].conf[self.dev], self.key)), self.namespace),
        )

    def touches(self) -> tuple:
        return (("conf", self.namespace, self.dev, self.key),)

    def depends(self) -> set:
        # ip_forward, the one switch, sets every interface.
        return super().depends() | ({("conf", self.namespace, "all", "forwarding")} if self.key == "forwarding" else set())


def _setting_path(dev: str, key: str) -> str:
    """Where a setting is below /proc/sys/net."""
    return f"ipv4/{'neigh' if key == 'proxy_delay' else 'conf'}/{dev}/{key}"


def on(namespace: str | None = None) -> SetForwarding:
    """
    Make a node a router: let it pass on what is for others.

    By hand::

        sysctl -w net.ipv4.ip_forward=1
    """
    return SetForwarding(True, within(namespace))


def off(namespace: str | None = None) -> SetForwarding:
    """
    Make a node stop passing on what is for others.

    By hand::

        sysctl -w net.ipv4.ip_forward=0
    """
    return SetForwarding(False, within(namespace))


def setting(dev: str, key: str, value: int, namespace: str | None = None) -> SetInterfaceSysctl:
    """
    Change one IPv4 setting of an interface: forwarding, rp_filter or proxy_arp (also of "all" and "default"), route_localnet, proxy_delay.

    With *proxy_arp* an interface answers ARP for others, a random time of up to *proxy_delay* hundredths of a second late.

    By hand::

        sysctl -w net/ipv4/conf/v-net-0/rp_filter=1
    """
    if key not in SETTINGS:
        raise BadInput(no_such("setting of an interface", key, SETTINGS))
    if not isinstance(value, int) or not 0 <= value <= MOST.get(key, 1):
        raise BadInput(f"{key} can't be {value!r}")
    if key in OF_ONE and dev in ("all", "default"):
        raise BadInput(f"{key} is set for one interface, not for {dev!r}")
    if (dev, key) == ("all", "forwarding"):
        return (on if value else off)(namespace)
    known = dev if dev in ("all", "default") else present_interface(dev)
    return SetInterfaceSysctl(known, key, int(value), within(namespace))
