"""What runs on nodes: daemons as steps, what shells leave behind, and who ends what."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

from live.helpers import VMS, environment, everything
from podnet_lab import Lab
from podnet_lab.daemons import steps as daemons
from podnet_lab.daemons.base import Daemon
from podnet_lab.daemons.dnsmasq import dnsmasq
from podnet_lab.errors import CannotRun, StepConflict, StepFailed, UndoRefused

SERVE = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5353)); time.sleep(600)"
PYTHON = "/usr/bin/python3"
SMALL = Daemon("small", (PYTHON, "-c", SERVE), (("/run/podnet/small/conf", "x"),), (("udp", 5353),))


def in_pod(daemon, pod="pod-1-2"):
    return Daemon(daemon.name, daemon.command, daemon.files, daemon.listens, pod)


def names(lab, node="node1"):
    return [process.daemon.rpartition("-")[0] or process.command for process in lab[node].snapshot().processes]


def until(true, seconds=5.0):
    """Wait until something is true; whether it came to be."""
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        select.select([], [], [], 0.02)
    return found


def test_a_daemon_is_started_judged_found_running_and_taken_back(wired):
    node = wired["node1"]
    before = everything(wired)
    step = daemons.start(in_pod(SMALL))
    assert step.contradiction(node.snapshot()) == "small does not run in pod-1-2"
    assert node.run(step).changed
    (process,) = node.snapshot().processes
    assert (process.namespace, process.listens) == ("pod-1-2", (("udp", 5353),))
    assert node.shell("cat /run/podnet/small/conf") == "x"
    assert not node.run(step).changed
    wired.undo()
    assert step.contradiction(node.snapshot()) == "small does not run in pod-1-2"
    assert everything(wired) == before


def test_stopping_is_a_step_too_and_its_undo_starts_it_again(lab):
    node = lab["node1"]
    node.run(daemons.start(SMALL))
    first = node.snapshot().processes[0].pid
    node.run(daemons.stop(SMALL))
    assert names(lab) == []
    lab.undo()
    assert names(lab) == ["small"]
    assert node.snapshot().processes[0].pid != first
    lab.undo()
    assert names(lab) == []


def test_the_same_with_other_files_is_a_conflict(lab):
    node = lab["node1"]
    node.run(daemons.start(SMALL))
    other = Daemon("small", SMALL.command, (("/run/podnet/small/conf", "y"),), SMALL.listens)
    with pytest.raises(StepConflict, match="small runs with other files or options"):
        node.run(daemons.start(other))
    assert node.run(daemons.stop(SMALL), daemons.start(other)).changed
    assert node.shell("cat /run/podnet/small/conf") == "y"


def test_one_that_ends_says_why_one_that_is_missing_how_to_get_it_one_that_is_deaf_is_not_ready(lab):
    node, before = lab["node1"], everything(lab)
    with pytest.raises(StepFailed, match="too bad"):
        node.run(daemons.start(Daemon("ends", (PYTHON, "-c", "raise SystemExit('too bad')"), listens=(("tcp", 1),))))
    with pytest.raises(CannotRun, match="no-such-program is not installed here: sudo apt install some-package"):
        node.run(daemons.start(Daemon("none", ("no-such-program",), package="some-package")))
    assert names(lab) == []
    assert everything(lab) == before


def test_its_printed_command_starts_what_the_step_would(lab):
    node, step = lab["node1"], daemons.start(SMALL)
    node.shell(step.command)
    assert until(lambda: step.contradiction(node.snapshot()) is None)
    assert not node.run(step).changed
    stop = daemons.stop(SMALL)
    node.shell(stop.command)
    assert until(lambda: stop.contradiction(node.snapshot()) is None)


def test_it_goes_with_its_pod_and_comes_back_when_that_is_taken_back(wired):
    wired["node1"].run(daemons.start(in_pod(SMALL)))
    wired.remove_pod("pod-1-2")
    assert names(wired) == []
    wired.undo()
    assert names(wired) == ["small"]
    wired["node1"].shell("ip netns del pod-1-2")
    assert until(lambda: names(wired) == [])


def test_one_that_was_killed_by_hand_is_not_taken_back_a_second_time(lab):
    node = lab["node1"]
    node.run(daemons.start(SMALL))
    node.shell(daemons.stop(SMALL).command)
    assert until(lambda: names(lab) == [])
    with pytest.raises(UndoRefused, match="daemon small"):
        lab.undo()


TWICE = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
LEFT = {
    "a job in the background": "sleep 600 &",
    "one in a session of its own": "setsid sleep 600 > /dev/null 2>&1 &",
    "one that forked twice": f"{PYTHON} -c '{TWICE}'",
    "one that minds no signal": f"{PYTHON} -c 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)' &",
}


@pytest.mark.parametrize("how", LEFT)
@pytest.mark.parametrize("way", ["reset", "goto"])
def test_what_a_shell_left_behind_is_listed_and_ended(lab, how, way):
    lab["node2"].shell(LEFT[how])
    assert until(lambda: [process.command for process in lab["node2"].snapshot().processes])
    assert lab["node1"].snapshot().processes == ()
    said = str(lab.reset() if way == "reset" else lab.goto("bridge"))
    assert "node2# kill " in said
    assert lab["node2"].snapshot().processes == ()


def test_in_a_pod_it_is_the_pods(wired):
    wired["node1"].shell("ip netns exec pod-1-2 sleep 601 &")
    assert until(lambda: [process.namespace for process in wired["node1"].snapshot().processes] == ["pod-1-2"])
    assert "sleep 601 in pod-1-2" in str(wired.goto("namespaces"))
    assert wired["node1"].snapshot().processes == ()


@pytest.mark.skipif(VMS, reason="a VM's processes have a first process of their own")
def test_orphans_are_waited_for(lab):
    lab["node1"].shell("for i in $(seq 200); do (sleep 0.01 &) ; done; sleep 0.5")
    zombies = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ' Z '"
    assert until(lambda: lab["node1"].shell(zombies, may_fail=True).strip() == "0")


@pytest.mark.skipif(VMS, reason="a terminal on a VM is sshd's")
def test_a_terminal_that_somebody_has_open_stays_with_what_runs_in_it(running):
    running.reset()
    main, other = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-c", "from podnet_lab.cli import main; main()", "shell", "node1", "--lab", running.name],
        stdin=other, stdout=other, stderr=other, start_new_session=True, env=environment(),
    )  # fmt: skip
    try:
        os.write(main, b"hostname; sleep 602\n")
        seen = b""
        deadline = time.monotonic() + 20
        while b"node1\r\n" not in seen and time.monotonic() < deadline:
            if select.select([main], [], [], 0.2)[0]:
                seen += os.read(main, 4096)
        assert b"node1\r\n" in seen
        running.goto("bridge")
        assert until(lambda: "sleep 602" in running["node1"].shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"))
        assert shell.poll() is None
    finally:
        shell.kill()
        shell.wait()
        os.close(main), os.close(other)


@pytest.mark.skipif(VMS, reason="a joined lab of VMs is tried elsewhere")
def test_who_has_joined_the_lab_stays(running):
    script = f"from podnet_lab import Lab\nlab = Lab.join({running.name!r})\nprint('in', flush=True)\ninput()\n"
    script += "print(lab['node1'].shell('hostname'))"
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert other.stdout.readline() == "in\n"
        running.goto("bridge")
        running.reset()
        said, _ = other.communicate("\n", timeout=30)
        assert said == "node1\n\n"
    finally:
        other.kill()
        other.wait()


def test_dnsmasq_knows_what_it_is_told(wired):
    server = dnsmasq("pod-1-2", {"web.default.svc.cluster.local": "10.96.0.20"})
    wired["node1"].run(daemons.start(server))
    assert wired["node1"].shell("cat /run/podnet/dnsmasq/pod-1-2/hosts") == "10.96.0.20 web.default.svc.cluster.local\n"
    assert names(wired) == ["dnsmasq"]


def test_all_of_it_ends_with_the_lab():
    with Lab.open(name="daemons") as lab:
        lab["node1"].run(daemons.start(SMALL))
        lab["node1"].shell("setsid sleep 603 &")
        pids = [process.pid for process in lab["node1"].snapshot().processes]
        assert len(pids) == 2
    mine = lambda: [path for path in os.listdir("/proc") if path.isdigit() and cmdline(path).startswith(b"sleep\0603")]  # noqa: E731
    assert until(lambda: not mine())


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""
