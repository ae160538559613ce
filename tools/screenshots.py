"""Run notebooks in JupyterLab in a real browser, and store what cells show, for README: screenshots.py docs/images"""

import shutil
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.desk import Desk  # noqa: E402
from browser.jupyter import browser, jupyterlab  # noqa: E402


class Shot(NamedTuple):
    """What to store: a notebook's output, by its cell and, where that is not all of it, a CSS selector; None for the whole page."""

    notebook: str
    source: str | None  # how the cell's source begins
    name: str
    dark: bool = False
    within: str = ".jp-OutputArea"


SHOTS = (
    Shot("00_the_plan.ipynb", "lab.topology()", "nodes-light"),
    Shot("00_the_plan.ipynb", "lab.topology()", "nodes-dark", dark=True),
    Shot("00_the_plan.ipynb", "lab.check().rules", "rules-light"),
    Shot("00_the_plan.ipynb", "lab.check().rules", "rules-dark", dark=True),
)
"""Those of a notebook in a row: it is run once for them."""


def take(book, shot: Shot, folder: Path) -> None:
    """Store one screenshot."""
    book.desk.theme(shot.dark)
    path = folder / f"{shot.name}.png"
    if shot.source is None:
        book.page.screenshot(path=path)
    else:
        book.begins(shot.source).locator(shot.within).first.screenshot(path=path, animations="disabled")
    print(f"{path}: stored")


def main(folder: Path, shots: tuple[Shot, ...] = SHOTS) -> None:
    """Run each notebook, and take its screenshots; AssertionError, and none of them, if something is wrong in it."""
    with tempfile.TemporaryDirectory() as scratch:
        notebooks = shutil.copytree(ROOT / "notebooks", Path(scratch) / "notebooks")
        with jupyterlab(notebooks, Path(scratch) / "jupyter") as url, browser() as chromium:
            desk = Desk(chromium, url, viewport={"width": 1100, "height": 900}, device_scale_factor=2)
            for notebook, of_it in groupby(shots, lambda shot: shot.notebook):
                with desk.notebook(notebook) as book:
                    book.run()
                    if faults := book.faults():
                        raise AssertionError(f"{notebook}: {faults}")
                    for shot in of_it:
                        take(book, shot, folder)
            desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
