"""A process that was forked from a lab's, as by multiprocessing, neither uses nor ends the lab; it may join it."""

import json

from live.helpers import owner

SCRIPT = r"""
import json, os, time, warnings
from podnet_lab import Lab, namespace
from podnet_lab.errors import LabError
warnings.simplefilter("ignore", DeprecationWarning)
lab = Lab.open(nodes=2, pods=1, name="forking", where="namespaces")

CALLS = {
    "snapshot": lambda: lab.snapshot(), "run": lambda: lab["node1"].run(namespace.add("p")), "undo": lambda: lab.undo(),
    "shell": lambda: lab["node1"].shell("true"), "goto": lambda: lab.goto("done"), "build": lambda: lab.build(),
    "topology": lambda: lab.topology(), "ping": lambda: lab.ping("node1", "node2"), "services": lambda: lab.services(),
    "cells": lambda: lab.shell("node1", "true", print), "read_file": lambda: lab["node1"].read_file("/etc/hosts", 9),
    "agent": lambda: lab.parts.core.agents["node1"].call("who"), "widget": lambda: lab.live_topology(),
    "exercise": lambda: lab.exercise("route-1"),
}

def child():
    said = {"alive": lab.alive, "repr": repr(lab)}
    for name, call in CALLS.items():
        start = time.monotonic()
        try:
            call()
            said[name] = "done"
        except LabError as error:
            said[name] = str(error)
        if time.monotonic() - start > 1:
            said[name] = "it took its time"
    lab.close()
    with lab:
        pass
    with Lab.join("forking") as mine:
        said["joined"] = mine["node1"].shell("hostname")
    return said

def in_child():
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, json.dumps(child()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return json.loads(pipe.read())

said = in_child()
os.wait()
found = {"child": said, "alive": lab.alive, "parent": lab["node1"].shell("hostname"), "snapshot": len(lab.snapshot())}
with Lab.join("forking") as joined:
    found["joined"] = joined["node2"].shell("hostname")
found["spaces"] = len(lab["node1"].snapshot().spaces)
lab.close()
print(json.dumps(found))
"""


def test_a_forked_process_is_told_that_the_lab_is_not_its_own():
    process = owner(SCRIPT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err[-2000:]
    found = json.loads(out)
    child = found.pop("child")
    assert found == {"alive": True, "parent": "node1\n", "snapshot": 2, "joined": "node2\n", "spaces": 1}
    words = f"this process was forked from the lab's (process {process.pid}), which alone can use it: Lab.join"
    assert child.pop("joined") == "node1\n"
    assert child.pop("alive") is False
    assert child.pop("repr") == f"<lab 'forking': {words}('forking') joins it from here>"
    assert [name for name, said in child.items() if not said.startswith(words) or "\n" in said] == []
