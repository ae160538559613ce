"""How a mesh of echoes says who heard whom: a byte for each endpoint, zlib, base64. Light, since the end that asks needs it, too."""

from __future__ import annotations

import base64
import zlib


def packed(flags: bytearray) -> str:
    """The bytes as text, a small part of them where most are alike."""
    return base64.b64encode(zlib.compress(flags, 1)).decode()


def unpacked(text: str) -> bytes:
    """The bytes that `packed` packed."""
    return zlib.decompress(base64.b64decode(text))
