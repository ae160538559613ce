"""What did that do, by hand: typing what it says leads where the original led, whatever that was, and its undo leads back."""

import json
import os
import random
import shlex

import pytest

from live import hand_typed
from live.helpers import podnet, stable
from live.random_steps import accepted
from live.test_foreign import BUILD
from podnet_lab import Lab, recipes
from podnet_lab.jupyter.magic import node_magic
from podnet_lab.recipes.by_hand import ByHand
from podnet_lab.show import html

CASES = int(os.environ.get("PODNET_BY_HAND", "6"))
"""How many scripts are drawn at random; PODNET_BY_HAND=200 for a night."""

FIRST = int(os.environ.get("PODNET_BY_HAND_FIRST", "0"))


def rules(node) -> dict:
    """All that nftables holds on a node, but numbers that change by themselves."""
    own = node.snapshot().own.rules
    return {"objects": own.objects, "rules": own.rules}


def look(node) -> dict:
    """All of a node that is the same whenever the same was done."""
    return {**stable(node.snapshot()), "nft": rules(node)}


def retyped(lab, other, names=("node1",), since=None) -> ByHand:
    """Type on *other*, which is as *lab* was, what was done to that since; the same must come of it, and the way back lead back."""
    typed = lab.by_hand(since or lab.parts.core.baseline.snapshots)
    before = {name: look(other[name]) for name in names}
    steps = {name: typed.steps.get(name, []) for name in names}
    for name in names:
        other[name].shell(recipes.script(steps[name]))  # a command that is refused ends it
    for name in names:
        assert look(other[name]) == look(lab[name]), f"{typed}"
    for name in names:
        other[name].shell(recipes.script(typed.undo.get(name, [])))
        assert look(other[name]) == before[name], [step.command for step in typed.undo.get(name, [])]
    return typed


@pytest.fixture(scope="module")
def one():
    with Lab.open(nodes=1, pods=1, name="one", where="namespaces") as lab:
        yield lab


@pytest.fixture(scope="module")
def two():
    with Lab.open(nodes=1, pods=1, name="two", where="namespaces") as lab:
        yield lab


@pytest.fixture
def pair(one, two):
    one.reset(), two.reset()
    return one, two


def test_a_cable_that_was_made_moved_and_renamed_is_one_command(pair):
    pair[0]["node1"].shell("ip netns add a; ip link add x type veth peer name y; ip link set y netns a; ip -n a link set y name eth0")
    typed = retyped(*pair)
    assert [one.step.command for one in typed.typed] == ["ip netns add a", "ip link add name x type veth peer name eth0 netns a"]
    assert typed
    assert typed.records[1]["undo"] == ["ip link del dev x"]
    assert typed.records[1]["pyroute2"].startswith('ip.link("add", ifname="x", kind="veth"')


def test_what_no_step_says_is_named(pair):
    pair[0]["node1"].shell(
        "ip rule add from 10.9.0.1 table 5; ip -6 addr add fd00::1/64 dev eth0; ip link set eth0 txqueuelen 7; "
        "sysctl -qw net.ipv4.conf.eth0.arp_ignore=1; ip link add br0 type bridge; ip link set br0 alias note; sleep 100 >/dev/null 2>&1 & "
        "until grep -q sleep /proc/$!/comm; do :; done"
    )
    typed = pair[0].by_hand(pair[0].parts.core.baseline.snapshots)
    assert not typed
    assert [one.step.command for one in typed.typed] == ["ip link add br0 type bridge"]
    for words in (
        "policy rule",
        "fd00::1/64",
        "txqueuelen of eth0",
        "arp_ignore is '1'",
        "br0 has other names or notes: note",
        "sleep 100",
    ):
        assert [line for line in typed.unsaid if words in line], (words, typed.unsaid)
    assert len(typed.unsaid) == 6
    assert "what no step says" in str(typed)
    assert "sleep 100" in html.by_hand(typed)


def test_nothing_is_said_where_nothing_was_done(pair):
    typed = pair[0].by_hand(pair[0].snapshot())
    assert (str(typed), typed.typed, bool(typed)) == ("nothing has changed", (), True)


