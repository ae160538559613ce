"""`goto` after mischief that nobody has sorted: every tool says of the node what it says of one that was never touched."""

import random

import pytest

from live.helpers import VMS, until
from live.goto_mischief import COMMANDS, everything_told
from podnet_lab import Lab

pytestmark = [pytest.mark.nft, pytest.mark.skipif(VMS, reason="the commands are about eth0 of a one-machine lab")]


@pytest.fixture(scope="module")
def untouched():
    """A lab of two nodes with two Pods each, wired, and what is told of its first node."""
    with Lab.open(nodes=2, pods=2, name="mischief", where="namespaces") as lab:
        lab.goto("done")
        lab.goto("done")
        yield lab, settled(lab["node1"])


def settled(node) -> list[str]:
    """What is told of a node once it is the same twice: an interface that is new takes a moment."""
    told = [everything_told(node)]

    def same():
        told.append(everything_told(node))
        return told[-1] == told[-2]

    until(same)
    return told[-1]


def differ(now: list[str], then: list[str]) -> list[str]:
    return [f"+{line}" for line in now if line not in then] + [f"-{line}" for line in then if line not in now]


def came_back(lab, then, commands) -> str:
    """What is wrong after *commands* and a goto; "" if nothing is."""
    for command in commands:
        lab["node1"].shell(f"{{ {command}; }} >&/dev/null", may_fail=True)
    arrived = lab.goto("done")
    if not (arrived and lab.check()):
        return f"{commands}: {arrived}"
    try:
        until(lambda: everything_told(lab["node1"]) == then, 2)
    except AssertionError:
        return f"{commands}: {differ(everything_told(lab['node1']), then)}"
    return ""


def tried(untouched, seeds) -> list[str]:
    """What is wrong in the cases of *seeds*, each with one to three commands drawn from all."""
    found = []
    for seed in seeds:
        draw = random.Random(seed)
        found.append(came_back(*untouched, draw.sample(COMMANDS, draw.randint(1, 3))))
    return [problem for problem in found if problem]


def test_thirty_cases(untouched):
    assert tried(untouched, range(30)) == []


@pytest.mark.long
def test_each_command_alone(untouched):
    assert [problem for command in COMMANDS if (problem := came_back(*untouched, [command]))] == []


@pytest.mark.long
def test_three_hundred_cases(untouched):
    assert tried(untouched, range(1000, 1300)) == []


def test_what_is_told_tells_most_commands_apart(untouched):
    """The look itself: if it saw nothing, the cases above would hold of any goto."""
    lab, then = untouched
    seen = 0
    for command in COMMANDS[::8]:
        lab["node1"].shell(f"{{ {command}; }} >&/dev/null", may_fail=True)
        seen += everything_told(lab["node1"]) != then
        lab.goto("done")
        until(lambda: everything_told(lab["node1"]) == then, 3)
    assert seen >= len(COMMANDS[::8]) - 2
