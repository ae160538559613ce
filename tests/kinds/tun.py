"""TUN devices; not made on any machine: tests/live/test_calico_ipip.py makes them where /dev/net/tun may be had."""

from podnet_lab import namespace, tun

NAME, POD = "tunl0", "pod-1-2"
ADD = tun.add(NAME)


def UNIT(world):  # noqa: N802 - a table like the others
    bare = world.bare()
    podded = world.do(bare, namespace.add(POD))
    inside = f"ip -n {POD} tuntap add dev tap0 mode tap"
    return [
        (ADD, f"ip tuntap add dev {NAME} mode tun", bare, f"no interface is called {NAME}"),
        (tun.add("tap0", "tap", POD), inside, podded, f"no interface is called tap0 in {POD}"),
    ]


EXAMPLES = {"tun.add": [ADD], "tun.remove": [tun.remove(NAME)]}
LIVE = {}
SCRIPT = []
