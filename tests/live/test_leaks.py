"""A long day in one notebook: nothing grows in the process that opens labs."""

import os
import subprocess
import sys
import threading
import warnings

from live.lab_facade import processes
from podnet_lab import Lab, recipes


def held():
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(os.listdir(f"/proc/self/task/{os.getpid()}"))


def settle(seconds=3.0):
    """Threads of a closed lab end by themselves, a moment after it."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(seconds / 10)


def quiet(node, script):
    """The lowest numbers that *script* prints in a few tries: a call that is just over may not be gone yet."""
    tries = [[int(word) for word in node.shell(script).split()] for _ in range(5)]
    return [min(numbers) for numbers in zip(*tries, strict=True)]


def test_twenty_labs():
    with Lab.open(nodes=1, pods=1, name="leak") as lab:
        lab.build()
    settle()
    before = held()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            with Lab.open(nodes=1, pods=1, name="leak") as lab:
                lab.build()
                lab["node1"].shell("true")
    settle()
    assert [now for now, then in zip(held(), before, strict=True) if now > then] == []


def test_thirty_gotos():
    with Lab.open(nodes=1, pods=2, name="leak") as lab:
        node = lab["node1"]
        numbers = " ".join(str(one["pid"]) for one in processes(lab).values())
        agent = f"for p in {numbers}; do ls /proc/$p/fd | wc -l; ls /proc/$p/task | wc -l; wc -l < /proc/$p/mountinfo; done"
        lab.goto("done")
        lab.matrix()
        before, inside = held(), quiet(node, agent)
        for round_ in range(30):
            lab.goto((*recipes.STAGES, "done")[round_ % 6])
            lab.snapshot()
            node.shell("true")
        lab.goto("done")
        lab.matrix()
        assert [now for now, then in zip(held(), before, strict=True) if now > then] == []
        assert [now for now, then in zip(quiet(node, agent), inside, strict=True) if now > then] == []


def test_a_pod_that_went_is_gone(lab):
    """No socket or descriptor of an agent keeps a deleted Pod's namespace alive."""
    lab.build()
    lab.matrix()
    numbers = lab["node1"].shell("stat -L -c %i /run/netns/*").split()
    assert len(numbers) == 2
    lab.reset()
    held_by = lab["node1"].shell("ls -l /proc/[0-9]*/fd /proc/[0-9]*/task/*/ns/net 2>/dev/null")
    assert [number for number in numbers if number in held_by] == []


def test_labs_are_closed_without_a_word():
    code = "from podnet_lab import Lab\nfor n in range(12):\n    Lab.open(nodes=1, name=f'quiet-{n}').close()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
