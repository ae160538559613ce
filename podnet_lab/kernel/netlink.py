"""
A netlink socket: many requests in a bounded send, all their answers read back; dumps that are whole.

Layout and numbers: linux/netlink.h, linux/rtnetlink.h.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

from podnet_lab.devices.nlattr import attributes
from podnet_lab.printable_names import raw

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x4, 0x10, 0x300
NLM_F_CREATE_NEW = 0x400 | 0x200
"""Make it, and refuse if it is there: NLM_F_CREATE and NLM_F_EXCL."""
NLM_F_CREATE_OR_REPLACE = 0x400 | 0x100

SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 10, 11, 12
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS = 1, 2
SIOCGIFNAME, SIOCGIFINDEX = 0x8910, 0x8933

MOST_PER_SEND = 64
"""Several hundred unread acknowledgements overflow a socket (200 passed, 500 did not); this stays well below."""

DUMPING = 0xFFFFFFFF
"""The number of a dump: what is told has 0, and of a batch each request its position."""

MOST_DUMPS = 16
"""A dump that a change cut across is asked for again, this many times at most."""

_HEADER = struct.Struct("=IHHII")


class Refused(OSError):
    """
    The kernel said no to one request of a batch: *position* counts from 0, *detail* is its longer word.

    *offset*: where in the message the attribute begins that it did not take; None if it did not say.
    """

    def __init__(self, code: int, position: int = 0, detail: str = "", offset: int | None = None) -> None:
        super().__init__(code, os.strerror(code) if code else detail)
        self.position, self.detail, self.offset = position, detail, offset


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(type, flags, number, body) of each message of a datagram."""
    offset = 0
    while offset + 16 <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, flags, sequence, data[offset + 16 : offset + length]
        offset += max(16, (length + 3) & ~3)


class Socket:
    """A netlink socket, for routes or another protocol; it belongs to the network namespace of the thread that makes it, for good."""

    def __init__(self, protocol: int = 0) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK):
            self._socket.setsockopt(SOL_NETLINK, option, 1)
        self._strict = False

    def close(self) -> None:
        """Close it: an open socket keeps its namespace alive, even one that was deleted."""
        self._socket.close()

    def index(self, name: str) -> int:
        """The number of interface *name* in this socket's namespace; Refused (ENODEV) if there is none."""
        try:
            answer = fcntl.ioctl(self._socket, SIOCGIFINDEX, struct.pack("16s24x", raw(name)))
        except OSError as error:
            raise Refused(error.errno) from None
        return struct.unpack_from("=16xi", answer)[0]

    def name(self, index: int) -> bytes | None:
        """The name of the interface with that number in this socket's namespace; None if there is none."""
        try:
            answer = fcntl.ioctl(self._socket, SIOCGIFNAME, struct.pack("=16xi20x", index))
        except OSError:
            return None
        return answer[:16].partition(b"\0")[0]

    def request(self, bodies: list[tuple[int, int, bytes]]) -> None:
        """
        Send requests of (type, flags, body) and wait for every acknowledgement.

        The kernel goes on after a refusal in the middle of a send: each send is read to its end, then the first
        refusal is raised as Refused, with its position in *bodies*.
        """
        for start in range(0, len(bodies), MOST_PER_SEND):
            part = bodies[start : start + MOST_PER_SEND]
            try:
                self.transaction(part, answered=range(len(part)))
            except Refused as refusal:
                refusal.position += start
                raise

    def send_without_ack(self, bodies: list[tuple[int, int, bytes]]) -> None:
        """Send requests whose refusal does not matter, and wait for no answer: half the system calls."""
        for start in range(0, len(bodies), MOST_PER_SEND):
            part = bodies[start : start + MOST_PER_SEND]
            self._socket.send(
                b"".join(_HEADER.pack(16 + len(body), kind, flags | NLM_F_REQUEST, 0, 0) + body for kind, flags, body in part)
            )
        if len(bodies) > 1:  # refusals are told all the same; they must not fill the socket
            with suppress(BlockingIOError):
                while True:
                    self._socket.recv(1 << 16, socket.MSG_DONTWAIT)

    def transaction(self, bodies: list[tuple[int, int, bytes]], answered: range) -> None:
        """Send all of *bodies* at once; only those at the positions *answered* are acknowledged."""
        self._socket.send(
            b"".join(
                _HEADER.pack(16 + len(body), kind, flags | NLM_F_REQUEST | (NLM_F_ACK if number in answered else 0), number, 0) + body
                for number, (kind, flags, body) in enumerate(bodies)
            )
        )
        refusals = self._acknowledgements(len(answered))
        if refusals:
            raise min(refusals, key=lambda refusal: refusal.position)

    def _acknowledgements(self, count: int) -> list[Refused]:
        refusals = []
        while count:
            for kind, _, number, body in messages(self._socket.recv(1 << 16)):
                if kind != NLMSG_ERROR:
                    continue
                count -= 1
                (code,) = struct.unpack_from("=i", body)
                if code:
                    # With a capped acknowledgement the attributes follow the 4 + 16 bytes of error and header.
                    more = attributes(body, 20)
                    detail = more.get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode(errors="replace")
                    offset = struct.unpack("=I", more[NLMSGERR_ATTR_OFFS])[0] if NLMSGERR_ATTR_OFFS in more else None
                    refusals.append(Refused(-code, number, detail, offset))
        return refusals

    def dump(self, kind: int, body: bytes, strict: bool = False) -> list[bytes]:
        """All answers to a dump request; asked again if the kernel says that a change cut across it."""
        if strict != self._strict:
            self._socket.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, int(strict))
            self._strict = strict
        for _ in range(MOST_DUMPS):
            answers, whole = self._dump_once(kind, body)
            if whole:
                return answers
        raise Refused(16)  # EBUSY: the tables change faster than they can be read

    def _dump_once(self, kind: int, body: bytes) -> tuple[list[bytes], bool]:
        self._socket.send(_HEADER.pack(16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, DUMPING, 0) + body)
        answers, whole = [], True
        while True:
            for answer, flags, number, payload in messages(self._socket.recv(1 << 17)):
                if number != DUMPING:  # a refusal of something that was told, and nobody asked about
                    continue
                whole = whole and not flags & NLM_F_DUMP_INTR
                if answer == NLMSG_DONE:
                    return answers, whole
                if answer == NLMSG_ERROR:
                    raise Refused(-struct.unpack_from("=i", payload)[0])
                answers.append(payload)

    def ask(self, kind: int, bodies: list[bytes]) -> list[bytes | None]:
        """One answer for each of *bodies*, in order; None where the kernel refused."""
        return [answer if isinstance(answer, bytes) else None for answer in self.ask_each(kind, bodies)]

    def ask_each(self, kind: int, bodies: list[bytes]) -> list[bytes | int]:
        """One answer for each of *bodies*, in order; where the kernel refused, its errno."""
        results: list[bytes | int] = []
        for start in range(0, len(bodies), MOST_PER_SEND):
            part = bodies[start : start + MOST_PER_SEND]
            self._socket.send(
                b"".join(_HEADER.pack(16 + len(body), kind, NLM_F_REQUEST, number, 0) + body for number, body in enumerate(part))
            )
            answers: dict[int, bytes | int] = {}
            while len(answers) < len(part):
                for answer, _, number, payload in messages(self._socket.recv(1 << 16)):
                    answers[number] = -struct.unpack_from("=i", payload)[0] if answer == NLMSG_ERROR else payload
            results += [answers[number] for number in range(len(part))]
        return results
