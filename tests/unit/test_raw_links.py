"""An interface of a kind that nobody has written: its command says what it can, and what it can't is named."""

from podnet_lab.devices.nlattr import attribute
from podnet_lab.devices.raw import AddRawLink

KIND = attribute(1, b"gre\0")


def test_what_the_command_can_not_say_is_named():
    settings = (KIND + attribute(2, attribute(4, b"\0\0\0\7"))).hex()
    step = AddRawLink("gre7", "gre", settings, "c0:a8:01:0b", 1476, namespace="a")

    assert step.command == "ip -n a link add gre7 mtu 1476 type gre # with the settings that it had"
    assert step.unsaid == "the settings of gre7 in a, a gre"


def test_a_kind_without_settings_leaves_nothing_unsaid():
    step = AddRawLink("d0", "dummy", KIND.hex(), "02:00:00:00:00:07", 1500)

    assert step.command == "ip link add d0 address 02:00:00:00:00:07 type dummy"
    assert step.unsaid == ""
