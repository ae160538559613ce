"""`podnet` from another terminal, in the lab that this process has open: what it says, as text and as data, and its status."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from live.helpers import ROOT, environment, owner, podnet, processes_in, until
from podnet_lab import Lab, bridge, link, recipes, route

DOCUMENTED = (ROOT / "docs" / "command-line.md").read_text().splitlines()


def data(*words, status=0):
    done = podnet(*words, "--json")
    assert (done.returncode, done.stderr) == (status, "")
    found = json.loads(done.stdout)
    assert found["ok"] is (status == 0)
    assert next(iter(found)) == "ok"
    (row,) = [one for one in DOCUMENTED if one.startswith(f"| `{words[0]}{' --stage' if '--stage' in words else ''}` |")]
    assert {f"`{key}`" in row for key in found if key != "ok"} == {True}
    return found


def test_check(wired):
    done = podnet("check")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{wired.check()}\n")
    found = data("check")
    assert [rule["ok"] for rule in found["rules"]] == [True] * 3
    assert (found["reached"], found["pairs"], found["total"], found["failures"]) == (30, 30, 30, [])
    few = data("check", "--sample", "10", "--seed", "3")
    assert (few["pairs"], few["total"]) == (10, 30)
    one = podnet("check", "--sample", "1")
    assert "no such pair was drawn: a sample of more may have one" in one.stdout
    assert one.returncode == 3, "what could not be tried is not said to hold, nor to fail"
    wired["node1"].run(route.remove("10.244.3.0/24"))
    done = podnet("check")
    assert (done.returncode, done.stdout) == (1, f"{wired.check()}\n")
    broken = data("check", status=1)
    assert [rule["ok"] for rule in broken["rules"]] == [True, True, False]
    assert {(one["source"], one["verdict"]) for one in broken["failures"]} >= {("pod-1-2", "no reply"), ("pod-3-3", "no reply")}


def test_check_of_a_stage(lab):
    assert podnet("check", "--stage", "bridge").returncode == 1
    assert [one["claim"] for one in data("check", "--stage", "bridge", status=1)["checks"]] == [f"node{n} has a bridge" for n in (1, 2, 3)]
    lab.run({node.name: recipes.stage("bridge", node, lab.plan) for node in lab.plan.nodes})
    done = podnet("check", "--stage", "bridge")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "9 of 9 checks hold")


def test_what_could_not_be_tried_is_a_status_of_its_own(lab):
    assert podnet("matrix").returncode == 3, "there is no Pod"
    lab["node1"].shell("ip netns add a; ip netns add b")
    done = podnet("matrix")
    assert done.returncode == 3
    assert "FAIL  a → b: could not test: b has no address" in done.stdout
    assert podnet("check").returncode == 1, "that a Pod has no address is known"


def test_matrix(wired):
    found = data("matrix")
    assert (found["reached"], len(found["matrix"])) == (30, 30)
    assert found["matrix"][0] == {"source": "pod-1-2", "target": "pod-1-3", "verdict": "reached", "seen_as": "10.244.1.2", "why": ""}
    wired["node2"].run(link.down("v-net-0"))
    done = podnet("matrix")
    assert done.returncode == 1
    assert done.stdout.startswith(str(wired.matrix()))
    assert done.stdout.count("\nFAIL  ") == 18


def test_explain_and_its_repair(wired):
    done = podnet("explain", "pod-1-2", "pod-3-2")
    assert (done.returncode, done.stdout) == (0, f"{wired.explain('pod-1-2', 'pod-3-2')}\n")
    wired["node1"].run(route.remove("10.244.3.0/24"))
    found = wired.explain("pod-1-2", "pod-3-2")
    done = podnet("explain", "pod-1-2", "10.244.3.2")
    assert done.returncode == 1
    assert "node1 has no route to 10.244.3.2" in done.stdout
    for level in (1, 2, 3):
        assert podnet("explain", "pod-1-2", "pod-3-2", "--hint", str(level)).stdout == f"{found.hint(level)}\n"
    said = data("explain", "pod-1-2", "pod-3-2", status=1)["obstacle"]
    assert (said["layer"], said["node"], said["namespace"], said["hints"]) == ("route", "node1", None, list(found.cause.hints))
    (repair,) = said["repair"]
    assert podnet("shell", repair["node"], repair["command"]).returncode == 0
    refused = data("explain", "pod-1-2", "pod-3-2", "--tcp", "8080", status=1)["obstacle"]
    assert (refused["text"], refused["layer"]) == ("nobody listens on tcp port 8080 in pod-3-2", "socket")
    wired.serve("pod-3-2", 8080)
    whole = data("explain", "pod-1-2", "pod-3-2", "--tcp", "8080", "--no-probe")
    assert (whole["obstacle"], whole["there"][0], whole["there"][-1]) == (None, "pod-1-2", "pod-3-2")
    assert (whole["answered"], whole["suspect"], whole["unsure"]) == (None, None, [])
    big = data("explain", "pod-1-2", "pod-3-2", "--size", "1600", status=1)["obstacle"]["text"]
    assert big == str(wired.explain("pod-1-2", "pod-3-2", size=1600).cause)
    both = podnet("explain", "pod-1-2", "pod-3-2", "--tcp", "80", "--size", "1600")
    assert (both.returncode, both.stdout) == (2, "")


def test_trace(wired, tmp_path):
    done = podnet("trace", "pod-1-2", "pod-3-2", "--save", str(tmp_path / "a.pcapng"))
    assert done.returncode == 0
    assert done.stdout.startswith("pod-1-2 → pod-3-2: one echo, answered\n")
    assert "frames of " in done.stderr
    assert (tmp_path / "a.pcapng").read_bytes()[:4] == b"\n\r\r\n"
    found = data("trace", "pod-1-2", "pod-3-2", "--size", "1400")
    assert [one["place"] for one in found["hops"] if one["way"] == "there"][:2] == ["pod-1-2", "node1"]
    wired.serve("pod-2-2", 8080)
    assert "tcp" in data("trace", "pod-1-2", "pod-2-2", "--tcp", "8080")["headline"].lower()
    assert podnet("trace", "pod-1-2", "10.244.2.99").returncode == 1
    both = podnet("trace", "pod-1-2", "pod-2-2", "--tcp", "80", "--size", "99")
    assert (both.returncode, both.stdout) == (2, "")
    nowhere = podnet("trace", "pod-1-2", "pod-2-2", "--save", str(tmp_path / "no" / "a.pcapng"))
    assert (nowhere.returncode, "Traceback" in nowhere.stderr) == (2, False)


def test_run_and_what_the_notebook_sees_of_it(lab):
    done = podnet(
        "run", "--node", "node1", "--node", "node2", 'bridge.add("v-net-0")', 'link.up("v-net-0")', "node3: bridge.add('v-net-0')"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok    node2# ip link set dev v-net-0 up    (v-net-0 is up)" in done.stdout.splitlines()
    assert [lab[f"node{n}"].snapshot().link(None, "v-net-0").up for n in (1, 2, 3)] == [True, True, False]
    again = data("run", 'lab["node1"].run(bridge.add("v-net-0"))')
    assert not again["changed"]
    assert again["outcomes"][0]["said"] == "already so: v-net-0 is a bridge"
    assert lab["node1"].run(bridge.add("v-net-0")).changed is False


def test_a_stage_at_once(lab):
    for stage in recipes.STAGES:
        assert podnet("run", "--stage", stage).returncode == 0
    assert lab.check()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--node", "node1", 'bridge.add("b")', 'link.up("nope")'), 1, "No such device"),
        (("--node", "node1", 'bridge.add("b")', 'link.pu("b")'), 2, "did you mean link.up?"),
        (("--node", "node9", 'bridge.add("b")'), 2, "no node is called 'node9'"),
        (("--node", "lab", 'bridge.add("b")'), 2, "no node is called 'lab'"),
        (("--node", "node1", 'bridge.add("b")', "bridge.add('; reboot #')"), 2, "can't be an interface's name"),
        (('bridge.add("b")',), 2, "on which node?"),
    ],
)
def test_what_does_not_work_leaves_nothing(lab, words, status, said):
    done = podnet("run", *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "b" not in lab["node1"].snapshot().own.links


def test_the_printed_script_wires_the_lab(lab):
    for node in lab:
        done = podnet("script", node.name)
        assert done.stdout == lab.script(node.name)
        node.shell(done.stdout)
    assert lab.check()
    assert podnet("script").stdout == lab.script()


def test_reset(wired):
    assert "node1# ip netns del pod-1-2" in podnet("reset").stdout
    assert data("reset") == {"ok": True, "headline": "nothing to do: the lab is as it was opened", "undone": [], "left": []}
    assert wired.snapshot()["node1"].spaces.keys() == {None}


def test_a_pod_where_a_node_is_wanted_is_told_what_to_type(wired):
    said = podnet("shell", "pod-1-2", "true")
    assert (said.returncode, said.stdout) == (2, "")
    assert "podnet shell NODE 'ip netns exec pod-1-2 COMMAND'" in said.stderr


def test_labs_and_which_is_meant(running):
    (found,) = data("labs")["labs"]
    assert (found["called"], found["where"], found["nodes"]) == ("tests", "namespaces", ["node1", "node2", "node3"])
    assert (found["name"], found["notebook"], found["owner"]) == ("tests", None, os.getpid())
    with Lab.open(nodes=2, pods=1, name="second", where="namespaces"):
        several = podnet("check")
        assert (several.returncode, several.stdout) == (3, "")
        assert "say which with --lab" in several.stderr
        assert podnet("check", "--lab", "second", "--stage", "bridge").stdout.splitlines()[-1] == "0 of 2 checks hold"
        assert podnet("script", "--lab", "second").stdout.count("ip netns add") == 2


def test_a_file_of_commands_is_run_by_a_shell_on_a_node(running):
    script = "hostname\nmarked=yes\ncd /run\npwd; echo $marked\nexit 7\n"
    command = [sys.executable, "-c", "from podnet_lab.cli import main; main()", "shell", "node2"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=30, env=environment(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "node2\n/run\nyes\n", "")


def test_an_empty_lab_says_what_makes_pods(lab):
    for words in ("matrix", "check"):
        said = podnet(words).stdout
        assert "there is no pair of Pods yet: lab.goto('done') wires the cluster" in said
        assert "0 of 0" not in said


def on_a_terminal(*words, **more):
    """What `podnet` writes where stdout is a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from podnet_lab.cli import main; main()", *words]
    started = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment(**more))
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    started.wait(30)
    return said.decode()


