"""Snapshots that spare what the lab was told before are those of a reader that is told all, on random networks; none is stale."""

import random
import time
from dataclasses import replace

import pytest

from live import random_nets
from live.lab_facade import agents
from podnet_lab import namespace

QUIET = 20.0
"""Seconds in which a network comes to rest after a change: carriers come up, neighbours are asked for."""

CHANGES = 4


def facts(cluster):
    """All of a cluster but what bridges learn, and how old what it learnt of neighbours is: that changes by itself."""
    return {name: {space: _ageless(has) for space, has in node.spaces.items()} for name, node in cluster.items()}


def _ageless(space):
    neighbours = tuple(sorted((replace(one, state="") for one in space.neighbours), key=str))
    return replace(space, neighbours=neighbours, fdb=tuple(entry for entry in space.fdb if entry.permanent))


def assert_told_right(lab):
    """Once the network is at rest, a snapshot of which the lab was told the news alone is that of a lab that knows nothing."""
    deadline = time.monotonic() + QUIET
    told, before = facts(lab.snapshot()), None
    while told != before and time.monotonic() < deadline:
        told, before = facts(lab.snapshot()), told
    for agent in agents(lab).values():
        agent.seen = (-1, {})
    assert told == facts(lab.snapshot())


@pytest.mark.parametrize("seed", [3, 8])
def test_what_is_told_is_what_a_whole_look_sees(lab, seed):
    draw = random.Random(seed)  # noqa: S311 - no secret
    net = random_nets.healthy(seed)
    for node in random_nets.NODES:
        assert not lab.parts.core.shell(node, net.script(node), lambda *_: None)
        assert_told_right(lab)
    for _ in range(CHANGES):
        random_nets.mischief(net, draw)
        lab.parts.core.shell_text(*net.mischief[-1], may_fail=True)
        assert_told_right(lab)


def test_of_what_stayed_nothing_is_told_and_of_what_changed_all(lab):
    node, agent = lab["node1"], agents(lab)["node1"]
    node.run(namespace.add("pod-a"), namespace.add("pod-b"))
    before = node.snapshot().spaces
    lab.parts.core.shell_text("node1", "ip -n pod-b link set lo up")
    spaces = agent.call("read", seen=agent.seen[0])["spaces"]
    assert spaces["pod-a"] is None
    assert spaces["pod-b"] is not None
    after = node.snapshot().spaces
    assert after["pod-a"] == before["pod-a"]
    assert after["pod-b"].links["lo"].up
    assert not before["pod-b"].links["lo"].up


def test_an_answer_that_nobody_took_in_is_told_again(lab):
    node, agent = lab["node1"], agents(lab)["node1"]
    node.run(namespace.add("pod-a"))
    node.snapshot()
    lab.parts.core.shell_text("node1", "ip -n pod-a link set lo up")
    agent.call("read", seen=agent.seen[0])  # told, and thrown away, as by an interrupt
    assert node.snapshot().spaces["pod-a"].links["lo"].up


def test_a_namespace_that_was_made_anew_by_its_name_is_told(lab):
    node = lab["node1"]
    node.run(namespace.add("pod-a"))
    lab.parts.core.shell_text("node1", "ip -n pod-a link set lo up")
    assert node.snapshot().spaces["pod-a"].links["lo"].up
    lab.parts.core.shell_text("node1", "ip netns del pod-a; ip netns add pod-a")
    assert not node.snapshot().spaces["pod-a"].links["lo"].up
    lab.parts.core.shell_text("node1", "ip netns del pod-a")
    assert "pod-a" not in node.snapshot().spaces


def test_new_rules_are_told_although_the_interfaces_stayed(lab):
    node = lab["node1"]
    node.snapshot()
    before = node.snapshot().own
    lab.parts.core.shell_text("node1", "nft add table ip told; nft add chain ip told c '{ type filter hook forward priority 0; }'")
    after = node.snapshot().own
    assert after.rules != before.rules
    assert after.links == before.links
