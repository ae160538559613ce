"""The labs that this process has open: closed when it ends, and not its children's."""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

OPEN: dict[str, Lab] = {}
"""By name; one that was joined by name and owner. A lab whose processes went may still be among them."""


def open_labs() -> list[Lab]:
    """The labs of this process that are alive."""
    return [lab for lab in OPEN.values() if lab.alive]


def running(name: str) -> Lab | None:
    """The live lab of that name; one whose processes went is closed, so that its file goes, too."""
    lab = OPEN.get(name)
    if lab is not None and not lab.alive:
        lab.close()
        return None
    return lab


def forget(lab: Lab) -> None:
    """Let go of a lab that was closed."""
    for name in [name for name, other in OPEN.items() if other is lab]:
        del OPEN[name]


os.register_at_fork(after_in_child=OPEN.clear)


@atexit.register
def _close_all() -> None:
    for lab in list(OPEN.values()):
        lab.close()
