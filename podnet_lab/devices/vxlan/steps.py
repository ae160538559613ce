"""
Tunnels, and where in them a MAC is found.

A frame that goes out of a vxlan interface is put into a UDP packet, which goes to another host by that host's own address;
there it comes out of the vxlan interface with the same number (VNI).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.devices.vxlan.options import words
from podnet_lab.errors import BadInput
from podnet_lab.model import Link, Snapshot
from podnet_lab.plan import ip_address, mac_address, port_number
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, inside, named, no_link, on, where
from podnet_lab.steps.pyroute2_calls import call, index_of
from podnet_lab.valid_names import interface_name, present_interface, within

PORT = 4789
"""The UDP port that IANA gave to VXLAN (RFC 7348). Linux's own default, older than that, is 8472, and Flannel uses it."""

MOST_VNI = 2**24 - 1
"""A VXLAN Network Identifier has 24 bits."""


@dataclass(frozen=True)
class AddVxlan(AddLink):
    """See `add`. *other* are settings that no step gives, in the kernel's own bytes: what one that was deleted had."""

    vni: int
    port: int = PORT
    local: IPv4Address | None = None
    dev: str | None = None
    remote: IPv4Address | None = None
    learning: bool = True
    namespace: str | None = None
    other: str = field(default="", compare=False, repr=False)

    @property
    def _settings(self) -> dict[str, object]:
        chosen = {"local": self.local and str(self.local), "remote": self.remote and str(self.remote), "dev": self.dev}
        return {"vni": self.vni, "port": self.port, "learning": self.learning} | {key: value for key, value in chosen.items() if value}

    @property
    def command(self) -> str:
        given = [f"id {self.vni}"]
        given += [f"dev {quoted(self.dev)}"] if self.dev else []
        given += [f"local {self.local}"] if self.local else []
        given += [f"remote {self.remote}"] if self.remote else []
        given += [f"dstport {self.port}", *([] if self.learning else ["nolearning"])]
        return f"ip {on(self.namespace)}link add {named(self.name, 'name')} type vxlan {' '.join(given)}"

    @property
    def pyroute2(self) -> str:
        names = {"vni": "vxlan_id", "port": "vxlan_port", "learning": "vxlan_learning", "local": "vxlan_local", "remote": "vxlan_group"}
        given = {names[key]: value for key, value in self._settings.items() if key in names}
        given |= {"vxlan_link": index_of(self.namespace, self.dev)} if self.dev else {}
        return call(self.namespace, "link", "add", ifname=self.name, kind="vxlan", **given)

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} is a vxlan with VNI {self.vni}"

    @property
    def unsaid(self) -> str:
        return f"settings of {self.name}{where(self.namespace)}: {', '.join(words(self.other))}" if self.other else ""

    def requests(self) -> list[Request]:
        settings = self._settings | ({"other": self.other} if self.other else {})
        return [("link_add", self.namespace, {"name": self.name, "kind": "vxlan", "settings": settings})]

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(self.namespace, self.name)
        if link is None:
            return self._number_taken(before)
        if link.kind != "vxlan":
            return f"{self.name}{where(self.namespace)} is a {link.kind} interface"
        return self._difference(link)

    def _difference(self, link: Link) -> str | None:
        wanted = self._settings
        for name in ("vni", "port", "local", "remote", "dev", "learning"):
            if (value := link.setting(name)) != wanted.get(name):
                return f"{self.name}{where(self.namespace)} is a vxlan whose {name} is {value}, not {wanted.get(name)}"
        return None

    def _number_taken(self, before: Snapshot) -> str | None:
        """The kernel takes a VNI once for each port and lower interface in a namespace."""
        space = before.spaces.get(self.namespace)
        for link in space.links.values() if space else ():
            if (link.kind, link.setting("vni"), link.setting("port"), link.setting("dev")) == ("vxlan", self.vni, self.port, self.dev):
                return f"{link.name}{where(self.namespace)} has VNI {self.vni} at port {self.port} already"
        return None

    def depends(self) -> set:
        return super().depends() | ({("link", self.namespace, self.dev)} if self.dev else set())


@dataclass(frozen=True)
class _Forwarding(Step):
    verb, operation = "", ""  # what bridge and pyroute2 call it, and the agents

    mac: str
    remote: IPv4Address
    dev: str
    namespace: str | None = None

    @property
    def command(self) -> str:
        return f"{inside(self.namespace)}bridge fdb {self.verb} {self.mac} dev {quoted(self.dev)} dst {self.remote}"

    @property
    def pyroute2(self) -> str:
        return call(self.namespace, "fdb", self.verb, ifindex=index_of(self.namespace, self.dev), lladdr=self.mac, dst=str(self.remote))

    def requests(self) -> list[Request]:
        return [(self.operation, self.namespace, {"mac": self.mac, "dev": self.dev, "remote": str(self.remote)})]

    def _remotes(self, now: Snapshot, learnt: bool) -> list[str]:
        """Where the MAC is looked for: as somebody has written, or also as was *learnt*."""
        entries = now.spaces[self.namespace].fdb if self.namespace in now.spaces else ()
        of_mac = (entry for entry in entries if (entry.dev, entry.mac) == (self.dev, self.mac) and entry.remote is not None)
        return sorted(str(entry.remote) for entry in of_mac if entry.permanent or learnt)

    def touches(self) -> tuple:
        return (("fdb", self.namespace, self.dev, self.mac),)


