"""Solutions to the exercises of notebook 4."""

from podnet_lab.exercises.solution import Solution

_ON = "for n in 2 3; do ip link set veth-1-$n-br up; ip -n pod-1-$n link set veth-1-$n up; ip -n pod-1-$n link set lo up; done; "


def _two(first: str, second: str) -> dict[str, str]:
    add = f"ip -n pod-1-2 addr add {first} dev veth-1-2; ip -n pod-1-3 addr add {second} dev veth-1-3"
    return {"node1": _ON + add}


SOLUTIONS = {
    "addr-1": Solution(
        right={"the next ones": _two("10.244.1.130/25", "10.244.1.131/25"), "the last ones": _two("10.244.1.254/25", "10.244.1.253/25")},
        wrong={
            "the same address twice": _two("10.244.1.130/25", "10.244.1.130/25"),
            "no prefix length": _two("10.244.1.130", "10.244.1.131"),
            "the planned addresses": _two("10.244.1.2/24", "10.244.1.3/24"),
            "too many neighbours": _two("10.244.1.130/24", "10.244.1.131/24"),
        },
    ),
    "addr-2": Solution(
        right={
            "the second moves": {
                "node2": "ip -n pod-2-3 addr del 10.244.2.2/24 dev veth-2-3; ip -n pod-2-3 addr add 10.244.2.3/24 dev veth-2-3"
            },
            "the first moves": {
                "node2": "ip -n pod-2-2 addr flush dev veth-2-2; ip -n pod-2-2 addr add 10.244.2.77/24 dev veth-2-2; "
                "ip neigh flush dev v-net-0"
            },
        },
        wrong={
            "the shared one has stayed": {"node2": "ip -n pod-2-3 addr add 10.244.2.3/24 dev veth-2-3"},
            "one has none now": {"node2": "ip -n pod-2-3 addr flush dev veth-2-3"},
        },
    ),
}
