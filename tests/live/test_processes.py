"""What runs on a node in the background is listed, and ended by goto and reset; agents, cells and people's terminals are not."""

import os
import pty
import select
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from live.helpers import VMS, environment, owner, podnet, until
from live.lab_facade import processes
from podnet_lab import Lab
from podnet_lab.kernel.processes import background, here, marks

PYTHON = "/usr/bin/python3"
DOUBLE_FORK = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"

LEFT = {
    "a job in the background": "sleep 600 &",
    "one in a session of its own": "setsid sleep 600 > /dev/null 2>&1 &",
    "one that forked twice": f"{PYTHON} -c '{DOUBLE_FORK}'",
    "one that minds no signal": f"{PYTHON} -c '{DEAF}' > /run/deaf & until [ -s /run/deaf ]; do sleep 0.01; done; rm /run/deaf",
    "one that is stopped": "sleep 600 & kill -STOP $!",
    "one that starts another one when that ends": "(while :; do sleep 600; done) &",
    "one with another host name": "unshare --uts sleep 600 &",
    "one with a terminal of its own": "script -qc 'sleep 600' /dev/null > /dev/null 2>&1 < /dev/null &",
    "a whole machine": "unshare --pid --net --uts --mount --fork --kill-child sleep 600 &",
}


def commands(lab, node="node1"):
    return [str(process) for process in lab[node].snapshot().processes]


@pytest.mark.parametrize("way", ["reset", "goto"])
@pytest.mark.parametrize("how", LEFT)
def test_what_a_shell_left_behind_is_listed_and_ended(lab, how, way):
    node = lab["node2"]
    node.shell(f"exec < /dev/null; {LEFT[how]}")
    # One look, and no second: between two, one that forks may be its child already, and in neither's list.
    pids = [process.pid for process in until(lambda: node.snapshot().processes)]
    assert commands(lab, "node1") == []
    undone = (lab.reset() if way == "reset" else lab.goto("bridge")).undone
    assert undone
    assert [line for line in undone if not line.startswith("node2# (ended: ")] == []
    assert commands(lab, "node2") == []
    until(lambda: node.shell(f"ls -d {' '.join(f'/proc/{pid}' for pid in pids)} 2>/dev/null", may_fail=True) == "")
    lab.reset()
    assert lab.reset().undone == ()


def test_in_a_pod_it_is_the_pods_and_a_deleted_pods_too(wired):
    wired["node1"].shell("ip netns exec pod-1-2 sleep 601 & ip netns exec pod-1-3 sleep 602 &")
    until(lambda: commands(wired) == ["sleep 601 in pod-1-2", "sleep 602 in pod-1-3"])
    assert "runs sleep 601" in repr(wired.snapshot("node1"))
    wired["node1"].shell("ip netns del pod-1-3")
    assert commands(wired) == ["sleep 602 in a namespace without a name", "sleep 601 in pod-1-2"]
    undone = wired.goto("namespaces").undone
    assert {"node1# (ended: sleep 601 in pod-1-2)", "node1# (ended: sleep 602 in a namespace without a name)"} <= set(undone)
    assert commands(wired) == []


def test_a_undo_leaves_alone_what_others_started(wired):
    wired.remove_pod("pod-1-2")
    wired["node1"].shell("sleep 603 &")
    wired.undo()
    assert commands(wired) == ["sleep 603"]


def test_a_cell_that_is_not_done_goes_on(lab):
    printed, script = [], "sleep 604 & touch /run/busy; while [ -e /run/busy ]; do sleep 0.01; done; kill $!; echo over"
    cell = threading.Thread(target=lambda: printed.append(lab["node1"].shell(script)))
    cell.start()
    try:
        until(lambda: lab["node1"].shell("ls /run/busy", may_fail=True) == "/run/busy\n")
        assert commands(lab) == []
        assert lab.goto("bridge").undone == ()
        lab.reset()
        assert cell.is_alive()
    finally:
        lab["node1"].shell("rm -f /run/busy")
        cell.join(10)
    assert printed == ["over\n"]


@pytest.mark.skipif(VMS, reason="a VM's orphans are its first process's")
def test_orphans_are_waited_for(lab):
    lab["node1"].shell("for i in $(seq 200); do (sleep 0.01 &) ; done")
    zombies = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '"
    until(lambda: lab["node1"].shell(zombies, may_fail=True) == "0\n", what="the end of all zombies")


@pytest.mark.skipif(VMS, reason="it would end a VM's agent")
def test_an_agent_that_ended_and_is_not_waited_for_yet_hides_no_orphans():
    with Lab.open(nodes=2, pods=1, name="hurt", where="namespaces") as lab:
        lab["node1"].shell(f"kill -9 {processes(lab)['node2']['pid']}")
        until(lambda: not lab.alive)
        zombies = "cat /proc/[0-9]*/stat 2>/dev/null | grep ') Z '"
        words = ("shell", "node1", "--lab", "hurt", "--", "bash", "-c")
        assert podnet(*words, "for i in $(seq 20); do (sleep 0.01 &) ; done").returncode == 0
        until(lambda: podnet(*words, zombies).stdout.count("podnet-agent") == podnet(*words, zombies).stdout.count("\n"), 10)


