"""What the tests of notebooks rest on: each kind of fault is found, nothing reaches the outside, and nothing outlives its test."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from browser.conftest import write
from browser.jupyter import processes, start, wait

GOOD = """
import ipywidgets
from IPython.display import SVG, display
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="9"/></svg>'))
ipywidgets.Button(description="press")
"""

NO_WIDGET = """
view = {"model_id": "gone", "version_major": 2, "version_minor": 0}
display({"application/vnd.jupyter.widget-view+json": view, "text/plain": "a widget"}, raw=True)
"""

BROKEN = (
    ("'fine'", None),
    ("1 / 1", "cell 2: has the tag raises-exception but raised nothing"),
    ("object()", "cell 3: shows <object at 0x"),
    ("object().__str__", "cell 4: shows <method-wrapper '__str__' of object object at 0x"),
    ('display({"image/svg+xml": "<svg"}, raw=True)', "cell 5: an image did not load: "),
    (NO_WIDGET, "cell 6: shows Error displaying widget"),
    ("%%javascript\nthrow new Error('wrong')", "cell 7: an output is not shown"),
    ("%%javascript\nsetTimeout(() => { throw new Error('too late') })", "the page raised too late"),
    ("%%javascript\nconsole.error('something is wrong')", "the console says something is wrong"),
    ("from IPython.display import HTML\nHTML('<div style=\"width: 3000px\">wide</div>')", "cell 10: an output is "),
    ("1 / 0", "cell 11: raised ZeroDivisionError: division by zero"),
    ("2 + 2", "cell 12: did not run"),
)
"""Cells, and what is to be found wrong with each."""


def seen(desk, path, seconds=30):
    """What is found wrong in a notebook that ran."""
    with desk.notebook(path) as book:
        book.run(seconds)
        return book.faults()


PRESSED = """
button, said = ipywidgets.Button(description="press"), ipywidgets.HTML("not yet")
button.on_click(lambda _: setattr(said, "value", "pressed"))
ipywidgets.VBox([button, said])
"""


def test_a_click_is_heard_by_the_kernel_and_answered(opened):
    book = opened("import ipywidgets", PRESSED)
    shown = book.outputs(1)
    assert "not yet" in shown.inner_text()
    shown.get_by_role("button", name="press").click()
    shown.get_by_text("pressed", exact=True).wait_for()


def test_a_good_notebook_has_no_fault(desk, written):
    assert seen(desk, written(GOOD, ("1 / 0", "raises-exception"), "print('after it')")) == []


@pytest.fixture(scope="module")
def found(desk, folder):
    """What is found in a notebook in which nearly everything is wrong."""
    write(folder / "broken.ipynb", *[(source, "raises-exception" if source == "1 / 1" else None) for source, _ in BROKEN])
    return seen(desk, "broken.ipynb")


@pytest.mark.parametrize("fault", [fault for _, fault in BROKEN if fault])
def test_a_fault_is_found(found, fault):
    assert [one for one in found if one.startswith(fault)], found


def test_a_good_cell_among_broken_ones_is_not_blamed(found):
    assert not [one for one in found if one.startswith("cell 1:")]


def test_what_was_stored_does_not_pass_for_what_ran(desk, written):
    path = written("print('once')", "print('stored')")
    with desk.notebook(path) as book:
        book.run()
        assert book.outputs(1).inner_text().strip() == "stored"
        # After an error a kernel drops what is asked already, and at once: on a busy machine the next cell comes later, and would run.
        fails = "get_ipython().kernel.stop_on_error_timeout = 60; 1 / 0"
        book.page.evaluate("source => { window.panel.content.widgets[0].model.sharedModel.setSource(source) }", fails)
        book.run()
        assert "cell 2: did not run" in book.faults()


ASKING = (
    "from IPython.display import HTML\nHTML('<img src=\"http://{at}/image\" width=9 height=9>')",
    "%%javascript\nfetch('http://{at}/script').catch(() => null)",
    "%%javascript\nnew WebSocket('ws://{at}/socket')",
    "%%javascript\nfetch('http://podnet.invalid/').catch(() => null)",
)


def test_a_request_to_anywhere_else_is_told_and_never_made(desk, written):
    """That it is not made is seen by whoever listens there: another port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.setblocking(False)
        at = f"127.0.0.1:{outside.getsockname()[1]}"
        asked = {f"http://{at}/image", f"http://{at}/script", f"ws://{at}/socket", "http://podnet.invalid/"}
        found = seen(desk, written(*(source.replace("{at}", at) for source in ASKING)))
        assert {one.removeprefix("asked for ") for one in found if one.startswith("asked for ")} == asked
        with pytest.raises(BlockingIOError):
            outside.accept()


def test_a_cell_that_hangs_is_given_up_and_the_next_notebook_runs(desk, written):
    from playwright.sync_api import TimeoutError as TooLong

    began = time.monotonic()
    with pytest.raises(TooLong):
        seen(desk, written("import time\ntime.sleep(1000)", name="hangs.ipynb"), seconds=1)
    assert time.monotonic() - began < 60
    assert seen(desk, written("2 + 2")) == []


def test_a_kernel_and_its_lab_end_with_the_notebook(desk, written, tmp_path_factory):
    with desk.notebook(written("from podnet_lab import Lab\nlab = Lab.open()\nimport os\nprint(os.getpid())")) as book:
        book.run()
        kernel = int(book.outputs(0).inner_text())
        assert Path(f"/proc/{kernel}").exists()
    assert not Path(f"/proc/{kernel}").exists()


OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from browser.jupyter import URL, start, wait
process, log = start(Path(sys.argv[2]), Path(sys.argv[3]))
wait(lambda: URL.search(log.read_text()), log.read_text)
print(process.pid, flush=True)
time.sleep(1000)
"""


def test_jupyterlab_dies_with_whoever_started_it(tmp_path):
    """However that ends: this one has no time to clean up."""
    command = [sys.executable, "-c", OWNER, Path(__file__).parents[1], tmp_path, tmp_path / "jupyter"]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        server = int(owner.stdout.readline())
        assert server in processes(tmp_path / "jupyter")
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()
    wait(lambda: not processes(tmp_path / "jupyter"), lambda: f"left over: {processes(tmp_path / 'jupyter')}")


def test_a_server_that_does_not_start_says_why(tmp_path):
    process, log = start(tmp_path / "nowhere", tmp_path / "jupyter")
    assert process.wait(60) != 0
    assert "nowhere" in log.read_text()
    assert os.getpid() not in processes(tmp_path / "jupyter")
