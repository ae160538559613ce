"""State that no step manages: how it is told apart, and told; what it takes on a kernel is in tests/live/test_goto_mischief.py."""

import struct

import pytest
import world

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.devices import link
from podnet_lab.devices.nlattr import attribute
from podnet_lab.kernel import replay, unmanaged_state
from podnet_lab.kernel.unmanaged import legacy_tables, netfilter, others, queues
from podnet_lab.kernel.unmanaged.base import Kind
from podnet_lab.lab.reset import Goto, Reset, arrived, came_back, failing_checks
from podnet_lab.networks import registry as networks
from podnet_lab.plan import plan

NUMBERS = {"eth0": 7, "eth1": 8}


def test_what_is_gone_there_or_other_is_told():
    kind = Kind()
    kind.name = "thing"
    now, then = {"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5}
    assert kind.left(now, then) == ["thing a is there", "thing c is not as it was", "thing d is gone"]
    assert kind.left(then, then) == []


def test_every_kind_tells_a_difference_and_none_where_there_is_none(monkeypatch):
    """What `restore` returns where kinds can't be brought back."""

    class Stubborn(Kind):
        name = "thing"

        def read(self, look):
            return {"a": 1}

        def restore(self, look, now, then):
            return []

    monkeypatch.setattr(unmanaged_state, "KINDS", {"things": Stubborn(), "others": Stubborn()})
    assert unmanaged_state.restore({"things": {}}) == {"undone": [], "left": ["thing a is there"]}
    assert unmanaged_state.restore({"things": {"a": 1}}) == {"undone": [], "left": []}
    assert unmanaged_state.restore({}) == {"undone": [], "left": []}, "what an older baseline does not know is left alone"


SAVED = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:MINE - [0:0]\n-A FORWARD -j MINE\nCOMMIT\n"


def test_rules_of_the_older_iptables_are_emptied():
    assert legacy_tables._emptied(SAVED) == "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("# Generated\n*filter\n:INPUT ACCEPT [3:9]\nCOMMIT\n", ""),
        ("*filter\n:INPUT DROP [3:9]\nCOMMIT\n", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"),
        ("*filter\n:INPUT ACCEPT [3:9]\n-A INPUT -j DROP\nCOMMIT\n", "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n"),
    ],
)
def test_tables_that_only_accept_say_nothing(monkeypatch, printed, expected):
    monkeypatch.setattr(legacy_tables, "run", lambda *words: type("Done", (), {"stdout": printed}))
    assert legacy_tables._saved("iptables-legacy") == expected


def test_a_discipline_that_an_older_version_stored_without_options_is_the_same():
    now = {"eth0": [["fq", 1, 2, "0a"]]}
    left = queues.Queues().left
    assert left(now, {"eth0": [["fq", 1, 2]]}) == left(now, {"eth0": [["fq", 1, 2, "0a"]]}) == left(now, {}) == []
    words = ["the queueing disciplines of eth0 are not as they were"]
    assert left(now, {"eth0": [["fq", 1, 2, "0b"]]}) == left(now, {"eth0": [["tbf", 1, 2]]}) == left(now, {"eth0": []}) == words


def test_tables_are_compared_whatever_a_file_made_of_their_pairs():
    tables = netfilter.Tables()
    assert tables.left([(2, "t")], [[2, "t"]]) == []
    assert tables.left([(2, "t")], []) == ["the nft table ip t is there"]
    assert tables.left([], [[2, "t"]]) == ["the nft table ip t is gone"]


def test_settings_that_came_with_a_module_go_back_to_what_a_new_namespace_has(monkeypatch):
    monkeypatch.setattr(others, "_defaults", lambda paths: dict.fromkeys(paths, "9"))
    monkeypatch.setattr(others, "_values", lambda paths: {})
    settings = others.Settings()
    now = {"ipv4/ttl": "64", "netfilter/late": "1", "ipv4/conf/br0/forwarding": "1"}
    assert settings._wanted(now, {"ipv4/ttl": "64"}) == {"ipv4/ttl": "64", "netfilter/late": "9"}
    assert settings.left(now, {"ipv4/ttl": "64"}) == ["sysctl net/netfilter/late is '1', not '9'"]


