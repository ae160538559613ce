"""JupyterLab as `podnet lab` starts it, and Debian's Chromium: for the tests, and for tools/screenshots.py."""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from programs import installed

SECONDS = 60
"""In which JupyterLab must be up, and, in the end, gone."""

URL = re.compile(r"http://127\.0\.0\.1:\d+/lab\?token=\w+")

CONFIG = '{"LabApp": {"expose_app_in_browser": true}}'
"""The one thing that a student's JupyterLab has not: its commands, for a page's own scripts."""

ALONE = ["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
"""Whatever Chromium itself may want to fetch: it knows no name of anything outside of this machine."""


def chromium():
    """Where Debian's Chromium is; None if it is not installed."""
    return installed("chromium")


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return wire.getsockname()[1]


def environment(folder):
    """What JupyterLab is started with: nothing of the user's own settings, kernels or labs, all of its own in one folder."""
    own = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR", "LAB_SETTINGS_DIR", "LAB_WORKSPACES_DIR")
    theirs = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "PYTEST"))}
    ours = {f"JUPYTER{'' if name.startswith('LAB') else '_'}{name}": str(folder / name.lower()) for name in own}
    return theirs | ours | {"IPYTHONDIR": str(folder / "ipython"), "XDG_RUNTIME_DIR": str(folder / "runtime_dir"), "PYTHONHASHSEED": "0"}


def processes(folder):
    """Those processes that were started with this folder in their environment: JupyterLab, kernels, and the nodes of their labs."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() + b"/" in (one / "environ").read_bytes():
                found.append(int(one.name))
        except OSError:  # it ended, or is somebody else's
            continue
    return found


def wait(condition, complaint, seconds=SECONDS):
    """Wait until something holds; AssertionError with what *complaint* says if it does not in time. Returns what held."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.05)
    return found


def start(notebooks, folder):
    """Start `podnet lab` on notebooks; its process and its log. It dies with the thread that started it, however that ends."""
    (folder / "config_dir").mkdir(parents=True)
    (folder / "runtime_dir").mkdir(mode=0o700)
    (folder / "config_dir" / "jupyter_lab_config.json").write_text(CONFIG)
    podnet = Path(sys.executable).with_name("podnet")
    command = ["setpriv", "--pdeathsig", "KILL", podnet, "lab", notebooks, "--no-browser", "--port", str(free_port())]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    return process, folder / "log"


@contextmanager
def jupyterlab(notebooks, folder):
    """JupyterLab on notebooks, as a student has it; its URL with token. What it says goes to *folder*, and none of it outlives this."""
    process, log = start(notebooks, folder)

    def address():
        assert process.poll() is None, log.read_text()
        return URL.search(log.read_text())

    try:
        yield wait(address, log.read_text)[0]
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
        wait(lambda: not processes(folder), lambda: f"left over: {processes(folder)}\n{log.read_text()}")


@contextmanager
def browser():
    """Chromium, without a screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=["--disable-gpu", "--disable-dev-shm-usage", *ALONE])
        try:
            yield started
        finally:
            started.close()
