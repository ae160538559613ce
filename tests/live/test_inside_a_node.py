"""podnet on a node, or in another PID namespace, leaves the list of running labs alone; and `podnet shell` ends whole."""

import os
import shlex
import subprocess
import sys

import pytest

from live.helpers import ROOT, VMS, environment, podnet, until
from podnet_lab.backends import running_labs

pytestmark = pytest.mark.skipif(VMS, reason="a VM's nodes have no list of their own to spoil")

PROGRAM = f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -c 'from podnet_lab.cli import main; main()'"
OPEN = f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -c 'from podnet_lab import Lab; Lab.open()' 2>&1"


def listed():
    return {path.name: path.stat().st_ino for path in running_labs.folder().iterdir()}


@pytest.mark.parametrize("words", [f"{PROGRAM} labs 2>&1", f"{PROGRAM} check 2>&1", f"{PROGRAM} shell node1 true 2>&1", OPEN])
@pytest.mark.parametrize("place", ["", "ip netns exec pod-1-2 "])
def test_on_a_node_it_says_that_it_is_one(running, words, place):
    running.goto("done")
    before = listed()
    said = running["node1"].shell(f"{place}bash -c {shlex.quote(words)}", may_fail=True)
    assert "this is a node of a lab" in said
    assert listed() == before
    assert running.name in podnet("labs").stdout


def test_in_another_pid_namespace_nothing_is_listed_and_nothing_swept(running):
    before = listed()
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "bash", "-c", f"{PROGRAM} labs"]
    # The same user id: an ordinary user's becomes root's there, and another folder with it.
    command = command if os.geteuid() == 0 else [*command[:1], "--user", "--map-current-user", *command[3:]]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(), check=False)
    assert running.name not in said.stdout
    assert listed() == before
    assert running.name in podnet("labs").stdout


def test_a_command_goes_with_the_podnet_that_ran_it(running):
    words = [sys.executable, "-c", "from podnet_lab.cli import main; main()", "shell", "node1", "--lab", running.name, "--", "sleep", "631"]
    with subprocess.Popen(words, env=environment()) as process:
        node = running["node1"]
        until(lambda: node.shell("pgrep -xf 'sleep 631'", may_fail=True), 10)
        process.kill()
        until(lambda: not node.shell("pgrep -xf 'sleep 631'", may_fail=True), what="its end")
