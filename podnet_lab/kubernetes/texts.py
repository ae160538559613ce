"""Files of this folder that are handed on as text: scripts for nodes, and what kubectl is given. Pure."""

from __future__ import annotations

import os


def text(name: str) -> str:
    """The text of a file of this folder."""
    with open(os.path.join(os.path.dirname(__file__), name)) as file:
        return file.read()
