"""Solutions to the exercises of notebook 3."""

from podnet_lab.exercises.solution import Solution

_UP = "ip -n pod-1-2 link set dev left up; ip -n pod-1-3 link set dev right up"

SOLUTIONS = {
    "veth-1": Solution(
        right={
            "made and moved": {
                "node1": "ip link add left type veth peer name right; "
                f"ip link set left netns pod-1-2; ip link set right netns pod-1-3; {_UP}"
            },
            "made in place": {"node1": f"ip -n pod-1-2 link add left type veth peer name right netns pod-1-3; {_UP}"},
        },
        wrong={
            "by way of the bridge": {
                "node1": "for n in 2 3; do ip link add port-$n type veth peer name eth0 netns pod-1-$n; "
                "ip link set port-$n master v-net-0 up; ip -n pod-1-$n link set eth0 up; done"
            },
            "one end is left on the node": {"node1": "ip link add left type veth peer name right; ip link set left netns pod-1-2"},
            "both ends are left on the node": {"node1": "ip link add left type veth peer name right; ip link set left up"},
        },
    ),
    "veth-2": Solution(
        right={"by hand": {"node2": "ip link set port-a nomaster"}},
        wrong={
            "the other cable": {"node2": "ip link set port-b nomaster"},
            "the cable is deleted": {"node2": "ip link del port-a"},
        },
    ),
}
