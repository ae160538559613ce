"""Steps where it gets hard: names that are taken, bad input, names that a shell would run, side effects to take back."""

import contextlib
import shutil
import subprocess

import pytest
import world

from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.errors import BadInput
from podnet_lab.lab.journal import Entry
from podnet_lab.model import Route
from podnet_lab.plan import plan
from podnet_lab.steps import address, forwarding, namespace, neighbour, route

BASH = shutil.which("bash")
BARE = world.bare()
WIRED = world.wired(plan())["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
UNROUTED = world.do(BARE, route.blackhole("10.244.2.0/24"))


@pytest.mark.parametrize(
    ("step", "before", "words"),
    [
        (bridge.add("eth0"), BARE, "eth0 is a veth interface"),
        (veth.add("v-net-0", peer="other"), WIRED, "v-net-0 is a bridge interface"),
        (veth.add("new", peer="v-net-0"), WIRED, "v-net-0 is a bridge interface"),
        (veth.add(END, peer="other"), WIRED, f"{END} is the end of another cable, whose other end is {CABLE} in {POD}"),
        (veth.add("eth0", peer="other"), BARE, "eth0 is the end of another cable, whose other end is somewhere out of sight"),
        (route.add("10.244.2.0/24", via="192.168.1.13"), WIRED, "the route is 10.244.2.0/24 via 192.168.1.12 dev eth0"),
        (route.add("default", via="10.244.1.3", namespace=POD), WIRED, f"the route in {POD} is default via 10.244.1.1 dev {CABLE}"),
        (route.add("10.244.2.0/24", via="192.168.1.12"), UNROUTED, "the route is blackhole 10.244.2.0/24"),
        (route.blackhole("10.244.2.0/24"), WIRED, "the route is 10.244.2.0/24 via 192.168.1.12 dev eth0"),
    ],
)
def test_a_taken_name_is_a_conflict_that_says_what_takes_it(step, before, words):
    assert step.conflict(before) == words
    assert step.contradiction(before) is not None
    with pytest.raises(OSError, match="File exists"):
        world.do(before, step)


def test_a_contradiction_names_the_missing_namespace_first():
    for step in (link.up("lo", namespace="gone"), address.add("10.0.0.1/8", dev="x", namespace="gone"), forwarding.on("gone")):
        assert step.contradiction(BARE) == "no namespace is called gone"
    assert route.add("default", via="10.0.0.1", namespace="gone").contradiction(BARE) == "no namespace is called gone"
    assert veth.move("x", to="gone").contradiction(BARE) == "no namespace is called gone"


LONG = "a" * 16


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: namespace.add("a/b"),
        lambda: namespace.remove(""),
        lambda: bridge.add(LONG),
        lambda: bridge.remove("a/b"),
        lambda: link.up(LONG),
        lambda: link.down("lo", namespace="../lo"),
        lambda: link.remove("a b"),
        lambda: link.change("v-net-0"),
        lambda: link.change("v-net-0", mtu=67),
        lambda: link.change("v-net-0", mtu=65536),
        lambda: link.change("v-net-0", mtu="1400"),
        lambda: link.change("v-net-0", mtu=1400.5),
        lambda: link.change("v-net-0", mac="01:00:00:00:00:01"),
        lambda: link.change("v-net-0", mac="nonsense"),
        lambda: link.change("v-net-0", mac=7),
        lambda: veth.add("same", peer="same"),
        lambda: veth.add(LONG, peer="b"),
        lambda: veth.add("a", peer=LONG),
        lambda: veth.add("a", peer="b", peer_namespace="a/b"),
        lambda: veth.move("a", to=None),
        lambda: veth.move("a", to=POD, namespace=POD),
        lambda: veth.move("a/b", to=POD),
        lambda: veth.plug("a", into=LONG),
        lambda: veth.unplug("a/b"),
        lambda: address.add("10.244.1.1", dev="v-net-0"),
        lambda: address.add("10.244.1.0/24", dev="v-net-0"),
        lambda: address.add("10.244.1.1/24", dev=LONG),
        lambda: address.remove("10.244.1.1/24", dev="v-net-0", namespace="a/b"),
        lambda: route.add("10.244.2.0/24"),
        lambda: route.add("10.244.2.1/24", via="192.168.1.12"),
        lambda: route.add("10.244.2.0/24", via="192.168.1.12/24"),
        lambda: route.add("10.244.2.0/24", via="node2"),
        lambda: route.add("10.244.2.0/24", dev=LONG),
        lambda: route.remove("everything"),
        lambda: route.blackhole("10.0.0.1/8"),
        lambda: forwarding.on("a/b"),
        lambda: forwarding.setting("v-net-0", "tcp_ecn", 1),
        lambda: forwarding.setting("v-net-0", "forwarding", 2),
        lambda: forwarding.setting("v-net-0", "rp_filter", "1"),
        lambda: forwarding.setting("../all", "rp_filter", 1),
        lambda: neighbour.add("10.244.1.1", "nonsense", dev="v-net-0"),
        lambda: neighbour.add("10.244.1.1", "$(reboot)", dev="v-net-0"),
        lambda: neighbour.add("10.244.1.1", None, dev="v-net-0"),
        lambda: neighbour.add("10.244.1.0/24", "02:00:00:00:00:01", dev="v-net-0"),
    ],
)
def test_bad_input_is_refused_when_the_step_is_made(wrong):
    with pytest.raises(BadInput):
        wrong()


