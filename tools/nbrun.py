"""
Run notebooks in place and store their outputs, byte for byte the same each time: nbrun.py notebooks/*.ipynb

What differs from run to run without meaning anything is left out: ids, times, widget models, tracebacks (they hold
this machine's paths). A notebook with a cell that failed unexpectedly is left as it was.
"""

import os
import sys
from pathlib import Path
from subprocess import DEVNULL

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from podnet_lab.lab.skipping import SAID

WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
EXPECTED = "raises-exception"
LIMIT = 60  # seconds for a cell, as in the tests


class NotebookError(Exception):
    """A notebook did not run as its author says it does."""


class SkippedError(Exception):
    """A notebook did nothing, since what it needs is not here; says what."""


def run(path: Path) -> None:
    """Run one notebook and write it back."""
    notebook, started = nbformat.read(path, as_version=4), []
    client = NotebookClient(
        notebook,
        timeout=LIMIT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        coalesce_streams=True,  # else the kernel's timing decides how many pieces a text is stored in
        record_timing=False,
        store_widget_state=False,
        on_cell_start=lambda cell, cell_index: started.append((cell_index, cell)),
    )
    try:
        client.execute(stdout=DEVNULL, stderr=DEVNULL)  # the kernel's own; what cells print arrives by messages
    except CellExecutionError as error:
        hint = f"A cell that is meant to has the tag {EXPECTED}."
        raise NotebookError(f"{where(*started[-1])} raised {error.ename}: {error.evalue}\n{hint}") from None
    except CellTimeoutError:
        raise NotebookError(f"{where(*started[-1])} took more than {LIMIT} seconds") from None
    except DeadKernelError:
        raise NotebookError(f"{where(*started[-1])} ended its kernel") from None
    if missing := skipped(notebook):
        raise SkippedError(missing)
    tidy(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def skipped(notebook) -> str:
    """What a notebook said of why most of its cells did nothing; "" if they did."""
    said = ("".join(out.get("text", "")) for cell in notebook.cells for out in cell.get("outputs", []))
    return next((text.partition(SAID)[0].strip() for text in said if SAID in text), "")


def where(index: int, cell) -> str:
    """A cell, as its author would look for it."""
    return f"cell {index + 1} (`{cell.source.strip().splitlines()[0]}`)"


def tidy(notebook) -> None:
    """Leave out of a notebook that ran what is different each time."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5
    for index, cell in enumerate(notebook.cells):
        cell.id = f"c{index:03d}"
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key == "tags"})
        outputs = cell.get("outputs", [])
        if EXPECTED in cell.metadata.get("tags", []) and not any(out.output_type == "error" for out in outputs):
            raise NotebookError(f"{where(index, cell)} has the tag {EXPECTED} but raised nothing")
        for out in outputs:
            tidy_output(out)


def tidy_output(out) -> None:
    """The same for one output; a widget keeps its text and picture, which is what a reader without a kernel sees."""
    out.get("data", {}).pop(WIDGET, None)
    if out.output_type == "error":
        out.traceback = [f"{out.ename}: {out.evalue}"]


def main(paths: list[str]) -> int:
    """Run each notebook; 1 if any failed."""
    if not paths:
        sys.exit("which notebooks? nbrun.py notebooks/*.ipynb")
    os.environ["PYTHONHASHSEED"] = "0"  # the kernels' order of sets
    failures = 0
    for path in map(Path, paths):
        try:
            run(path)
            print(f"{path}: stored")
        except SkippedError as error:
            print(f"{path}: left as it was. {error}")
        except NotebookError as error:
            failures += 1
            print(f"{path}: {error}\nNothing was stored.", file=sys.stderr)
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
