"""One collected notebook, run cell by cell in a kernel of its own, and its lab looked at from outside after each cell."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from podnet_lab.backends import running_labs
from podnet_lab.errors import PodnetError
from podnet_lab.exercises import attempts
from podnet_lab.grading.judge import Known, judge
from podnet_lab.grading.marks import Mark, Paper, printable
from podnet_lab.lab.lab import Lab

LEAST = 1
"""Seconds that a cell always has; nbclient takes 0 for "without end"."""


class _Client(NotebookClient):
    """Keeps nothing of what cells print: it means nothing here, and a cell may print without end."""

    def output(self, *_: object) -> None:
        """Nothing is kept."""


class NotebookRun:
    """
    One notebook in its kernel: `run` it once, in *folder*, for *limit* seconds at most, *cell_limit* for each cell.

    *paths* are where Python finds the lessons' own modules.
    """

    def __init__(self, student: str, notebook: NotebookNode, known: Known, *, limit: float, cell_limit: float, paths: list[str]) -> None:
        self.who, self._notebook, self._known = student, notebook, known
        self._deadline, self._cell_limit, self._paths = time.monotonic() + limit, cell_limit, paths
        self._marks: dict[str, Mark] = {}
        self._judged: dict[str, attempts.Record] = {}
        self._lab: Lab | None = None
        self._problem = self._doubt = ""

    def run(self, folder: Path) -> Paper:
        """Run it, and give back its marks; whatever goes wrong is the paper's problem, not the caller's."""
        log = logging.getLogger("podnet_lab.grading")  # nbclient's own words for what we tell ourselves
        log.addHandler(logging.NullHandler())
        log.propagate = False
        client = _Client(
            self._notebook,
            kernel_name="python3",
            timeout_func=lambda _: max(LEAST, int(min(self._cell_limit, self._deadline - time.monotonic()))),
            shutdown_kernel="immediate",
            record_timing=False,
            log=log,
        )
        try:
            with client.setup_kernel(cwd=str(folder), env=self._environment(), stdout=DEVNULL, stderr=DEVNULL):
                self._cells(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this notebook's, and no reason to stop at it
            self._problem = f"it could not be run: {type(error).__name__}: {error}"
        finally:
            self._leave()
        if self._doubt and not self._problem:
            self._problem = f"its lab could not be looked at: {self._doubt}"
        return Paper(self.who, tuple(self._marks.values()), printable(self._problem))

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([*self._paths, os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        return {**os.environ, "PYTHONPATH": path, "JPY_SESSION_NAME": self.who}

    def _cells(self, client: NotebookClient) -> None:
        for index, cell in enumerate(self._notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            if time.monotonic() > self._deadline:
                self._problem = f"stopped before cell {index + 1}: its time was over"
                return
            self._problem = _execute(client, cell, index)
            try:
                self._look(client.km.provisioner.pid)
            except PodnetError as error:  # it has just ended, or there are two: what was not seen does not pass
                self._doubt = str(error)
            if self._problem:
                return

    def _look(self, pid: int) -> None:
        """Judge what was checked since the last look, and keep what was solved at any."""
        if not any(entry.owner == pid for entry in running_labs.labs()):
            return
        if self._lab is None or not self._lab.alive:
            self._leave()
            self._lab = Lab.join(str(pid))
        kept = attempts.read(self._lab)
        for name, record in kept.records.items():
            if self._judged.get(name) != record and not self._marks.get(name):
                self._marks[name] = judge(self._lab, self._known, self.who, name, kept)
        self._judged = kept.records

    def _leave(self) -> None:
        if self._lab is not None:
            with suppress(PodnetError, OSError):
                self._lab.close()
            self._lab = None


def _execute(client: NotebookClient, cell: NotebookNode, index: int) -> str:
    """Run one cell; what stopped it, in words, or nothing."""
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        return f"cell {index + 1} raised {error.ename}: {error.evalue}"
    except CellTimeoutError:
        return f"cell {index + 1} took too long"
    except DeadKernelError:
        return f"cell {index + 1} ended its kernel"
    return ""
