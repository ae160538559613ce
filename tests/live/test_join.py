"""A second process in a running lab: it works there like the lab itself, ends without a trace, and is told when the lab ends."""

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from live.helpers import ROOT, owner, podnet, processes_in, until
from podnet_lab import Lab, bridge, errors, route

JOINER = r"""
import json, sys, time
from podnet_lab import *
lab = Lab.join(sys.argv[1] if len(sys.argv) > 1 else None)
def say(*words):
    print(json.dumps(words, default=str), flush=True)
say("joined")
for line in sys.stdin:
    try:
        say("is", eval(line))
    except errors.PodnetError as error:
        say(type(error).__name__, str(error))
"""


class Joiner:
    """A process of its own that joined a lab, and does there what it is told."""

    def __init__(self, *arguments):
        self.process = owner(JOINER, *arguments)
        self.first = self.process.stdout.readline()

    def __call__(self, expression):
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))


@pytest.fixture
def join():
    """Start a joiner; it is ended by its own pid, if it has not ended."""
    started = []

    def join(*arguments):
        started.append(Joiner(*arguments))
        assert started[-1].first, started[-1].process.stderr.read()
        return started[-1]

    yield join
    for one in started:
        one.process.kill()
        one.process.wait()
        for pipe in (one.process.stdin, one.process.stdout, one.process.stderr):
            with suppress(OSError):  # what it was told last, and did not take
                pipe.close()


def test_what_a_lab_says_it_says_to_another_process(wired, join):
    other = join()
    assert other("str(lab.ping('pod-1-2', 'pod-3-2'))") == ("is", str(wired.ping("pod-1-2", "pod-3-2")))
    assert other("str(lab.ping('outside', 'node2'))") == ("is", str(wired.ping("outside", "node2")))
    assert other("str(lab.check())") == ("is", str(wired.check()))
    assert other("str(lab.check('route'))") == ("is", str(wired.check("route")))
    assert other("repr(lab.snapshot())") == ("is", repr(wired.snapshot()))
    assert other("lab.script()") == ("is", wired.script())
    trace = other("str(lab.trace('pod-1-2', 'pod-2-2'))")[1]
    assert "one echo, answered" in trace
    assert "node2    v-net-0        out" in trace
    assert other("lab['node2'].shell('hostname; ip netns list | wc -l')") == ("is", "node2\n2\n")


def test_a_reason_is_seen_from_there_and_mended(wired, join):
    other = join()
    wired["node1"].run(route.remove("10.244.3.0/24"))
    assert other("str(lab.explain('pod-1-2', 'pod-3-2'))") == ("is", str(wired.explain("pod-1-2", "pod-3-2")))
    assert other("lab.matrix().reached") == ("is", 22)
    assert other("bool(lab.run(lab.explain('pod-1-2', 'pod-3-2').repair))") == ("is", True)
    assert wired.check()


def test_a_step_from_there_is_as_one_by_hand(lab, join):
    other = join()
    lab["node1"].run(bridge.add("v-net-0"))
    assert other("lab.undo()")[0] == "LabError", "what the owner ran is the owner's to take back"
    assert other("str(lab['node2'].run(bridge.add('v-net-0')))") == (
        "is",
        "ok    node2# ip link add v-net-0 type bridge    (v-net-0 is a bridge)",
    )
    assert lab["node2"].snapshot().link(None, "v-net-0").kind == "bridge"
    assert other("lab['node1'].run(veth.add('v-net-0', peer='b'))")[0] == "StepConflict"
    assert other("str(lab.undo())")[0] == "is"
    assert "v-net-0" not in lab["node2"].snapshot().own.links
    assert lab.undo(), "and the owner can still take back its own"
    assert "v-net-0" not in lab["node1"].snapshot().own.links


def test_what_both_changed_is_not_undone_over_each_other(lab, join):
    other = join()
    lab["node1"].run(bridge.add("v-net-0"))
    other("str(lab['node1'].run(link.up('v-net-0')))")
    with pytest.raises(errors.UndoRefused):
        lab.undo()


