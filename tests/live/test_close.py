"""close() ends a lab and says so, whatever is in its way."""

import json
import os

import pytest

from live.helpers import owner, until
from podnet_lab import Lab
from podnet_lab.backends import running_labs

SIGNALS = r"""
import json, os, signal, time
from podnet_lab import Lab

class Boom(Exception):
    pass

def boom(number, frame):
    raise Boom(number)


def gone(pid):
    deadline = time.monotonic() + 2
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    return not os.path.exists(f"/proc/{pid}")

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
    signal.signal(number, boom)
wrong, cut = [], 0
from podnet_lab.backends.netns import OwnNetns
ended = OwnNetns._before_close
for number, late in ((signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, True), (signal.SIGALRM, False)):
    lab = Lab.open(nodes=1, pods=1, name="cut", where="namespaces")
    pid = lab.parts.core.backend._group["lab"]._io.popen.pid

    def cutting(backend):  # in the middle: before its processes end, or when they have
        late or signal.raise_signal(number)
        ended(backend)
        late and signal.raise_signal(number)

    OwnNetns._before_close = cutting
    try:
        lab.close()
    except Boom:
        cut += 1
    if not ("closed" in repr(lab) and gone(pid) and not lab.alive):
        wrong.append(f"{number!r} {late} {lab!r}")
    lab.close()
    if not gone(pid):
        wrong.append(f"{number!r} {late}: it runs on")
print(json.dumps({"cut": cut, "wrong": wrong}))
"""


def test_a_handler_that_raises_leaves_it_closed():
    process = owner(SIGNALS)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err[-2000:]
    assert json.loads(out) == {"cut": 4, "wrong": []}


@pytest.mark.parametrize("hindered", ["a folder in its place", "a list that can't be changed"])
def test_a_list_that_can_not_be_changed_does_not_keep_it_open(tmp_path, monkeypatch, hindered):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lab = Lab.open(nodes=1, pods=1, name="hindered", where="namespaces")
    pid = lab.parts.core.backend._group["lab"]._io.popen.pid
    (entry,) = running_labs.folder().glob("*.json")
    if hindered == "a folder in its place":
        entry.unlink()
        entry.mkdir()
    else:
        entry.parent.chmod(0o500)
    lab.close()

    until(lambda: not os.path.exists(f"/proc/{pid}"), 2)
    assert not lab.alive
    if entry.parent.exists():
        entry.parent.chmod(0o700)


@pytest.mark.parametrize("error", [EOFError, OSError, RuntimeError, MemoryError, "RemoteError"])
def test_agents_that_do_not_answer_its_farewell_do_not_keep_it_open(error, monkeypatch):
    """They were killed before, and the control channel of one that is asked whether it has ended may be gone with it."""
    import execnet

    lab = Lab.open(nodes=1, pods=1, name="hindered", where="namespaces")
    pid = lab.parts.core.backend._group["lab"]._io.popen.pid
    asked = []

    def wait(io):
        asked.append(io)
        raise execnet.RemoteError("gone") if error == "RemoteError" else error("gone")

    monkeypatch.setattr("execnet.gateway_io.ProxyIO.wait", wait)
    lab.close()
    assert asked
    assert not lab.alive
    until(lambda: not os.path.exists(f"/proc/{pid}"), 2)
