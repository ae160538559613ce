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
    """What to store of a notebook: an output, by its cell and, where that is not all of it, a CSS selector; or the whole page."""

    notebook: str
    source: str | None  # how the cell's source begins; None for the whole page
    name: str
    dark: bool = False
    within: str = ".jp-OutputArea-output"


SHOTS = (
    Shot("00_the_plan.ipynb", "lab.topology()", "nodes-light", within="img"),
    Shot("00_the_plan.ipynb", "lab.topology()", "nodes-dark", dark=True, within="img"),
    Shot("00_the_plan.ipynb", "lab.check().rules", "rules-light"),
    Shot("00_the_plan.ipynb", "lab.check().rules", "rules-dark", dark=True),
)
"""Those of a notebook in a row: it is run once for them."""

STILL = "* { content-visibility: visible !important }"
"""Else JupyterLab lays cells out as they come into view, and what is to be stored moves meanwhile."""


def take(book, shot: Shot, folder: Path) -> None:
    """Store one screenshot."""
    book.desk.theme(shot.dark)
    path = folder / f"{shot.name}.png"
    if shot.source is None:
        book.page.screenshot(path=path)
    else:
        book.begins(shot.source).locator(".jp-OutputArea").locator(shot.within).first.screenshot(path=path, animations="disabled")
    print(f"{path}: stored")


def main(folder: Path, shots: tuple[Shot, ...] = SHOTS) -> None:
    """Run each notebook, and take its screenshots; AssertionError, and none of them, if something is wrong in it."""
    with tempfile.TemporaryDirectory() as scratch:
        notebooks = shutil.copytree(ROOT / "notebooks", Path(scratch) / "notebooks")
        with jupyterlab(notebooks, Path(scratch) / "jupyter") as url, browser() as chromium:
            desk = Desk(chromium, url, viewport={"width": 1280, "height": 900}, device_scale_factor=2)
            for notebook, of_it in groupby(shots, lambda shot: shot.notebook):
                with desk.notebook(notebook) as book:
                    book.run()
                    if faults := book.faults():
                        raise AssertionError(f"{notebook}: {faults}")
                    book.page.add_style_tag(content=STILL)
                    for shot in of_it:
                        take(book, shot, folder)
            desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