def test_colours_are_for_a_terminal(wired):
    assert "\x1b[32mok" in on_a_terminal("check")
    assert "\x1b" not in on_a_terminal("check", NO_COLOR="1")
    assert "\x1b" not in podnet("check").stdout
    assert "\x1b[32mok" in podnet("check", FORCE_COLOR="1").stdout
    assert "\x1b" not in podnet("check", "--json", FORCE_COLOR="1").stdout


def test_tab_knows_the_running_lab(running):
    def complete(*words):
        more = {"_PODNET_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("podnet", *words)), "COMP_CWORD": str(len(words))}
        done = subprocess.run(
            [sys.executable, "-c", "from podnet_lab.cli import main; main(prog_name='podnet')"],
            capture_output=True, text=True, env=environment(**more), check=False, timeout=20,
        )  # fmt: skip
        assert done.stderr == ""
        return [one.partition(",")[2] for one in done.stdout.split()]

    assert complete("explain", "pod-1") == ["pod-1-2", "pod-1-3"]
    assert complete("trace", "pod-1-2", "o") == ["outside"]
    assert complete("shell", "node") == ["node1", "node2", "node3"]
    assert complete("check", "--lab", "te") == ["tests"]
    with Lab.open(nodes=1, pods=3, name="second", where="namespaces"):
        assert complete("explain", "pod-1") == [], "which of the two?"
        assert complete("explain", "--lab", "second", "pod-1") == ["pod-1-2", "pod-1-3", "pod-1-4"]


SLOW = """
import sys
from podnet_lab import Lab
from podnet_lab.cli import main
check = Lab.check
def slow(lab, *given, **named):
    print("begun", file=sys.stderr, flush=True)
    while True:
        lab.ping("pod-1-2", "10.244.1.3", expect=False, patience=5)
Lab.check = slow
main(["check"])
"""


@pytest.mark.parametrize("at", ["the start", "work"])
def test_an_interrupt_ends_the_command_and_not_the_lab(wired, at):
    """Ctrl-C goes to the terminal's whole process group."""
    before = processes_in(wired)
    wired["node1"].shell("ip -n pod-1-3 link set veth-1-3 down")
    command = owner(SLOW)
    try:
        if at == "work":
            assert command.stderr.readline() == "begun\n"
        else:
            until(lambda: processes_in(wired) - before, what="its agents")
        os.killpg(command.pid, signal.SIGINT)
        out, said = command.communicate(timeout=5)
        assert (command.returncode, out) == (130, "")
        assert said.splitlines()[-1] == "interrupted"
        assert "Traceback" not in said
    finally:
        command.kill()
        command.communicate()
    until(lambda: processes_in(wired) <= before, 3.0, "the end of its agents")
    assert wired.snapshot()


def test_whoever_reads_may_have_had_enough(wired):
    first = subprocess.run(
        [sys.executable, "-c", "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=-1, stderr=-1); p.stdout.close(); "
         "print(p.stderr.read().decode(), p.wait())", sys.executable, "-c", "from podnet_lab.cli import main; main(['matrix', '--json'])"],
        capture_output=True, text=True, env=environment(), check=True, timeout=30,
    )  # fmt: skip
    assert first.stdout.split() == ["1"], "quietly, as other programs do"
