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