def test_goto_and_reset_from_there(lab, join):
    other = join()
    lab["node3"].shell("ip link add mine type bridge; sysctl -qw net.ipv4.conf.all.rp_filter=2; ip link del eth0")
    said = other("str(lab.goto('done'))")[1]
    assert "node3# ip link del mine" in said
    assert "node3# (its cable to the external network was gone)" in said
    assert "rp_filter" in said
    assert lab.check()
    assert "node1# ip netns del pod-1-2" in other("str(lab.reset())")[1]
    assert list(lab["node1"].snapshot().pods) == []
    assert lab.reset().undone == ()


def test_services_from_there(wired, join):
    other = join()
    assert other("lab.serve('pod-2-2')")[0] == "is"
    assert str(wired.ask("pod-1-2", "10.244.2.2:8080")) == "pod-2-2 on node2 saw 10.244.1.2"
    other.process.communicate(timeout=5)  # nothing more to do: it ends
    assert not wired.ask("pod-1-2", "10.244.2.2:8080"), "a server ends with who started it"


def test_one_of_two_labs_is_chosen_by_name(running, join):
    with Lab.open(nodes=1, pods=1, name="second", where="namespaces") as second:
        assert join("second")("[node.name for node in lab]") == ("is", ["node1"])
        assert join("tests")("[node.name for node in lab]") == ("is", ["node1", "node2", "node3"])
        for wrong, word in (((), "tests, second"), (("third",), "no running lab is called 'third'")):
            refused = Joiner(*wrong)
            _, said = refused.process.communicate()
            assert "NoLab" in said
            assert refused.process.returncode == 1
            assert word.split(", ")[-1] in said
        assert join("second")("lab.plan.pods_per_node") == ("is", second.plan.pods_per_node)