def route(*parts):
    return bytes(12) + b"".join(attribute(kind, value) for kind, value in parts)


def test_a_route_is_made_again_over_the_interface_of_that_name():
    """A route has its interface by number, and one that was made anew has another."""
    body = route((1, b"\x0a\x09\x00\x00"), (4, struct.pack("=I", 3)))
    text = replay.of_route(None, body, {4: struct.pack("=I", 3)}, {3: "eth0"})
    assert text == f"{body.hex()} 3=eth0"
    assert replay.route(text, NUMBERS.__getitem__) == route((1, b"\x0a\x09\x00\x00"), (4, struct.pack("=I", 7)))
    assert replay.route(body.hex(), NUMBERS.__getitem__) == body, "a usual one names none"


def test_so_is_one_of_several_ways():
    def ways(*numbers):
        return b"".join(struct.pack("=HBBI", 16, 0, 0, number) + attribute(5, b"\x0a\0\0\1") for number in numbers)

    body = route((9, ways(3, 4)))
    text = replay.of_route(None, body, {9: ways(3, 4)}, {3: "eth0", 4: "eth1"})
    assert replay.route(text, NUMBERS.__getitem__) == route((9, ways(7, 8)))


def test_an_address_too():
    body = struct.pack("=BBBBI", 2, 24, 0, 0, 3) + attribute(2, b"\x0a\0\0\1")
    assert replay.address(replay.of_address(body, "eth1"), NUMBERS.__getitem__) == body[:4] + struct.pack("=I", 8) + body[8:]


@pytest.mark.parametrize(
    ("stage", "left", "failing", "words"),
    [
        ("done", (), (), "the lab is wired"),
        ("veth", (), (), "the lab is ready for stage 'veth'"),
        ("done", ("x",), (), "the lab was built to be wired, but for what is left"),
        ("veth", ("x",), (), "the lab was built to be ready for stage 'veth', but for what is left"),
        ("done", (), ("y",), "the lab was built as far as stage 'done', and it does not work"),
        ("done", ("x",), ("y",), "the lab was built as far as stage 'done', and it does not work"),
    ],
)
def test_a_lab_is_called_wired_only_where_it_is(stage, left, failing, words):
    goto = Goto(arrived(stage, left, failing), ("z",), left, None, failing)
    assert goto.headline == words
    assert bool(goto) == (not left and not failing)
    assert [line in str(goto) for line in ("could not be brought back:\n  x", "what does not hold:\n  y")] == [bool(left), bool(failing)]


def test_what_does_not_hold_of_the_stages_before_is_told():
    network, wired = networks.find("static_routes"), world.wired(plan(2, 2))
    assert failing_checks(network, "done", wired, 2) == ()
    broken = {**wired, "node1": world.do(wired["node1"], link.down("v-net-0"))}
    assert [line for line in failing_checks(network, "done", broken, 2) if "v-net-0 is down" in line]
    assert failing_checks(network, "bridge", broken, 2) == (), "a later stage's checks are not asked"
    bare = {name: world.bare() for name in wired}
    assert failing_checks(network, "veth", bare, 2)
    assert failing_checks(network, "done", bare, 0) == (), "a lab that is planned without Pods"


def test_a_reset_says_what_is_left():
    assert [came_back(*both) for both in (((), ()), (("z",), ()), ((), ("x",)))] == [
        "nothing to do: the lab is as it was opened",
        "the lab is as it was opened",
        "the lab is as it was opened, but for what is left",
    ]
    assert str(Reset("so", (), ("x",))) == "so\ncould not be brought back:\n  x"
    assert not Reset("so", (), ("x",))
