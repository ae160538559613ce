"""Conflists that podnet_lab has written on a node, and takes away with all else, as long as they are what it had written."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from shlex import quote

RECORD = "/run/cni/written"
"""What was written, as sha256sum says it: whoever takes it away may be another process."""


def noted(path: str, record: str = RECORD) -> str:
    """What a shell on a node does to note that the file *path* was written."""
    return f"sha256sum {quote(path)} > {quote(record)}"


def remove(record: str = RECORD) -> None:
    """Take away what was noted; what somebody has changed since is theirs, and stays."""
    with suppress(OSError):
        with open(record) as file:
            noted_lines = [line.rstrip("\n").partition("  ") for line in file]
        os.unlink(record)
        for digest, _, path in noted_lines:
            with suppress(OSError):
                with open(path, "rb") as file:
                    same = hashlib.sha256(file.read()).hexdigest() == digest
                if same:
                    os.unlink(path)
