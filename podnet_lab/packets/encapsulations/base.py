"""What is particular to one way of putting a packet into another: the contract that each file beside this one fulfils."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from podnet_lab.packets.frames import Frame, Tunnel


class Encapsulation:
    """One way of putting a packet into another; its file has a value of it, ENCAPSULATION."""

    kind: ClassVar[str] = ""
    """The kind of interface that does it, as the kernel calls it (``ip -d link``)."""

    usual_ports: ClassVar[frozenset[int]] = frozenset()
    """Of one in UDP, the ports that its packets go to where nobody has said another."""

    def open(self, outer: Frame, ports: Collection[int]) -> tuple[Tunnel, Frame] | None:
        """What *outer* carries, and in which tunnel; None if it is no such packet. *ports* are those at which the cluster has ends."""
        raise NotImplementedError
