"""
The cells of one notebook, run one after the other in a kernel of its own: ``python -m podnet_lab.grading.notebook_cells FILE NAME``.

This runs beside the student's code, and is believed nothing but how far it came. After the start and after each cell it
writes a line of JSON ({"kernel": its pid}, {"cell": index, "problem": what stopped it}), and waits for a line before it
goes on; {"end": true} is the last. It keeps no time: whoever started it does, and ends it.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL

from podnet_lab.jupyter import without_iri

without_iri.load("nbformat")

import nbformat  # noqa: E402 - the others load it, too
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError, DeadKernelError  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

MOST = 2000
"""Letters of an error that are told."""


class _Client(NotebookClient):
    """Keeps nothing of what cells print: it means nothing here, and a cell may print without end."""

    def output(self, *_: object) -> None:
        """Nothing is kept."""


class _Asker:
    """Who started this: told with `say`, and waited for with `wait`; when it is gone, all of this ends."""

    def __init__(self, folder: str = "") -> None:
        self._lines: queue.SimpleQueue = queue.SimpleQueue()
        self._folder, self.kernel = folder, 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while os.read(0, 1):
            self._lines.put(True)
        if self.kernel:  # in a sandbox it would go with us; without one nobody else ends it
            with suppress(OSError):
                os.killpg(self.kernel, signal.SIGKILL)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(1)

    def say(self, **words: object) -> None:
        """Tell one thing."""
        line = json.dumps(words).encode() + b"\n"
        while line:
            line = line[os.write(1, line) :]

    def wait(self) -> None:
        """Wait until something may go on."""
        self._lines.get()


def run(path: Path, name: str, folder: str) -> None:
    """Run the notebook *path*, of the student *name*, for whoever is at standard input and output; *folder* goes with them."""
    asker, log = _Asker(folder), logging.getLogger("podnet_lab.grading")  # nbclient's own words for what we tell ourselves
    log.addHandler(logging.NullHandler())
    log.propagate = False
    notebook = nbformat.read(path, as_version=4)
    client = _Client(notebook, kernel_name="python3", timeout=None, shutdown_kernel="immediate", record_timing=False, log=log)
    environment = {**os.environ, "JPY_SESSION_NAME": name}
    with client.setup_kernel(cwd=str(path.parent), env=environment, stdout=DEVNULL, stderr=DEVNULL, stdin=DEVNULL):
        asker.kernel = client.km.provisioner.pid
        asker.say(kernel=asker.kernel)
        asker.wait()
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            problem = execute(client, cell, index)
            asker.say(cell=index, problem=problem[:MOST])
            asker.wait()
            if problem:
                break
    asker.say(end=True)


def execute(client: NotebookClient, cell: NotebookNode, index: int) -> str:
    """Run one cell; what stopped it, in words, or nothing."""
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        return f"cell {index + 1} raised {error.ename}: {error.evalue}"
    except DeadKernelError:
        return f"cell {index + 1} ended its kernel"
    return ""


def main(path: str, name: str, folder: str = "") -> None:
    """Run it; whatever goes wrong is told, for there is nobody else who could."""
    try:
        run(Path(path), name, folder)
    except Exception as error:  # noqa: BLE001 - as it says
        os.write(1, json.dumps({"failed": f"{type(error).__name__}: {error}"[:MOST]}).encode() + b"\n")


def _reap(child: int) -> int:
    """Be the first process of a PID namespace: wait for all that has lost its parent, until *child* has ended."""
    for descriptor in (0, 1):
        os.close(descriptor)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    if os.getpid() == 1 and (runner := os.fork()):
        os._exit(_reap(runner) & 0xFF)
    main(*sys.argv[1:])
