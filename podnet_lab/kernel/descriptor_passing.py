"""Open files that one process gives to another, over a pair of sockets that both have from a common parent (SCM_RIGHTS, unix(7))."""

from __future__ import annotations

import socket

MESSAGE = b"1"
"""What is said where there is nothing to say: a message has a byte at least."""

LONGEST = 64
"""Bytes of a word."""


class Giver:
    """One end: it has *theirs*, the descriptor of the other end, until that is closed."""

    def __init__(self) -> None:
        self._socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs = self._theirs.fileno()

    def taker(self) -> Taker:
        """The other end, in a child that this process has forked for it."""
        self._socket.close()
        return Taker(self._theirs.detach())

    def keep_mine(self) -> None:
        """Close the other end here, once a child has it."""
        self._theirs.close()

    def give(self, *descriptors: int, said: bytes = MESSAGE) -> None:
        """Give open files to whoever has the other end, and a word about them; OSError if nobody has it any more."""
        socket.send_fds(self._socket, [said], list(descriptors))

    def close(self) -> None:
        """Give no more: the other end is told."""
        self._socket.close()


class Taker:
    """The other end, by its *descriptor*."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)

    def take(self, most: int) -> tuple[bytes, list[int]]:
        """The next open files that are given, *most* of them, behind the word about them, which is b"" if nobody can give any more."""
        said, descriptors, _, _ = socket.recv_fds(self._socket, LONGEST, most)
        return said, list(descriptors)

    def close(self) -> None:
        """Take no more."""
        self._socket.close()
