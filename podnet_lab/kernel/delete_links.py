"""
Several interfaces deleted at once.

The kernel waits a while for each deletion, and meanwhile keeps others from changing interfaces, in any namespace. Interfaces of one
group go together, and are waited for once (rtnl_group_dellink in net/core/rtnetlink.c); `ip link del group N` asks for that.
"""

from __future__ import annotations

import errno
import os
import struct
from itertools import groupby

from podnet_lab.devices.nlattr import attribute
from podnet_lab.kernel.encode import RTM_DELLINK, Message
from podnet_lab.kernel.netlink import MOST_PER_SEND, Refused, Socket

RTM_SETLINK, IFLA_GROUP = 19, 27

_NO_LINK = bytes(16)
_DEFAULT = attribute(IFLA_GROUP, bytes(4))
"""The group that interfaces are in by themselves."""


def _new_group() -> bytes:
    """One drawn each time: whatever group somebody has put an interface into, it is not this one."""
    return attribute(IFLA_GROUP, struct.pack("=I", int.from_bytes(os.urandom(4), "little") | 1 << 31))


def request(sock: Socket, messages: list[Message]) -> None:
    """
    `Socket.request`, with deletions that follow each other done as one.

    Raises Refused with the position of the first message that the kernel did not take; deletions beside it are done.
    """
    start = 0
    for deletes, some in groupby(messages, lambda message: message[0] == RTM_DELLINK):
        part = list(some)
        try:
            if deletes and len(part) > 1:
                _delete(sock, part)
            else:
                sock.request(part)
        except Refused as refusal:
            refusal.position += start
            raise
        start += len(part)


def _delete(sock: Socket, messages: list[Message]) -> None:
    for start in range(0, len(messages), MOST_PER_SEND - 1):
        part = messages[start : start + MOST_PER_SEND - 1]
        try:
            _delete_together(sock, part)
        except Refused as refusal:
            refusal.position += start
            raise


def _delete_together(sock: Socket, messages: list[Message]) -> None:
    """In one send: whatever happens to this process, none stays in that group."""
    bodies, going = [body for _, _, body in messages], _new_group()
    try:
        sock.request([*((RTM_SETLINK, 0, body + going) for body in bodies), (RTM_DELLINK, 0, _NO_LINK + going)])
    except Refused as refusal:
        if refusal.position < len(messages) or refusal.errno != errno.EOPNOTSUPP:
            raise
        # One can't be deleted, such as lo, so none was: which it is, is said of it alone.
        sock.send_without_ack([(RTM_SETLINK, 0, body + _DEFAULT) for body in bodies])
        sock.request(messages)
