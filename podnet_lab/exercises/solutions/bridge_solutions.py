"""Solutions to the exercises of notebook 2."""

from podnet_lab.exercises.solution import Solution


def _bridge(name: str, address: str, up: bool = True) -> str:
    on = f"ip link set dev {name} up; " if up else ""
    return f"ip link add {name} type bridge; {on}ip addr add {address} dev {name}"


SOLUTIONS = {
    "bridge-1": Solution(
        right={
            "a /23": {"node2": _bridge("v-net-0", "10.244.16.1/23")},
            "a /20 by another name": {"node2": _bridge("switch", "10.244.47.254/20")},
        },
        wrong={
            "too small": {"node2": _bridge("v-net-0", "10.244.2.1/24")},
            "into a neighbour's range": {"node2": _bridge("v-net-0", "10.244.2.1/23")},
            "not switched on": {"node2": _bridge("v-net-0", "10.244.16.1/23", up=False)},
        },
    ),
    "bridge-2": Solution(
        right={
            "two halves": {"node1": f"{_bridge('red', '10.244.1.1/25')}; {_bridge('blue', '10.244.1.129/25')}"},
            "two ranges": {"node1": f"{_bridge('v-net-0', '10.244.1.1/24')}; {_bridge('v-net-1', '10.244.4.1/24')}"},
        },
        wrong={
            "the same subnet twice": {"node1": f"{_bridge('red', '10.244.1.1/24')}; {_bridge('blue', '10.244.1.2/24')}"},
            "one is not switched on": {"node1": f"{_bridge('red', '10.244.1.1/25')}; {_bridge('blue', '10.244.1.129/25', up=False)}"},
        },
    ),
}
