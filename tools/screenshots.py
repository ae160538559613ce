"""Run notebooks in JupyterLab in a real browser, and store what cells show, for README: screenshots.py docs/images"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.desk import Desk  # noqa: E402
from browser.jupyter import browser, jupyterlab  # noqa: E402

EXECUTE = "async code => { await window.panel.sessionContext.session.kernel.requestExecute({ code }).done }"


def follow_a_packet(book, cell) -> None:
    """In a live topology: a trace, stopped where the Ethernet header was written anew."""
    cell.get_by_label("from", exact=True).select_option("pod-1-2")
    cell.get_by_label("to", exact=True).select_option("pod-3-2")
    cell.get_by_role("button", name="send a packet and follow it").click()
    cell.get_by_text("1 of 16").wait_for()
    for _ in range(4):
        cell.get_by_role("button", name="on one").click()
    book.page.mouse.move(0, 0)


def ask_why(book, cell) -> None:
    """In a live matrix: a cable is pulled, and a pair that it cuts is asked about."""
    book.desk.do(EXECUTE, "lab['node3'].shell('ip link set dev veth-3-2-br nomaster')")
    cell.get_by_role("button", name="Try all again").click()
    broken = cell.locator(".podnet-picture .part[aria-label^='pod-1-2 → pod-3-2: no reply']")
    broken.click()
    cell.get_by_role("button", name="Trace").wait_for()
    book.desk.do(EXECUTE, "lab['node3'].shell('ip link set dev veth-3-2-br master v-net-0')")
    book.page.mouse.move(0, 0)


def step_by_step(book, cell) -> None:
    """In a stage's panel: some steps are done, others not yet."""
    book.desk.do(EXECUTE, "lab.goto('bridge')")
    output = cell.locator(".jp-OutputArea")
    output.get_by_text("0 of 9 steps are done").wait_for()
    for done in (1, 2):
        output.get_by_role("button", name="Run", exact=True).click()
        output.get_by_text(f"{done} of 9 steps are done").wait_for()
    book.page.mouse.move(0, 0)


def by_hand(book, _) -> None:
    """The whole page, where commands are typed into a node's shell, and judged."""
    book.begins("%%node node2").evaluate("cell => cell.scrollIntoView({ block: 'center' })")


class Shot(NamedTuple):
    """What to store of a notebook: an output, by its cell and, where that is not all of it, a CSS selector; or the whole page."""

    notebook: str
    source: str | None  # how the cell's source begins; None for the whole page
    name: str
    dark: bool = False
    within: str = ".jp-OutputArea-output"
    act: Callable | None = None  # what is done in it before


def both(notebook: str, source: str | None, name: str, **more) -> tuple[Shot, Shot]:
    """The same in a light and a dark theme."""
    return Shot(notebook, source, f"{name}-light", **more), Shot(notebook, source, f"{name}-dark", dark=True, **more)


SHOTS = (
    *both("02_bridge.ipynb", None, "jupyterlab", act=by_hand),
    *both("02_bridge.ipynb", "lab.stage_panel(", "stage", act=step_by_step),
    *both("06_the_whole_cluster.ipynb", "lab.live_topology()", "trace", act=follow_a_packet),
    *both("06_the_whole_cluster.ipynb", "lab.live_matrix()", "matrix", act=ask_why),
)
"""Those of a notebook in a row: it is run once for them."""

STILL = "* { content-visibility: visible !important }"
"""Else JupyterLab lays cells out as they come into view, and what is to be stored moves meanwhile."""


def take(book, shot: Shot, folder: Path) -> None:
    """Store one screenshot."""
    book.desk.theme(shot.dark)
    path = folder / f"{shot.name}.png"
    cell = book.begins(shot.source) if shot.source else None
    if shot.act is not None:
        shot.act(book, cell)
    if cell is None:
        book.page.screenshot(path=path)
    else:
        cell.locator(".jp-OutputArea").locator(shot.within).first.screenshot(path=path, animations="disabled")
    print(f"{path}: stored")


def main(folder: Path, shots: tuple[Shot, ...] = SHOTS) -> None:
    """Run each notebook, and take its screenshots; AssertionError, and none of them, if something is wrong in it."""
    with tempfile.TemporaryDirectory() as scratch:
        notebooks = shutil.copytree(ROOT / "notebooks", Path(scratch) / "notebooks")
        with jupyterlab(notebooks, Path(scratch) / "jupyter") as url, browser() as chromium:
            desk = Desk(chromium, url, viewport={"width": 1800, "height": 1000}, device_scale_factor=1.25)
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