class AppendForwarding(_Forwarding):
    """See `fdb_append`."""

    verb, operation = "append", "fdb_add"

    @property
    def claim(self) -> str:
        return f"{self.mac} is reached through {self.dev} at {self.remote}{where(self.namespace)}"

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_link(now, self.namespace, self.dev)) is not None:
            return missing
        remotes = self._remotes(now, learnt=False)
        if str(self.remote) in remotes:
            return None
        at = f", but at {', '.join(remotes)}" if remotes else ""
        return f"{self.dev}{where(self.namespace)} does not look for {self.mac} at {self.remote}{at}"

    def conflict(self, before: Snapshot) -> str | None:
        # Linux ignores a second remote of a single host's MAC without a word (vxlan_fdb_update_existing in vxlan_core.c).
        remotes = [] if self._for_many else [one for one in self._remotes(before, learnt=True) if one != str(self.remote)]
        return f"{self.dev}{where(self.namespace)} looks for {self.mac} at {remotes[0]}" if remotes else None

    @property
    def _for_many(self) -> bool:
        """Whether it is the MAC for all that is found nowhere else: that one alone has several hosts."""
        return self.mac == "00:00:00:00:00:00"

    def ends(self) -> tuple:
        return ()  # a second remote for the same MAC leaves the first one standing

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveForwarding(self.mac, self.remote, self.dev, self.namespace),)


class RemoveForwarding(_Forwarding):
    """See `fdb_remove`."""

    verb, operation = "del", "fdb_remove"

    @property
    def claim(self) -> str:
        return f"{self.dev}{where(self.namespace)} does not look for {self.mac} at {self.remote}"

    def contradiction(self, now: Snapshot) -> str | None:
        still = str(self.remote) in self._remotes(now, learnt=True)
        return f"{self.dev}{where(self.namespace)} still looks for {self.mac} at {self.remote}" if still else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (AppendForwarding(self.mac, self.remote, self.dev, self.namespace),)


def add(
    name: str,
    vni: int,
    local: str | None = None,
    dev: str | None = None,
    port: int = PORT,
    *,
    remote: str | None = None,
    learning: bool = True,
    namespace: str | None = None,
) -> AddVxlan:
    """
    Make a vxlan interface: frames that go out of it travel in UDP packets from *local* to *port* of another host.

    *vni* is the tunnel's number, *dev* the interface that its packets leave by, *remote* the address of the one other host,
    if there is only one. With *learning* it remembers from which host a MAC came; without, `fdb_append` says it.

    By hand::

        ip link add flannel.1 type vxlan id 1 dev eth0 local 192.168.1.11 dstport 8472 nolearning
    """
    if not isinstance(vni, int) or isinstance(vni, bool) or not 0 <= vni <= MOST_VNI:
        raise BadInput(f"a VNI is a number from 0 to {MOST_VNI}, not {vni!r}")
    if not isinstance(learning, bool):
        raise BadInput(f"learning is True or False, not {learning!r}")
    ends = (None if local is None else ip_address(local), None if dev is None else present_interface(dev))
    other = None if remote is None else ip_address(remote)
    if other is not None and other.is_multicast and dev is None:
        raise BadInput(f"{remote} is a group: it needs an interface (dev) to be reached by")
    return AddVxlan(interface_name(name), vni, port_number(port), *ends, other, learning, within(namespace))


def fdb_append(mac: str, remote: str, dev: str, namespace: str | None = None) -> AppendForwarding:
    """
    Say at which host's address (*remote*) a tunnel finds a MAC; of 00:00:00:00:00:00, which hosts get what it finds nowhere else.

    By hand::

        bridge fdb append 02:00:00:00:00:02 dev flannel.1 dst 192.168.1.12
    """
    return AppendForwarding(mac_address(mac), ip_address(remote), present_interface(dev), within(namespace))


def fdb_remove(mac: str, remote: str, dev: str, namespace: str | None = None) -> RemoveForwarding:
    """
    Forget it.

    By hand::

        bridge fdb del 02:00:00:00:00:02 dev flannel.1 dst 192.168.1.12
    """
    return RemoveForwarding(mac_address(mac), ip_address(remote), present_interface(dev), within(namespace))


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete a vxlan interface, and its forwarding table with it.

    By hand::

        ip link del flannel.1
    """
    return RemoveLink(present_interface(name), within(namespace))
