"""Vxlan."""

from live.helpers import UPLINK

from podnet_lab import link, namespace, neighbour, route, vxlan

NAME, REMOTE, MAC = "flannel.1", "192.168.1.12", "02:00:00:00:00:02"
ADD = vxlan.add(NAME, 1, local="192.168.1.11", dev=UPLINK, port=8472, learning=False)
APPEND = vxlan.fdb_append(MAC, REMOTE, dev=NAME)


def UNIT(world):  # noqa: N802 - a table like the others
    bare = world.bare()
    made = world.do(bare, ADD)
    filled = world.do(made, APPEND)
    return [
        (
            ADD,
            f"ip link add {NAME} type vxlan id 1 dev {UPLINK} local 192.168.1.11 dstport 8472 nolearning",
            bare,
            f"no interface is called {NAME}",
        ),
        (
            vxlan.add("vx", 7, remote=REMOTE),
            "ip link add vx type vxlan id 7 remote 192.168.1.12 dstport 4789",
            bare,
            "no interface is called vx",
        ),
        (APPEND, f"bridge fdb append {MAC} dev {NAME} dst {REMOTE}", made, f"{NAME} does not look for {MAC} at {REMOTE}"),
        (
            vxlan.fdb_append("00:00:00:00:00:00", "192.168.1.13", dev=NAME),
            f"bridge fdb append 00:00:00:00:00:00 dev {NAME} dst 192.168.1.13",
            filled,
            f"{NAME} does not look for 00:00:00:00:00:00 at 192.168.1.13",
        ),
        (vxlan.fdb_remove(MAC, REMOTE, dev=NAME), f"bridge fdb del {MAC} dev {NAME} dst {REMOTE}", filled, "still looks for"),
    ]


EXAMPLES = {
    "vxlan.add": [ADD],
    "vxlan.fdb_append": [APPEND],
    "vxlan.fdb_remove": [vxlan.fdb_remove(MAC, REMOTE, dev=NAME)],
    "vxlan.remove": [vxlan.remove(NAME)],
}

LIVE = {
    "vxlan.add": ([], ADD),
    "vxlan.add in a Pod": ([], vxlan.add("vx", 7, remote="10.244.1.1", namespace="pod-1-2")),
    "vxlan.add with a group": ([], vxlan.add("vx", 8, dev=UPLINK, remote="239.1.1.1")),
    "vxlan.remove": ([ADD, link.up(NAME), APPEND], vxlan.remove(NAME)),
    "vxlan.remove of one with a remote": ([vxlan.add("vx", 7, remote=REMOTE)], vxlan.remove("vx")),
    "vxlan.remove with neighbour and route": (
        [ADD, link.up(NAME), APPEND, neighbour.add("10.9.0.0", MAC, dev=NAME), route.add("10.9.0.0/24", dev=NAME)],
        vxlan.remove(NAME),
    ),
    "vxlan.remove of one with its own MAC and MTU": ([ADD, link.change(NAME, mac=MAC, mtu=1300)], vxlan.remove(NAME)),
    "vxlan.fdb_append": ([ADD], APPEND),
    "vxlan.fdb_append of a second remote": ([ADD, APPEND], vxlan.fdb_append(MAC.replace("2", "0"), "192.168.1.13", dev=NAME)),
    "vxlan.fdb_remove": ([ADD, APPEND], vxlan.fdb_remove(MAC, REMOTE, dev=NAME)),
    "link.change of a vxlan": ([ADD], link.change(NAME, mtu=1400)),
    "namespace.remove with a vxlan in it": ([vxlan.add("vx", 7, remote="10.244.1.1", namespace="pod-1-3")], namespace.remove("pod-1-3")),
}

SCRIPT = [
    ADD,
    link.change(NAME, mac="02:00:00:00:00:11"),
    link.up(NAME),
    APPEND,
    vxlan.fdb_append("00:00:00:00:00:00", "192.168.1.12", dev=NAME),
    vxlan.fdb_append("00:00:00:00:00:00", "192.168.1.13", dev=NAME),
    vxlan.fdb_append("02:00:00:00:00:03", "192.168.1.13", dev=NAME),
    vxlan.fdb_remove("02:00:00:00:00:03", "192.168.1.13", dev=NAME),
    vxlan.add("up", 9, remote="10.50.0.9", namespace="p1"),
    vxlan.fdb_append(MAC, "10.50.0.8", dev="up", namespace="p1"),
]
