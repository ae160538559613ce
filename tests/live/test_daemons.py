"""Daemons on nodes: started and judged as steps, seen in snapshots, taken back, and gone with their Pod and with the lab."""

from dataclasses import replace

import pytest

from live.helpers import VMS, everything, until
from live.lab_facade import processes
from podnet_lab import Lab, daemon, recipes
from podnet_lab.daemons import dnsmasq
from podnet_lab.daemons.base import Daemon
from podnet_lab.errors import CannotRun, StepConflict, StepFailed, UndoRefused

PYTHON = "/usr/bin/python3"
SERVE = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5353)); time.sleep(600)"
SMALL = Daemon("small", (PYTHON, "-c", SERVE), (("conf", "x\n"),), (("udp", 5353),))
IN_POD = replace(SMALL, namespace="pod-1-2")
OTHER_FILES = replace(SMALL, files=(("conf", "y\n"),))


def names(lab, node="node1"):
    """What runs on a node: daemons by name, others by command line."""
    return [process.daemon or process.command for process in lab[node].snapshot().processes]


@pytest.mark.parametrize("small", [SMALL, IN_POD], ids=["on a node", "in a Pod"])
def test_a_daemon_is_started_judged_found_running_and_taken_back(wired, small):
    node, before, folder = wired["node1"], everything(wired), small.folder
    step = daemon.start(small)
    assert "does not run" in step.contradiction(node.snapshot())
    assert node.run(step).changed
    (process,) = node.snapshot().processes
    assert (process.daemon, process.namespace, process.listens) == ("small", small.namespace, (("udp", 5353),))
    assert node.shell(f"cat {folder}/conf; cat {folder}/pid") == f"x\n{process.pid}\n"
    assert "already so" in str(node.run(step))
    assert names(wired) == ["small"]
    assert names(wired, "node2") == []
    assert "runs small" in repr(wired.snapshot("node1"))
    wired.undo()
    assert "does not run" in step.contradiction(node.snapshot())
    assert "runs" not in repr(wired.snapshot("node1"))
    assert everything(wired) == before
    assert node.shell("ls -d /run/podnet", may_fail=True).startswith("ls:")


def test_stopping_is_a_step_too_and_its_undo_starts_it_again(lab):
    node = lab["node1"]
    node.run(daemon.start(SMALL))
    first = node.snapshot().processes[0].pid
    node.run(daemon.stop(SMALL))
    assert names(lab) == []
    assert "already so" in str(node.run(daemon.stop(SMALL)))
    lab.undo()
    assert names(lab) == ["small"]
    assert node.snapshot().processes[0].pid != first
    lab.undo()
    assert names(lab) == []


def test_other_files_or_options_are_a_conflict_but_not_after_a_stop(lab):
    node = lab["node1"]
    node.run(daemon.start(SMALL))
    with pytest.raises(StepConflict, match="small runs already, with other options or files"):
        node.run(daemon.start(OTHER_FILES))
    assert node.shell("cat /run/podnet/small/conf") == "x\n"
    assert node.run(daemon.stop(SMALL), daemon.start(OTHER_FILES)).changed
    assert node.shell("cat /run/podnet/small/conf") == "y\n"
    lab.undo()
    assert node.shell("cat /run/podnet/small/conf") == "x\n"


def test_a_port_that_another_one_has_is_a_conflict(lab):
    node = lab["node1"]
    node.shell(f'{PYTHON} -c "{SERVE}" theirs &')
    until(lambda: [process for process in node.snapshot().processes if process.listens])
    with pytest.raises(StepConflict, match=r"python3 -c .*… listens at udp 5353"):
        node.run(daemon.start(SMALL))
    assert len(names(lab)) == 1


RELOADS = (
    "import pathlib, signal, sys, time; folder = pathlib.Path(sys.argv[1])\n"
    "def read(*_): (folder / 'new').write_text((folder / 'conf').read_text()); (folder / 'new').rename(folder / 'seen')\n"
    "read(); signal.signal(signal.SIGHUP, read)\n"
    "while True: time.sleep(60)\n"
)


def test_one_that_reads_its_files_again_stays_and_undo_gives_it_the_former_ones(lab):
    node = lab["node1"]
    command = (PYTHON, "-c", RELOADS, "/run/podnet/reads")
    reads = Daemon("reads", command, (("conf", "x"),), creates="/run/podnet/reads/seen", reload="HUP")
    with pytest.raises(StepFailed, match="reads does not run"):
        node.run(daemon.reload(reads))
    node.run(daemon.start(reads))
    pid = node.snapshot().processes[0].pid
    step = daemon.reload(replace(reads, files=(("conf", "y"),)))
    assert "other options or files" in step.contradiction(node.snapshot())
    node.run(step)
    until(lambda: node.shell("cat /run/podnet/reads/seen") == "y")
    lab.undo()
    until(lambda: node.shell("cat /run/podnet/reads/seen") == "x")
    assert node.snapshot().processes[0].pid == pid
    lab.undo()
    assert names(lab) == []


def test_what_a_former_one_has_left_does_not_say_that_it_is_ready(lab):
    node = lab["node1"]
    node.shell("touch /run/small-is-up")
    with pytest.raises(StepFailed, match="small runs, but it is not ready"):
        node.run(daemon.start(replace(SMALL, listens=(), creates="/run/small-is-up", patience=0.5)))
    assert names(lab) == []