def test_the_lessons_stages(lab, other):
    for stage in recipes.STAGES:
        lab.run({node.name: recipes.stage(stage, node, lab.plan) for node in lab.plan.nodes})
    assert retyped(lab, other, [node.name for node in lab.plan.nodes])


def test_other_peoples_script(lab, other):
    lab["node1"].shell(BUILD.format(n=1))
    typed = retyped(lab, other)
    assert typed
    assert [one for one in typed.typed if "ip link add veth1 type veth peer name eth0 netns con1" in str(one)]


def test_flannels_stages():
    with Lab.open(name="flannel", network="flannel") as lab, Lab.open(name="typed", network="flannel") as other:
        for stage in lab.network.stage_names:
            since, names = lab.snapshot(), [node.name for node in lab.plan.nodes]
            lab.run({node.name: lab.network.steps(stage, node, lab.plan) for node in lab.plan.nodes})
            typed = lab.by_hand(since)
            for name in names:
                other[name].shell(recipes.script(typed.steps.get(name, [])))
                assert stable(other[name].snapshot()) == stable(lab[name].snapshot()), (stage, name)
            assert typed.unsaid == (), stage


def test_random_steps(pair):
    for part in accepted(pair[0]["node1"], random.Random(19), 60):  # noqa: S311 - the same each time
        assert part is not None
    retyped(*pair)


CNI = "/usr/lib/cni"
BRIDGE = {"cniVersion": "0.4.0", "name": "n", "type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": {"type": "host-local"}}
PTP = {"cniVersion": "0.4.0", "name": "p", "type": "ptp", "ipam": {"type": "host-local"}}


@pytest.mark.skipif(not os.path.exists(f"{CNI}/bridge"), reason="needs Debian's containernetworking-plugins")
@pytest.mark.parametrize("conf", [BRIDGE, PTP], ids=["bridge", "ptp"])
def test_cni_plugins(pair, conf):
    ipam = conf["ipam"] | {"subnet": "10.77.0.0/24", "dataDir": "/run/cni", "routes": [{"dst": "0.0.0.0/0"}]}
    call = f"CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=/run/netns/a CNI_IFNAME=eth0 CNI_PATH={CNI} {CNI}/{conf['type']}"
    pair[0]["node1"].shell(f"ip netns add a; echo {shlex.quote(json.dumps(conf | {'ipam': ipam}))} | {call}")
    typed = retyped(*pair)
    assert [one for one in typed.typed if "type veth peer name" in str(one)]
    assert [one for one in typed.typed if "ip -n a route add default via 10.77.0.1" in str(one)]


def test_a_cell_says_it(pair, capsys):
    typed = node_magic("node1 --by-hand --lab one", "ip netns add a; echo done")
    assert capsys.readouterr().out == "done\n"
    assert str(typed) == "node1# ip netns add a"


def test_the_program_says_it(pair):
    ran = podnet("by-hand", "--json", "--lab", "one", "node1", "--", "sh", "-c", "echo out; ip netns add a; exit 3", seconds=90)
    assert (ran.returncode, ran.stderr) == (3, "out\n")
    said = json.loads(ran.stdout)
    assert (said["ok"], [step["command"] for step in said["steps"]]) == (True, ["ip netns add a"])
    assert said["undo"] == [{"node": "node1", "command": "ip netns del a"}]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + CASES))
def test_whatever_somebody_types(pair, seed):
    rng = random.Random(seed)  # noqa: S311 - the same each time
    pair[0]["node1"].shell(hand_typed.script(rng, rng.randint(1, 25)), may_fail=True)
    assert retyped(*pair).unsaid == ()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + CASES))
def test_whatever_somebody_changes(pair, seed):
    rng = random.Random(f"changes {seed}")  # noqa: S311 - as above
    first, then = hand_typed.script(rng, 60), hand_typed.script(rng, rng.randint(1, 40))
    for lab in pair:
        lab["node1"].shell(first, may_fail=True)
    assert look(pair[0]["node1"]) == look(pair[1]["node1"])
    since = pair[0].snapshot()
    pair[0]["node1"].shell(then, may_fail=True)
    retyped(*pair, since=since)
