"""Solutions to the exercises of notebook 5."""

from podnet_lab.exercises.solution import Solution

MASQUERADE = (
    "nft add table ip mine; nft 'add chain ip mine post {{ type nat hook postrouting priority 100 ; }}'; "
    "nft add rule ip mine post ip saddr {} masquerade"
)


def _end(here: int, there: int, forward: bool = True, back: bool = True) -> str:
    pods = "; ".join(f"ip -n pod-{here}-{n} route add default via 10.244.{here}.1" for n in (2, 3))
    on = "; sysctl -qw net.ipv4.ip_forward=1" if forward else ""
    return pods + on + (f"; ip route add 10.244.{there}.0/24 via 192.168.1.1{there}" if back else "")


SOLUTIONS = {
    "route-1": Solution(
        right={
            "one subnet": {"outside": "ip route add 10.244.2.0/24 via 192.168.1.12"},
            "everything that is not near": {"outside": "ip route add default via 192.168.1.12"},
        },
        wrong={
            "for one Pod alone": {"outside": "ip route add 10.244.2.2/32 via 192.168.1.12"},
            "a detour": {"outside": "ip route add 10.244.2.0/24 via 192.168.1.11"},
        },
    ),
    "route-2": Solution(
        right={"by hand": {"node1": _end(1, 2), "node2": _end(2, 1)}},
        wrong={
            "translated": {"node1": f"{_end(1, 2)}; {MASQUERADE.format('10.244.1.0/24')}", "node2": _end(2, 1, back=False)},
            "one way only": {"node1": _end(1, 2), "node2": _end(2, 1, back=False)},
            "one node does not forward": {"node1": _end(1, 2), "node2": _end(2, 1, forward=False)},
        },
    ),
    "route-3": Solution(
        right={
            "the long one deleted": {"node1": "ip route del 10.244.2.0/25 via 192.168.1.13"},
            "the long one set right": {"node1": "ip route replace 10.244.2.0/25 via 192.168.1.12"},
        },
        wrong={
            "the right route is gone": {"node1": "ip route del 10.244.2.0/24 via 192.168.1.12"},
            "node 3 closed": {"node3": "sysctl -qw net.ipv4.ip_forward=0"},
        },
    ),
}