def test_its_own_lab_can_be_joined_and_left_while_it_runs(lab):
    with Lab.join() as joined:
        assert joined is not lab
        assert Lab.join() is joined
        assert "joined" in repr(joined)
        assert joined["node1"].run(bridge.add("v-net-0"))
    assert not joined.alive
    with pytest.raises(errors.LabGone, match=r"Lab.join\(\)"):
        joined.snapshot()
    assert lab.alive
    assert lab["node1"].snapshot().link(None, "v-net-0")
    assert podnet("labs").stdout.startswith("tests: tests of a program")


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def name(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_one_python_is_started_for_the_agents_of_all_nodes(lab, join, sign):
    other = join()
    (door,) = children(other.process.pid)
    assert name(door) == "podnet-door"
    assert [name(pid) for pid in children(door)] == ["podnet-agent"] * 4  # three nodes, and outside
    os.kill(other.process.pid, sign)
    until(lambda: not Path(f"/proc/{door}").exists(), 3.0, "the end of what forks its agents")


def test_agents_go_on_without_what_forked_them(lab, join):
    before, other = processes_in(lab), join()
    (door,) = children(other.process.pid)
    os.kill(int(door), signal.SIGKILL)
    until(lambda: len(processes_in(lab)) == len(before) + 4, 3.0, "the end of what waits for the agents")
    assert other("lab['node1'].shell('hostname')") == ("is", "node1\n")
    other.process.kill()
    until(lambda: processes_in(lab) <= before, 3.0, "the end of its agents")


WORK = {
    "nothing": "1",
    "a shell": "lab['node1'].shell('exec sleep 1000')",
    "a question": "lab.ask('pod-1-2', '10.244.1.77:80', times=1000, patience=60)",
    "a mesh": "[lab.matrix() for _ in range(1000)]",
}


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("work", WORK)
def test_a_joiner_that_is_killed_leaves_nothing(wired, join, sign, work):
    # Nobody answers at that address, but somebody has it, as far as the asker knows.
    wired["node1"].shell("ip -n pod-1-2 neigh add 10.244.1.77 lladdr 02:00:00:00:00:01 dev veth-1-2")
    before = processes_in(wired)
    other = join()
    assert len(processes_in(wired)) >= len(before) + 4, "its agents were seen"
    other.process.stdin.write(f"say('begun') or {WORK[work]}\n")
    other.process.stdin.flush()
    assert json.loads(other.process.stdout.readline()) == ["begun"]
    if work == "a shell":
        until(lambda: wired["node1"].shell("grep -lx sleep /proc/[0-9]*/comm", may_fail=True).startswith("/proc"), what="the shell")
    os.kill(other.process.pid, sign)
    until(lambda: processes_in(wired) <= before, 3.0, "the end of its agents, and of what they ran")
    assert other.process.wait(5) != 0
    assert wired["node1"].shell("hostname") == "node1\n"
    assert wired.check()


OWNER = r"""
import sys
from podnet_lab import Lab
lab = Lab.open(nodes=2, pods=2, name="doomed")
lab.goto("done")
print("open", flush=True)
if sys.stdin.readline() == "close\n":
    lab.close()
    print("closed", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("ending", ["close", "kill"])
@pytest.mark.parametrize("busy", [False, True])
def test_the_labs_end_is_told_at_once(join, ending, busy):
    opened = owner(OWNER)
    try:
        assert opened.stdout.readline() == "open\n", opened.stderr.read()
        other = join("doomed")
        assert other("bool(lab.check())") == ("is", True)
        if busy:
            other.process.stdin.write("[lab.matrix() for _ in range(1000)]\n")
            other.process.stdin.flush()
        if ending == "close":
            opened.stdin.write("close\n")
            opened.stdin.flush()
            assert opened.stdout.readline() == "closed\n"
        else:
            opened.kill()
            opened.wait(5)
        if busy:
            assert json.loads(other.process.stdout.readline())[0] == "LabGone"
        until(lambda: other("lab.alive") == ("is", False), 2.0, "its end")
        for use in ("lab.snapshot()", "lab.check()", "lab['node1'].run(bridge.add('b'))", "lab.reset()"):
            kind, said = other(use)
            assert kind == "LabGone"
            assert f"a program (process {opened.pid}) had opened it" in said
        assert other("Lab.join('doomed')")[0] == "NoLab"
    finally:
        opened.kill()
        opened.communicate()


def test_what_another_version_wrote_is_no_lab_to_join_and_no_error(running):
    from podnet_lab.backends import running_labs

    number = os.getpid()
    path = running_labs.folder() / f"{number}-old.json"
    entry = {"name": "old", "owner": number, "born": running_labs.birth(number), "nodes": {}, "a newer key": 1}
    path.write_text(json.dumps(entry))
    try:
        assert [one.name for one in running_labs.labs() if one.name == "old"] == ["old"]
        with pytest.raises(errors.NoLab, match="another version"):
            Lab.join("old")
    finally:
        path.unlink()


@pytest.mark.root
def test_a_vms_agent_beside_the_host_outside_ends_with_it():
    """vm/podnet-agent's two ways, as node3 goes them."""

    def agent(words):
        command = ["bash", ROOT / "vm" / "podnet-agent", f"{words} -u -c 'what; execnet adds'"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    tell = """(o := __import__("os"), print(*(o.readlink(f"/proc/self/ns/{one}") for one in ("net", "pid", "mnt")), flush=True),
        __import__("sys").stdin.readline())""".replace("\n", " ")
    started = []
    try:
        for words in ("outside", "agent-outside {}"):
            network = started and started[0][1][0]
            one = agent(words.format(network))
            started.append((one, []))
            one.stdin.write(f"{tell!r}\n")
            one.stdin.flush()
            started[-1][1].extend(one.stdout.readline().split())
        assert started[0][1] == started[1][1], "both are in the same namespaces"
        assert started[0][1][0] != os.readlink("/proc/self/ns/net")
        assert started[0][1][1] != os.readlink("/proc/self/ns/pid")
        started[0][0].kill()  # unshare ends with its child, and that is the PID namespace's first process
        assert started[1][0].wait(3) != 0

        def said():
            refused = agent(f"agent-outside {started[0][1][0]}")
            return "outside is gone" in refused.communicate(timeout=20)[1] and refused.returncode == 1

        until(said, 20)  # its last process may be on its way out still
    finally:
        for one, _ in started:
            one.kill()
            one.communicate()
