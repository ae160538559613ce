"""Names and command lines that somebody made by hand, of any bytes: they forge no line, colour no terminal, and end no lab."""

import json
import re
from pathlib import Path

import pytest

from live.helpers import VMS, until
from live.lab_facade import processes
from podnet_lab import Lab, bridge, link
from podnet_lab.errors import BadInput, LabError, LabGone

BRIDGE, CABLE, END, POD = r"a\xffb", r"e\x1b[31m", r"w\x01\\", r"pod\x0aok    all is well"

MAKE = rf"""set -e
ip link add $'{BRIDGE}' type bridge
ip link set $'{BRIDGE}' up
ip link add $'{CABLE}' type veth peer name $'{END}'
ip netns add $'{POD}'
ip netns add $'u\u2028v'
ip link set $'{END}' netns $'{POD}'
ip link set $'{CABLE}' master v-net-0 up
ip -n $'{POD}' link set $'{END}' up
ip -n $'{POD}' addr add 10.244.1.77/24 dev $'{END}'
ip -n $'{POD}' route add default via 10.244.1.1
exec -a $'evil\nok all is well' sleep 620 < /dev/null > /dev/null 2>&1 &
"""


@pytest.fixture
def hostile(wired):
    wired["node1"].shell(MAKE)
    until(
        lambda: [one for one in wired["node1"].snapshot().processes if str(one).startswith("$'evil")], what="the process under its own name"
    )
    return wired


def plain(shown):
    """The lines of what is shown; that all of it can be printed, and encoded."""
    lines = str(shown).encode().decode().split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.startswith(("ok    all", "ok all"))] == []
    return lines


def test_they_are_read_and_shown_on_lines_of_their_own(hostile):
    seen = hostile.snapshot("node1")["node1"]
    assert POD in seen.spaces
    assert {BRIDGE, CABLE} <= seen.own.links.keys()
    assert seen.own.links[CABLE].peer == (POD, END)
    for shown in (repr(seen), hostile.matrix(), hostile.check(), hostile.check("veth"), hostile.ping(POD, "pod-2-2")):
        plain(shown)
    explained = hostile.explain(POD, "pod-2-2")
    assert explained, explained
    plain(explained)
    assert [line for line in plain(hostile.trace(POD, "pod-2-2")) if CABLE in line]
    pictures = hostile.topology()._repr_mimebundle_()
    assert json.dumps(pictures, ensure_ascii=False).encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028\ud800-\udfff]", json.dumps(pictures, ensure_ascii=False))


def test_what_is_reported_can_be_given_back(hostile):
    node = hostile["node1"]
    node.run(link.down(BRIDGE))
    assert not node.snapshot().own.links[BRIDGE].up
    hostile.undo()
    node.run(link.down("a\udcffb"))  # as Python reads it from the system
    assert not node.snapshot().own.links[BRIDGE].up
    assert "state" in node.shell("ip link show a\udcffb")
    node.run(bridge.remove(BRIDGE))
    hostile.undo()
    assert BRIDGE in node.snapshot().own.links
    hostile.remove_pod(POD)
    assert POD not in node.snapshot().spaces


def test_the_way_back_names_them_and_leaves_nothing(hostile):
    lines = plain(hostile.reset())
    assert rf"  node1# ip netns del $'{POD}'" in lines
    assert r"  node1# (ended: $'evil\x0aok all is well' 620)" in lines
    assert hostile.reset().undone == ()


@pytest.mark.parametrize("script", [Path("/bin/true"), "a\ud800", "echo a\0b", 7, None, b"true"], ids=ascii)
def test_what_no_bash_can_read_ends_one_call(lab, script):
    with pytest.raises(BadInput):
        lab["node1"].shell(script)
    assert lab["node1"].shell("hostname") == "node1\n"
    assert lab.snapshot("node2")


def test_a_script_may_be_long(lab):
    text = "y" * 79 + "\n"
    assert lab["node1"].shell(f"cat <<'END' | wc -c\n{text * 5000}END") == f"{len(text) * 5000}\n"


def test_a_script_keeps_its_lines_and_has_no_descriptor_more(lab):
    assert lab["node1"].shell("cd /proc/$$/fd; echo *") == "0 1 2 3\n"  # 3 is that of the look itself
    assert lab["node1"].shell("cat <<END\nlast\nEND") == "last\n"


@pytest.mark.skipif(VMS, reason="a VM's agent is another machine's process")
def test_where_no_bash_can_be_started_that_is_said_and_the_node_lives():
    with Lab.open(nodes=2, pods=1, name="limited", where="namespaces") as lab:
        # By another node's agent: it is whose the first one's is, and all of them count processes alike.
        limit = f"prlimit --pid {processes(lab)['node1']['pid']} --nofile"
        before = lab["node2"].shell(f"{limit} --output SOFT --noheadings").strip()
        lab["node2"].shell(f"{limit}=3:")
        with pytest.raises(LabError, match=r"node1: bash could not be started: .*Too many open files") as refused:
            lab["node1"].shell("true")
        assert not isinstance(refused.value, LabGone)
        lab["node2"].shell(f"{limit}={before}:")
        assert lab["node1"].shell("hostname") == "node1\n"
