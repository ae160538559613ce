"""
The process that a lab's agents answer to: no process that was forked from it, as multiprocessing does, can speak to them.

Such a child has a copy of the lab without its threads, so a call there would wait for ever.
"""

from __future__ import annotations

import os

from podnet_lab.errors import LabError


class OwnProcess:
    """The process in which this was made; *name* is that of a lab of its, if it is known."""

    def __init__(self, name: str | None = None) -> None:
        self._pid, self._name = os.getpid(), name

    @property
    def is_forked(self) -> bool:
        """Whether this is another process, forked from that one."""
        return os.getpid() != self._pid

    @property
    def words(self) -> str:
        """What to tell whoever calls a lab from a forked process."""
        join = f"Lab.join({'' if self._name is None else repr(self._name)})"
        return f"this process was forked from the lab's (process {self._pid}), which alone can use it: {join} joins it from here"

    def require(self) -> None:
        """Raise LabError in a forked process."""
        if self.is_forked:
            raise LabError(self.words)
