"""
Interfaces, whatever their kind: switched on and off, changed, deleted.

Nothing flows through an interface that is down, and both ends of a cable must be up.
"""

from __future__ import annotations

from podnet_lab.devices.link_steps import ChangeLink, MoveLink, RemoveLink, SetLinkState
from podnet_lab.errors import BadInput
from podnet_lab.plan import mac_address
from podnet_lab.valid_names import present_interface, within


def _named(name: str, namespace: str | None) -> tuple[str, str | None]:
    return present_interface(name), within(namespace)


def up(name: str, namespace: str | None = None) -> SetLinkState:
    """
    Switch an interface on.

    By hand::

        ip link set dev v-net-0 up
        ip -n pod-1-2 link set dev veth-1-2 up
    """
    return SetLinkState(*_named(name, namespace), up=True)


def down(name: str, namespace: str | None = None) -> SetLinkState:
    """
    Switch an interface off; routes through it go with it.

    By hand::

        ip link set dev v-net-0 down
    """
    return SetLinkState(*_named(name, namespace), up=False)


def change(
    name: str, namespace: str | None = None, *, mtu: int | None = None, mac: str | None = None, arp: bool | None = None
) -> ChangeLink:
    """
    Change an interface's MTU (bytes, 68 to 65535), its MAC, or whether it answers ARP.

    By hand::

        ip -n pod-1-2 link set dev veth-1-2 mtu 1400
    """
    if mtu is None and mac is None and arp is None:
        raise BadInput("say what to change: mtu, mac or arp")
    if mtu is not None and not (type(mtu) is int and 68 <= mtu <= 65535):
        raise BadInput(f"an MTU is 68 to 65535 bytes, not {mtu!r}")
    if not (arp is None or isinstance(arp, bool)):
        raise BadInput(f"arp is True or False, not {arp!r}")
    return ChangeLink(*_named(name, namespace), mtu, None if mac is None else mac_address(mac), arp)


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete an interface; a cable goes with both its ends.

    By hand::

        ip link del veth-1-2-br
    """
    return RemoveLink(*_named(name, namespace))


def move(name: str, to: str | None, namespace: str | None = None) -> MoveLink:
    """
    Move an interface into the namespace *to* (None: the node's own); it arrives switched off, without addresses.

    By hand::

        ip link set veth-1-2 netns pod-1-2
        ip -n pod-1-2 link set veth-1-2 netns $$
    """
    to, namespace = within(to), within(namespace)
    if to == namespace:
        raise BadInput(f"{name} can't move from a namespace into the same one")
    return MoveLink(present_interface(name), to, namespace)
