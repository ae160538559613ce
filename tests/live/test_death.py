"""Nothing is left behind, however the process that opened a lab ends."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from live.helpers import birth, links_of_processes, owner, traces, until
from podnet_lab.backends import running_labs

pytestmark = pytest.mark.alone  # that all ends within 2 s is promised, but of a machine that is not busy

OWNER = r"""
import json, os, signal, sys, time
sys.path.insert(0, os.environ["PODNET_TESTS"])
from live.helpers import of_lab
from podnet_lab import Lab
lab = Lab.open(nodes=2, pods=1, name="doomed")
lab.goto("done")
lab["node1"].shell("setsid nohup sleep 1000 <&- >/dev/null 2>&1 & mount -t tmpfs none /mnt")
lab["node2"].shell("setsid -f sh -c 'exec sleep 1001' <&- >&- 2>&-; setsid -f ip netns exec pod-2-2 sleep 1002 <&- >&- 2>&-")
namespaces, pids = of_lab(lab)
print(json.dumps({"namespaces": namespaces, "pids": pids}), flush=True)
ending = sys.argv[1]
if ending == "exception":
    raise RuntimeError("as planned")
if ending == "exit":
    sys.exit(3)
if ending == "os._exit":
    os._exit(4)
if ending == "stopped":
    for number in {int(pid.split("/")[0]) for pid in pids} - {os.getpid()}:
        os.kill(number, signal.SIGSTOP)
if ending in ("close", "stopped"):
    lab.close()
    print("closed", flush=True)
    sys.stdin.readline()
if ending == "with":
    with lab:
        pass
    sys.stdin.readline()
if ending == "shell":
    lab["node1"].shell("sleep 1003")
deadline = time.monotonic() + 20
while time.monotonic() < deadline:  # in the middle of a stage, whenever the signal comes
    lab.goto("addr")
    lab.goto("done")
"""


@pytest.fixture
def start():
    """Start an owner of a lab, and wait until it has one; what is left of it is ended by its own pid."""
    started = []

    def start(ending):
        os.environ["PODNET_TESTS"] = str(Path(__file__).parents[1])
        process = owner(OWNER, ending)
        started.append(process)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        found = json.loads(line)
        assert len(found["pids"]) >= 8, "the lab's processes, three of the sleepers' among them, were not all seen"
        assert len(found["namespaces"]) >= 9
        return process, found["namespaces"], found["pids"]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def assert_gone(namespaces, pids, seconds=2.0):
    until(lambda: not traces(namespaces, pids), seconds, f"the end of {traces(namespaces, pids)}")


def assert_swept():
    assert not [entry for entry in running_labs.labs() if entry.name == "doomed"]
    assert not list(running_labs.folder().glob("*doomed*"))


@pytest.mark.parametrize("ending", ["stage", "shell"])
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle(start, ending, sign):
    process, namespaces, pids = start(ending)
    assert traces(namespaces, pids), "these traces are what is looked for afterwards"
    assert running_labs.choose("doomed").owner == process.pid
    time_before = time.monotonic()
    os.kill(process.pid, sign)
    assert_gone(namespaces, pids, 2.0 - (time.monotonic() - time_before))
    assert process.wait(5) == -sign
    assert_swept()


@pytest.mark.parametrize(("ending", "status"), [("exception", 1), ("exit", 3), ("os._exit", 4)])
def test_an_end_of_the_process(start, ending, status):
    process, namespaces, pids = start(ending)
    assert process.wait(5) == status
    assert_gone(namespaces, pids)
    assert_swept()


@pytest.mark.parametrize("ending", ["close", "with", "stopped"])
def test_a_closed_lab_is_gone_while_its_owner_lives(start, ending):
    process, namespaces, pids = start(ending)
    others = [pid for pid in pids if not pid.startswith(f"{process.pid}/")]
    assert_gone(namespaces, others)
    assert_swept()
    assert process.poll() is None


def test_the_death_of_the_labs_first_process_ends_all(start):
    """The lab is a tree: when its root is killed, by whoever, the rest goes, and the owner is told."""
    process, namespaces, pids = start("stage")
    mine = {pid.split("/")[0] for pid in pids}
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    root = children[0]
    assert root in mine | set(children)
    assert birth(root)
    os.kill(int(root), signal.SIGKILL)
    assert_gone(namespaces, [pid for pid in pids if not pid.startswith(f"{process.pid}/")])
    _, said = process.communicate(timeout=10)
    assert "LabGone" in said
    assert process.returncode == 1


def test_this_process_is_in_no_lab():
    """What these tests look for is not true of every process anyway."""
    mine = links_of_processes()[str(os.getpid())]
    assert len(mine) == 3
    assert traces(mine)
