"""Solutions to the exercises of notebook 1."""

from podnet_lab.exercises.solution import Solution

SOLUTIONS = {
    "namespaces-1": Solution(
        right={
            "by hand": {"node3": "ip netns add red; ip -n red link set dev lo up"},
            "from inside": {"node3": "ip netns add pod; ip netns exec pod ip link set lo up"},
        },
        wrong={
            "on another node": {"node1": "ip netns add red; ip -n red link set dev lo up"},
            "the node's own loopback": {"node3": "ip netns add red; ip link set dev lo up"},
        },
    ),
    "namespaces-2": Solution(
        right={"by hand": {"node1": "ip -n green link del lost"}},
        wrong={"the namespace is gone, too": {"node1": "ip netns del green"}},
    ),
}