def named(evil):
    """Steps for every place where an interface's name is printed; none if such a name is refused at once."""
    with contextlib.suppress(BadInput):
        return [
            bridge.add(evil),
            link.up(evil),
            link.change(evil, mtu=1400),
            link.remove(evil),
            veth.add(evil, peer="b"),
            veth.add("b", peer=evil),
            veth.move(evil, to=POD),
            veth.plug(evil, into="b"),
            veth.plug("b", into=evil),
            veth.unplug(evil),
            address.add("10.0.0.1/8", dev=evil),
            address.remove("10.0.0.1/8", dev=evil),
            route.add("10.0.0.0/8", dev=evil),
            neighbour.add("10.0.0.1", "02:00:00:00:00:01", dev=evil),
            neighbour.remove("10.0.0.1", dev=evil),
            forwarding.setting(evil, "rp_filter", 1),
        ]
    return []


@pytest.mark.parametrize("evil", ["$(id)", "a;id", "`id`", "a&id", "a|id", "a'b", 'a"b', "*", "a>b", "#a", "~", "a\\b", "$HOME", "{a,b}"])
def test_no_name_reaches_a_shell_unquoted(evil, tmp_path):
    (tmp_path / "x").touch()  # something for a * to find
    frame = 'ip() { printf \'<%s>\' "$@"; echo; }; sysctl() { ip "$@"; }\n'
    for step in named(evil):
        script = frame + step.command
        said = subprocess.run([BASH, "-c", script], cwd=tmp_path, env={"PATH": "/nonexistent"}, capture_output=True, text=True, check=False)
        assert f"<{evil}>" in said.stdout or f"<net/ipv4/conf/{evil}/rp_filter=1>" in said.stdout, step.command
        assert len(said.stdout.splitlines()) == 1
        assert said.stderr == ""


def undone(before, step):
    after = world.do(before, step)
    return world.plain(world.do(after, *Entry({after.node: [step]}, {after.node: before}, {after.node: after}).inverse()[after.node]))


def test_undoing_down_gives_back_the_routes_that_went_with_it():
    assert undone(WIRED, link.down(CABLE, namespace=POD)) == world.plain(WIRED)
    assert undone(WIRED, link.down("eth0")) == world.plain(WIRED)


def test_undoing_the_removal_of_an_address_gives_back_what_went_with_it():
    second = world.do(WIRED, address.add("10.244.1.250/24", dev="v-net-0"))
    assert undone(second, address.remove("10.244.1.1/24", dev="v-net-0")) == world.plain(second)
    assert undone(WIRED, address.remove("192.168.1.11/24", dev="eth0")) == world.plain(WIRED)


def test_undoing_a_move_gives_back_what_the_kernel_reset():
    used = world.do(BARE, namespace.add(POD), bridge.add("br"), veth.add("a", peer="b"), veth.plug("a", into="br"), link.up("a"))
    used = world.do(used, address.add("10.9.0.1/24", dev="a"), route.add("10.8.0.0/24", via="10.9.0.2"))
    assert undone(used, veth.move("a", to=POD)) == world.plain(used)


def test_undoing_forwarding_gives_back_the_interfaces_that_had_their_own():
    mixed = world.do(WIRED, forwarding.setting("eth0", "forwarding", 0))
    assert undone(mixed, forwarding.off()) == world.plain(mixed)
    assert undone(mixed, forwarding.setting("all", "forwarding", 0)) == world.plain(mixed)


def test_undoing_the_removal_of_a_thing_gives_back_its_settings():
    pod = world.do(WIRED, forwarding.on(POD), link.change(CABLE, POD, arp=False, mtu=1400))
    assert undone(pod, namespace.remove(POD)) == world.plain(pod)
    assert undone(pod, veth.remove(END)) == world.plain(pod)
    kept = world.do(WIRED, forwarding.setting("v-net-0", "rp_filter", 1))
    assert undone(kept, bridge.remove("v-net-0")) == world.plain(kept)


def test_undoing_a_hand_written_neighbour_gives_back_the_one_before():
    first = world.do(WIRED, neighbour.add("10.244.1.1", "02:00:00:00:00:01", dev=CABLE, namespace=POD))
    again = neighbour.add("10.244.1.1", "02:00:00:00:00:02", dev=CABLE, namespace=POD)
    assert undone(first, again) == world.plain(first)


def test_a_route_that_is_there_with_a_metric_is_not_gone():
    far = world.with_space(BARE, None, routes=(*BARE.own.routes, Route(route.DEFAULT, world.ip("192.168.1.1"), "eth0", metric=100)))
    assert route.remove("default").contradiction(far) is not None