FAILS = {
    "ends": ((PYTHON, "-c", "raise SystemExit('too bad')"), "small .*: too bad"),
    "ends without a word": (("false",), "ended at once, and said nothing"),
    "is deaf": (("sleep", "600"), "small runs, but it is not ready after 0.5 seconds: it says nothing"),
}


@pytest.mark.parametrize("how", FAILS)
def test_one_that_fails_says_why_and_leaves_nothing(lab, how):
    command, words = FAILS[how]
    node, before = lab["node1"], everything(lab)
    with pytest.raises(StepFailed, match=words.replace("small .*", "")):
        node.run(daemon.start(replace(SMALL, command=command, patience=0.5)))
    assert names(lab) == []
    assert everything(lab) == before
    assert node.shell("ls -d /run/podnet", may_fail=True).startswith("ls:")


def test_one_that_is_not_installed_says_how_to_get_it(lab):
    with pytest.raises(CannotRun, match="node1 lacks a program: no-such-program is not installed here: sudo apt install some-package"):
        lab["node1"].run(daemon.start(Daemon("none", ("no-such-program",), package="some-package")))


def test_a_run_that_fails_ends_what_it_had_started(lab):
    with pytest.raises(StepFailed):
        lab.run({"node1": [daemon.start(SMALL)], "node2": [daemon.start(replace(SMALL, command=("false",)))]})
    assert names(lab) == names(lab, "node2") == []


def test_its_printed_command_starts_what_the_step_would(lab):
    node, step, stop = lab["node1"], daemon.start(SMALL), daemon.stop(SMALL)
    node.shell(step.command)
    until(lambda: step.contradiction(node.snapshot()) is None)
    assert not node.run(step).changed
    node.shell(stop.command)
    until(lambda: stop.contradiction(node.snapshot()) is None)
    node.shell(recipes.script([step, daemon.reload(replace(OTHER_FILES, reload="CONT" and "HUP")), stop]).replace("kill -HUP", "true"))
    until(lambda: names(lab) == [])


def test_one_that_was_typed_by_hand_is_stopped_by_a_step(wired):
    node = wired["node1"]
    node.shell(daemon.start(IN_POD).command)
    until(lambda: daemon.start(IN_POD).contradiction(node.snapshot()) is None)
    node.run(daemon.stop(IN_POD))
    assert names(wired) == []


def test_it_goes_with_its_pod_and_comes_back_when_that_is_taken_back(wired):
    wired["node1"].run(daemon.start(IN_POD))
    wired.remove_pod("pod-1-2")
    assert names(wired) == []
    assert "veth-1-2-br" not in wired["node1"].snapshot().own.links
    wired.undo()
    assert names(wired) == ["small"]
    wired["node1"].shell("ip netns del pod-1-2")
    until(lambda: names(wired) == [])
    until(lambda: "veth-1-2-br" not in wired["node1"].snapshot().own.links)


def test_one_that_has_ended_is_not_taken_back_a_second_time(lab):
    node = lab["node1"]
    node.run(daemon.start(SMALL))
    node.shell("kill $(cat /run/podnet/small/pid)")
    until(lambda: names(lab) == [])
    with pytest.raises(UndoRefused, match="small is gone"):
        lab.undo()


@pytest.mark.parametrize("way", ["reset", "goto"])
def test_goto_and_reset_end_it_and_goto_names_only_what_others_started(lab, way):
    lab["node1"].run(daemon.start(SMALL))
    undone = (lab.reset() if way == "reset" else lab.goto("veth")).undone
    assert undone == (("node1# (ended: small)",) if way == "reset" else ())
    assert names(lab) == []
    assert lab["node1"].shell("ls -d /run/podnet", may_fail=True).startswith("ls:")
    assert lab.reset().undone == () or way == "goto"


DOUBLE_FORK = (
    "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); open('/run/podnet/forks/up', 'w'); time.sleep(600)"
)


def test_one_that_goes_into_the_background_by_itself_is_known_and_ended(lab):
    forks = Daemon("forks", (PYTHON, "-c", DOUBLE_FORK), creates="/run/podnet/forks/up")
    lab["node1"].run(daemon.start(forks))
    assert names(lab) == ["forks"]
    lab.undo()
    assert names(lab) == []


def test_dnsmasq_answers_and_is_told_anew(wired):
    assert wired.serve_names("pod-1-2") == "pod-1-2 answers for no name"
    server = dnsmasq.server("pod-1-2", {})
    pid = wired["node1"].snapshot().processes[0].pid
    other = dnsmasq.server("pod-1-2", {"web": "10.96.0.20"})
    assert daemon.start(server).contradiction(wired["node1"].snapshot()) is None
    wired["node1"].run(daemon.reload(other))
    assert wired["node1"].snapshot().processes[0].pid == pid
    assert wired["node1"].shell("cat /run/podnet/dnsmasq.pod-1-2/hosts") == "10.96.0.20 web\n"
    wired.undo(), wired.undo()
    assert names(wired) == []


@pytest.mark.skipif(VMS, reason="there, a daemon stays like all that steps make")
def test_it_ends_with_the_lab():
    with Lab.open(nodes=1, pods=1, name="ends", where="namespaces") as lab:
        lab["node1"].run(daemon.start(SMALL))
        space = processes(lab)["node1"]["namespaces"]["net"]
        assert space in all_networks()
    until(lambda: space not in all_networks())


def all_networks():
    """The network namespaces in which some process of this machine lives."""
    from live.helpers import links_of_processes

    return {link for links in links_of_processes(["net"]).values() for link in links}
