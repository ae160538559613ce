"""A node's end of a file that is brought to it: big ones, in pieces, each of which is acknowledged."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue

MODE = 0o755
"""Programs are what is brought."""


def serve(channel, path: str) -> None:
    """
    Write what comes over *channel*, execnet's, to the file *path*, which is there when it is whole: until b"" comes.

    Each piece is answered by its length, and the end by the SHA-256 of what was written, as text; an error by its words, as text.
    """
    pieces: queue.SimpleQueue = queue.SimpleQueue()
    channel.setcallback(pieces.put, endmarker=None)
    new = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, MODE), "wb") as file:
            found = hashlib.sha256()
            while piece := pieces.get():
                file.write(piece)
                found.update(piece)
                channel.send(len(piece))
        if piece is not None:  # None: whoever sent it is gone, before its end
            os.replace(new, path)
            channel.send(found.hexdigest())
    except OSError as error:
        channel.send(f"error: {path}: {error.strerror}")
        while pieces.get():  # until whoever sends them has heard it
            pass
    finally:
        with contextlib.suppress(OSError):
            os.remove(new)