@contextmanager
def terminal(*words):
    """A program at a terminal of its own, as a person opens one; gives the terminal, and its number."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvpe(sys.executable, [sys.executable, "-c", "from podnet_lab.cli import main; main()", *words], environment())
    try:
        yield master, pid
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(master)


def reads(master, words, seconds=20.0):
    """Wait until a terminal shows *words*."""
    seen, deadline = b"", time.monotonic() + seconds
    while words not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 4096)


@pytest.mark.skipif(VMS, reason="a terminal on a VM is sshd's")
def test_a_terminal_that_somebody_has_open_stays_with_what_runs_in_its_foreground(running):
    running.reset()
    node = running["node1"]
    with terminal("shell", "node1", "--lab", running.name) as (master, _):
        os.write(master, b"sleep 605 &\nsleep 606; echo $((600 + 7))\n")
        until(lambda: commands(running) == ["sleep 605"], what="its job in the background")
        until(lambda: node.shell("pgrep -xf 'sleep 606'", may_fail=True))
        assert "node1# (ended: sleep 605)" in running.goto("bridge").undone
        assert running.reset().undone != ()
        assert commands(running) == []
        assert node.shell("pgrep -cxf 'sleep 606'") == "1\n"
        node.shell("pkill -xf 'sleep 606'")
        reads(master, b"607")
        os.write(master, b"hostname; echo $((600 + 8))\n")
        reads(master, b"608")


@pytest.mark.skipif(VMS, reason="a terminal on a VM is sshd's")
def test_a_command_from_outside_goes_on_and_what_it_leaves_behind_does_not(running):
    running.reset()
    words = ["shell", "node1", "--lab", running.name, "--", "bash", "-c", "sleep 608 | sleep 609; setsid -f sleep 610; read x; echo $x"]
    command = [sys.executable, "-c", "from podnet_lab.cli import main; main()", *words]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=environment()) as process:
        try:
            until(lambda: running["node1"].shell("pgrep -xf 'sleep 609'", may_fail=True), 10)
            assert running.goto("bridge").undone == ()
            running["node1"].shell("pkill -xf 'sleep 60[89]'")
            until(lambda: commands(running) == ["sleep 610"])
            assert running.goto("bridge").undone == ("node1# (ended: sleep 610)",)
            said, _ = process.communicate("heard\n", timeout=10)
            assert said == "heard\n"
        finally:
            process.kill()


JOINER = r"""
import sys
from podnet_lab import Lab, daemon
from podnet_lab.daemons.base import Daemon
lab = Lab.join(sys.argv[1])
lab["node1"].run(daemon.start(Daemon("theirs", ("sleep", "611"))))
print("in", flush=True)
sys.stdin.readline()
print(lab["node1"].shell("hostname").strip(), flush=True)
sys.stdin.readline()
"""


def test_who_has_joined_stays_and_what_they_started_outlives_them_until_goto(running):
    running.reset()
    other = owner(JOINER, running.name)
    try:
        assert other.stdout.readline() == "in\n", other.stderr.read()
        assert commands(running) == ["theirs"]
        assert running.goto("bridge").undone == ("node1# (ended: theirs)",)
        running.reset()
        other.stdin.write("\n"), other.stdin.flush()
        assert other.stdout.readline() == "node1\n"
    finally:
        other.kill()
        other.communicate()


def test_a_daemon_outlives_the_process_that_started_it(running):
    running.reset()
    other = owner(JOINER, running.name)
    try:
        assert other.stdout.readline() == "in\n", other.stderr.read()
    finally:
        other.kill()
        other.communicate()
    assert commands(running) == ["theirs"]
    assert running.reset().undone == ("node1# (ended: theirs)",)


# A VM is a whole machine. This one is, too: it is looked at as if it were one, and nothing is ended.


@contextmanager
def at_a_terminal(*words, **more):
    """A program at a terminal of this test's; gives its number."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvpe(words[0], words, os.environ | more)
    try:
        yield pid
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(master)


def listed(pods=None):
    """The numbers of the processes that would be a node's, if this machine were one of its own."""
    return {process["pid"]: process for process in background(here(pods or {}, whole_machine=True))}


def test_of_a_whole_machine_only_what_the_lab_started_is_listed():
    script = "import subprocess, sys; print(subprocess.Popen(['sleep', '612']).pid, flush=True); sys.stdin.read()"
    for more, expected in ((marks(), True), ({}, False)):
        with Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE, text=True, env=os.environ | more) as process:
            pid = int(process.stdout.readline())
            try:
                assert ({process.pid, pid} <= set(listed())) == expected
                assert ({process.pid, pid} & set(listed()) != set()) == expected
            finally:
                os.kill(pid, 9)


def test_a_lab_inside_of_a_whole_machine_is_none_of_its_own(running):
    running["node1"].shell("sleep 613 & ip netns add mine; ip netns exec mine sleep 614 &")
    until(lambda: len(commands(running)) == 2)
    assert [process for process in listed().values() if "61" in process["command"]] == []
    running.reset()


def test_terminals_of_a_whole_machine_stay_though_they_are_in_a_pod():
    pods = {os.readlink("/proc/self/ns/net"): "pod"}
    with at_a_terminal("bash", "--norc", "-ic", "sleep 615 & exec sleep 616") as pid:
        job = int(until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text()))
        try:
            assert until(lambda: listed(pods).get(job, {}).get("command") == "sleep 615")
            assert pid not in listed(pods)
        finally:
            os.kill(job, 9)
    with at_a_terminal("sleep", "617", **marks()) as pid:
        assert until(lambda: pid in listed(pods), what="what a cell left behind: it is no person's terminal")
