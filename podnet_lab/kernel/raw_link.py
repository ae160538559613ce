"""
An interface of any kind made again from what the kernel said of it (IFLA_LINKINFO).

A kernel tells more than it takes: some attributes of a kind can only be read. Often it names the first that it does not take
by its place in the message (NLMSGERR_ATTR_OFFS, linux/netlink.h); without that one, it is asked again. Where it names none,
those that are zero are left out, since nothing was chosen there.
"""

from __future__ import annotations

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel import encode
from podnet_lab.kernel.netlink import Refused, Socket

IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
NLMSG_HEADER = 16
MOST_TRIES = 32


def link_add(sock: Socket, name: str, info: bytes, mac: str, mtu: int, lower: int | None, netns: int | None) -> None:
    """Make it; Refused if the kernel takes it in no form."""
    has = attributes(info)
    settings = attributes(has.get(IFLA_INFO_DATA, b""))
    for _ in range(MOST_TRIES):
        message = encode.link_add(name, has[IFLA_INFO_KIND].rstrip(b"\0").decode(), _joined(settings), lower, netns, mac, mtu)
        try:
            sock.request([message])
            return
        except Refused as refusal:
            refused = _at(message[2], settings, refusal.offset)
            fewer = {kind: value for kind, value in settings.items() if (any(value) if refused is None else kind != refused)}
            if len(fewer) == len(settings):
                raise
            settings = fewer
    raise Refused(22)


def _joined(settings: dict[int, bytes]) -> bytes:
    return b"".join(attribute(kind, value) for kind, value in settings.items())


def _at(body: bytes, settings: dict[int, bytes], offset: int | None) -> int | None:
    """Which of *settings*, the last thing in *body*, begins at the place *offset* of the message."""
    if offset is None:
        return None
    place = NLMSG_HEADER + len(body) - len(_joined(settings))
    for kind, value in settings.items():
        if place == offset:
            return kind
        place += len(attribute(kind, value))
    return None
