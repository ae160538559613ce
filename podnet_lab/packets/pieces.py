"""Packets that were cut on their way: which later piece belongs to which first one. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace

from podnet_lab.packets.hop import CapturedFrame


def with_first_pieces(frames: Iterable[CapturedFrame]) -> list[CapturedFrame]:
    """
    The same frames, where each later piece of a packet in a tunnel knows the first one at its interface, and is in the same tunnel.

    Pieces of one packet have its addresses and its identification in common (RFC 791).
    """
    frames = list(frames)
    firsts = {_packet(captured): captured for captured in frames if captured.whole.piece is not None and captured.whole.tunnel is not None}
    known = [(captured, firsts.get(_packet(captured)) if captured.whole.kind == "fragment" else None) for captured in frames]
    return [
        captured if first is None else replace(captured, whole=replace(captured.whole, tunnel=first.whole.tunnel), first=first)
        for captured, first in known
    ]


def _packet(captured: CapturedFrame) -> Hashable:
    whole = captured.whole
    at = (captured.node, captured.namespace, captured.dev, captured.out)
    return *at, whole.source, whole.target, whole.piece and whole.piece.identification
