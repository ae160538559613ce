"""An interrupt of the notebook ends what it waits for, and leaves a lab that answers."""

import json
import os
import signal

import pytest

from live.helpers import owner, until

SCRIPT = r"""
import json, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests in the background may have it ignored
from podnet_lab import Lab, namespace, recipes, route
lab = Lab.open(nodes=2, pods=2, name="interrupted")
lab.build()
backend = lab.parts.core.backend
agents = [node["pid"] for node in backend.processes.values()]

def ping():
    lab["node1"].run(route.blackhole("10.77.0.0/16"))
    lab["node2"].shell("ip netns del pod-2-2")
    lab.ping("node1", "pod-1-2", expect=True, patience=0.1)
    lab["node1"].shell("ip -n pod-1-2 link set veth-1-2 down")
    print("go", flush=True)
    lab.ping("pod-1-3", "pod-1-2", patience=60)

def shell():
    print("go", flush=True)
    lab["node1"].shell("touch /run/started; exec sleep 60")

def deaf_shell():
    print("go", flush=True)
    lab["node1"].shell("trap '' INT; touch /run/started; while :; do sleep 0.2; done")

def loud_shell():
    print("go", flush=True)
    lab.shell("node1", "touch /run/started; while :; do echo 0123456789; done", lambda _, data: time.sleep(0.01))

def build():
    print("go", flush=True)
    for _ in range(2000):
        lab.goto("done")
        lab.reset()

def matrix():
    print("go", flush=True)
    for _ in range(20000):
        lab.check()

def steps():
    print("go", flush=True)
    for _ in range(200000):
        lab["node1"].run(namespace.add("p"))
        lab.undo()

try:
    globals()[sys.argv[1]]()
    said = "it ended by itself"
except KeyboardInterrupt:
    said = "interrupted"
start = time.monotonic()
found = {"said": said, "alive": lab.alive, "snapshot": len(lab.snapshot()), "shell": lab["node1"].shell("echo there")}
found["agents"] = agents == [agent.call("who")["pid"] for agent in (backend.lab_agent, *backend.agents.values())]
lab.goto("done")
found["check"] = bool(lab.check())
deadline = time.monotonic() + 3
while True:  # the cell's own process ends within the grace that it has
    left = lab["node1"].shell("ps -eo args | grep -v grep | grep -c -E '[s]leep 60|[s]leep 0.2|run/[s]tarted' || true").strip()
    if left == "0" or time.monotonic() > deadline:
        break
    time.sleep(0.05)
found["left"] = left
lab.close()
print(json.dumps(found), flush=True)
"""


@pytest.fixture
def start():
    """Start an owner of a lab that is busy with something; what is left of it is ended by its own pid."""
    started = []

    def start(what):
        process = owner(SCRIPT, what)
        started.append(process)
        assert process.stdout.readline() == "go\n", process.stderr.read()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("what", ["ping", "shell", "deaf_shell", "loud_shell", "build", "matrix", "steps"])
def test_an_interrupt(start, what):
    process = start(what)
    with pytest.raises(AssertionError):  # it is busy until it is told
        until(lambda: process.poll() is not None, 0.2)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err[-2000:]
    found = json.loads(out)
    wanted = {"said": "interrupted", "alive": True, "snapshot": 2, "shell": "there\n", "agents": True, "check": True, "left": "0"}
    assert found == wanted


ANY_MOMENT = r"""
import json, os, signal, sys, time
from podnet_lab import Lab, namespace
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))

def interrupted(call, after):
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return False

def lasts(call):
    start = time.monotonic()
    call()
    return time.monotonic() - start

def opened():
    return Lab.open(nodes=2, pods=2, name="anymoment", where="namespaces")

def gone(pid):
    deadline = time.monotonic() + 2
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    return not os.path.exists(f"/proc/{pid}")

def close(moments):
    usual = lasts(opened().close)
    for moment in range(moments):
        lab = opened()
        pid = lab.parts.core.backend._group["lab"]._io.popen.pid
        cut = interrupted(lab.close, usual * (moment + 0.5) / moments)
        said = "closed" in repr(lab)
        yield cut, [] if said == gone(pid) == (not lab.alive) else [f"{said=} {lab.alive=}"]
        lab.close()
        assert gone(pid) and not lab.alive

def open_one(moments):
    usual = lasts(opened)
    opened().close()
    for moment in range(moments):
        cut = interrupted(opened, usual * (moment + 0.5) / moments)
        left = open(f"/proc/self/task/{os.getpid()}/children").read().split()
        yield cut, [] if bool(left) == (not cut) else [f"{cut=} and {left}"]
        opened().close()

def break_something(moments):
    lab = opened()
    lab.goto("done")
    usual = lasts(lambda: lab.break_something(seed=1))
    lab.give_up()
    before = lab.snapshot()
    for moment in range(moments):
        cut = interrupted(lambda: lab.break_something(seed=moment), usual * (moment + 0.5) / moments)
        wrong = [] if (lab.broken is None) == bool(lab.check()) else [f"{lab.broken} {lab.check()}"]
        if lab.broken is not None:
            lab.give_up()
        yield cut, wrong + ([] if lab.check() else ["not mended"])

def run(moments):
    lab = opened()
    node = lab["node1"]
    steps = [namespace.add(f"n{number}") for number in range(60)]
    usual = lasts(lambda: node.run(*steps))
    lab.undo()
    for moment in range(moments):
        cut = interrupted(lambda: node.run(*steps), usual * (moment + 0.5) / moments)
        there, known = len(node.snapshot().spaces) - 1, lab.last_run is not None
        wrong = [] if there == (60 if known else 0) else [f"{there} there, {known=}"]
        if known:
            lab.undo()
        lab.reset()
        yield cut, wrong

def undo(moments):
    lab = opened()
    node = lab["node1"]
    steps = [namespace.add(f"n{number}") for number in range(60)]
    node.run(*steps)
    usual = lasts(lab.undo)
    for moment in range(moments):
        lab.reset()
        node.run(*steps)
        cut = interrupted(lab.undo, usual * (moment + 0.5) / moments)
        there, known = len(node.snapshot().spaces) - 1, lab.last_run is not None
        wrong = [] if there == (60 if known else 0) else [f"{there} there, {known=}"]
        if known:
            lab.undo()
        yield cut, wrong + ([] if len(node.snapshot().spaces) == 1 else ["not taken back"])

found = list(globals()[sys.argv[1]](int(sys.argv[2])))
print(json.dumps({"cut": sum(cut for cut, _ in found), "wrong": [words for _, wrong in found for words in wrong]}))
"""


@pytest.mark.parametrize("what", ["open_one", "close", "break_something", "run", "undo"])
def test_an_interrupt_at_any_moment_leaves_what_is_said(what):
    process = owner(ANY_MOMENT, what, "12")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    found = json.loads(out)
    assert found["wrong"] == []
    assert found["cut"] >= 3, "or it was not interrupted at all"
