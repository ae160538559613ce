"""Macvlan."""

from live.helpers import UPLINK

from podnet_lab import address, link, macvlan, namespace

POD = "pod-1-2"
HERE = macvlan.add("macvlan0", UPLINK)
THERE = macvlan.add("net1", UPLINK, namespace=POD)


def UNIT(world):  # noqa: N802 - a table like the others
    bare = world.bare()
    podded = world.do(bare, namespace.add(POD))
    command = f"ip link add net1 link eth0 netns {POD} type macvlan mode bridge"
    return [
        (HERE, "ip link add macvlan0 link eth0 type macvlan mode bridge", bare, "no interface is called macvlan0"),
        (macvlan.add("m", UPLINK, mode="vepa"), "ip link add name m link eth0 type macvlan mode vepa", bare, "no interface is called m"),
        (THERE, command, podded, f"no interface is called net1 in {POD}"),
    ]


EXAMPLES = {
    "macvlan.add": [HERE, THERE],
    "macvlan.remove": [macvlan.remove("macvlan0"), macvlan.remove("net1", namespace=POD)],
}

LIVE = {
    "macvlan.add": ([], HERE),
    "macvlan.add in a Pod": ([], THERE),
    "macvlan.add, private": ([], macvlan.add("m", UPLINK, mode="private")),
    "macvlan.remove": ([HERE, link.up("macvlan0"), address.add("192.168.1.50/24", dev="macvlan0")], macvlan.remove("macvlan0")),
    "macvlan.remove in a Pod": (
        [THERE, link.change("net1", namespace=POD, mac="02:00:00:00:00:77", mtu=1400), link.up("net1", namespace=POD)],
        macvlan.remove("net1", namespace=POD),
    ),
    "link.move of a macvlan": ([HERE], link.move("macvlan0", to=POD)),
    "namespace.remove with a macvlan in it": ([THERE], namespace.remove(POD)),
}

SCRIPT = [
    macvlan.add("mv0", UPLINK),
    macvlan.add("mv1", UPLINK, namespace="p1"),
    macvlan.add("type", UPLINK, namespace="p2", mode="private"),
    link.change("mv1", namespace="p1", mac="02:00:00:00:00:78"),
    link.up("mv1", namespace="p1"),
    link.move("mv0", to="p2"),
    macvlan.remove("type", namespace="p2"),
]
