"""A veth's settings as the kernel takes them: its other end (linux/veth.h, drivers/net/veth.c)."""

from __future__ import annotations

import struct
from typing import Any

from podnet_lab.devices.nlattr import attribute
from podnet_lab.printable_names import raw

PAIRED = True
"""Its IFLA_LINK is its other end."""

VETH_INFO_PEER = 1
IFLA_IFNAME, IFLA_NET_NS_PID, IFLA_NET_NS_FD = 3, 19, 28

_EMPTY = bytes(16)  # struct ifinfomsg: nothing but a name is said of the peer


def encode(settings: dict[str, Any], lookup: Any) -> bytes:
    """IFLA_INFO_DATA for *peer*, made in *peer_namespace* (None: where the first end is made), or where the process *peer_pid* is."""
    peer = _EMPTY + attribute(IFLA_IFNAME, raw(settings["peer"]) + b"\0")
    if settings.get("peer_namespace") is not None:
        peer += attribute(IFLA_NET_NS_FD, struct.pack("=I", lookup.netns(settings["peer_namespace"])))
    if settings.get("peer_pid") is not None:
        peer += attribute(IFLA_NET_NS_PID, struct.pack("=I", settings["peer_pid"]))
    return attribute(VETH_INFO_PEER, peer)
