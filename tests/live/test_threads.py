"""Several threads, or processes, in one lab: calls take turns, and what somebody else takes away is a result, not a crash."""

import random
import threading

import pytest

from podnet_lab.errors import BadInput, LabError
from podnet_lab.lab.packet_tracer import GONE, PacketTracer

CALLS, THREADS = 12, 8


def _true(found, what):
    assert found, f"{what}: {found}"


def _add_and_remove(lab):
    """Another thread's undo may have taken the new Pod back before we remove it: then there is none to remove."""
    pod = lab.add_pod("node1").pod
    try:
        lab.remove_pod(pod.name)
    except BadInput as error:
        assert pod.name in str(error)  # noqa: PT017 - it is the usual case that nothing is raised


def _undo(lab):
    try:
        lab.undo()
    except LabError as error:
        assert "nothing to undo" in str(error)  # noqa: PT017 - as above


WHAT = {
    "ping": lambda lab: _true(lab.ping("pod-1-2", "pod-2-2"), "ping"),
    "trace": lambda lab: _true(len(lab.trace("pod-1-3", "pod-2-3")) > 15, "trace"),
    "check": lambda lab: _true(lab.check("addr"), "check"),
    "explain": lambda lab: _true(lab.explain("pod-2-2", "pod-1-3"), "explain"),
    "add and remove": _add_and_remove,
    "undo": _undo,
    "snapshot": lambda lab: _true(lab.snapshot("node2")["node2"].pods, "snapshot"),
    "shell": lambda lab: _true(lab["node1"].shell("hostname") == "node1\n", "shell"),
}


def test_calls_of_several_threads_take_turns(wired):
    wired.goto("done")  # which nobody can undo
    problems = []

    def work(seed):
        chance = random.Random(seed)  # noqa: S311 - nothing secret
        try:
            for _ in range(CALLS):
                WHAT[chance.choice(list(WHAT))](wired)
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            problems.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=[seed], daemon=True) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert not any(thread.is_alive() for thread in threads)
    for _ in range(THREADS * CALLS):
        if wired.last_run is None:
            break
        wired.undo()
    assert wired.check()


@pytest.mark.parametrize("way", [{}, {"tcp": 80}], ids=["echo", "tcp"])
def test_a_pod_that_goes_while_it_is_traced(wired, monkeypatch, way):
    name = "_connect" if way else "_echo"
    really = getattr(PacketTracer, name)

    def after_it_went(*given):
        wired["node1"].shell("ip netns del pod-1-2")
        return really(*given)

    monkeypatch.setattr(PacketTracer, name, after_it_went)
    traced = wired.trace("pod-1-2", "pod-2-2", **way)
    assert not traced
    assert f"not sent: {GONE}" in str(traced)


def test_a_name_that_is_no_namespace_yet_is_none(wired):
    """The first half of `ip netns add` is a file; whoever looks then finds nothing, and no error."""
    wired["node1"].shell("touch /run/netns/half")
    assert "half" not in wired.snapshot("node1")["node1"].spaces
    with pytest.raises(BadInput, match="no Pod or node is called 'half'"):
        wired.ping("half", "pod-2-2")
    assert wired.check("addr")
    assert wired.matrix()
