"""The grammar of mischief draws from what a lab has, the same for the same seed, and nothing that leaves the lab."""

import random

import pytest
from live.mischief.every_shape import MAKERS, shape_of
from live.mischief.grammar import TABLE, WEIGHTS, Command, command
from live.mischief.grammar.draw import Draw
from live.mischief.scene import Device, Scene, Space

SYSCTLS = ("net/ipv4/ip_forward", "net/ipv4/conf/eth0/rp_filter", "net/ipv4/neigh/eth0/mcast_solicit", "net/bridge/bridge-nf-call-iptables")
BRIDGE = Device("br0", "bridge", "02:00:00:00:01:01", ("10.1.1.1/24",), "")
CABLE = Device("vp1", "veth", "02:00:00:00:01:02", (), "br0")
NODE = Space("node1", "", (Device("eth0", "veth", "02:00:00:00:01:03", ("192.168.1.11/24",), ""), BRIDGE, CABLE), SYSCTLS)
POD = Space("node1", "p1", (Device("eth0", "veth", "02:00:00:00:01:04", ("10.1.1.2/24",), ""),), SYSCTLS)
SCENE = Scene((NODE, POD))
EVERYWHERE = {"node1": 1, "node1/p1": 1}


def drawn(seed: int) -> list[Command]:
    rng = random.Random(seed)  # noqa: S311 - no secret
    return [command(rng, SCENE, EVERYWHERE, ("10.1.1.2",)) for _ in range(300)]


@pytest.mark.parametrize("space", [NODE, POD], ids=["node", "pod"])
@pytest.mark.parametrize("program", sorted(TABLE))
def test_every_production_begins_with_its_program(program, space):
    for one in TABLE[program]:
        for seed in range(20):
            text = one(Draw(random.Random(seed), SCENE, space, ("10.1.1.2",)))  # noqa: S311 - no secret
            assert text.split()[0].startswith(program.split()[0]), text
            assert not any(f"{word}(" in text or "None" in text or "<function" in text for word in ("lambda", "pick")), text


def test_every_program_is_typed_at_some_time_and_no_other():
    assert set(WEIGHTS) == set(TABLE)
    assert {one.program for seed in range(4) for one in drawn(seed)} == set(TABLE)


def test_the_same_seed_draws_the_same_and_another_does_not():
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_nothing_is_typed_that_leaves_the_lab():
    for one in drawn(3):
        assert " netns 1" not in one.text
        assert "/proc" not in one.text
        assert "timeout 10 " in one.script


def test_what_is_about_somebody_names_them_more_often():
    often = sum("10.1.1.2" in one.text for one in drawn(5))
    rng = random.Random(5)  # noqa: S311 - no secret
    seldom = sum("10.1.1.2" in command(rng, SCENE, EVERYWHERE).text for _ in range(300))
    assert often > seldom


def test_there_are_eight_shapes_whose_ends_have_addresses_of_their_own():
    shapes = [shape_of(seed) for seed in range(len(MAKERS) * 7)]
    assert len({shape.name for shape in shapes}) >= 9  # eight, and the long line
    for shape in shapes:
        addresses = [end.address for end in shape.ends]
        assert len(addresses) == len(set(addresses)), shape.name
        assert len(shape.pairs()) > 3
