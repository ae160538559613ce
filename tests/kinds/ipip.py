"""Ipip; not made on any machine: tests/live/test_calico_ipip.py runs where the kernel has the module."""

from podnet_lab import ipip

NAME = "ipip0"
ADD = ipip.add(NAME, local="192.168.1.11", remote="192.168.1.12")


def UNIT(world):  # noqa: N802 - a table like the others
    bare = world.bare()
    made = world.do(bare, ipip.load())
    command = f"ip link add {NAME} type ipip local 192.168.1.11 remote 192.168.1.12"
    return [
        (ADD, command, bare, f"no interface is called {NAME}"),
        (ipip.load(), "modprobe ipip", bare, "no tunl0 is there"),
        (ipip.unload(), "modprobe -r ipip", made, "tunl0 is still there"),
    ]


EXAMPLES = {
    "ipip.add": [ADD],
    "ipip.remove": [ipip.remove(NAME)],
    "ipip.load": [ipip.load()],
    "ipip.unload": [ipip.unload()],
}
LIVE = {}
SCRIPT = []
