"""Solutions to the exercises of notebook 10."""

from __future__ import annotations

import re
from collections.abc import Callable

from podnet_lab.exercises.flannel_exercises import NEW_MAC
from podnet_lab.exercises.solution import Solution
from podnet_lab.exercises.task import Task
from podnet_lab.networks.flannel.names import TUNNEL


def _mac(task: Task, node: str, dev: str = TUNNEL) -> str:
    return task.lab.snapshot()[node].own.links[dev].mac


def _three(task: Task, of: str, dev: str = TUNNEL) -> str:
    """What another node has to know of *of*."""
    node, mac = task.lab.plan[of], _mac(task, of, dev or task.lab.plan[of].uplink)
    gateway = node.subnet.network_address
    return (
        f"ip neigh add {gateway} lladdr {mac} nud permanent dev {TUNNEL}; bridge fdb append {mac} dev {TUNNEL} dst {node.external.ip}; "
        f"ip route add {node.subnet} via {gateway} dev {TUNNEL} onlink"
    )


def _introduced(at_others: bool = True, dev: str = TUNNEL) -> Callable[[Task], dict[str, str]]:
    def work(task: Task) -> dict[str, str]:
        typed = {"node3": "; ".join(_three(task, other, dev) for other in ("node1", "node2"))}
        return typed | ({other: _three(task, "node3", dev) for other in ("node1", "node2")} if at_others else {})

    return work


def _without_gateways(task: Task) -> dict[str, str]:
    """All entries, and routes without a gateway: as for neighbours on a cable."""
    return {node: re.sub(rf"via \S+ dev {TUNNEL} onlink", f"dev {TUNNEL}", typed) for node, typed in _introduced()(task).items()}


def _directly(task: Task) -> dict[str, str]:
    return {here: f"ip route replace {task.lab.plan[there].subnet} via {task.lab.plan[there].external.ip}" for here, there in _PAIRS}


_OLD = ("node1", "node2")
_PAIRS = (("node1", "node2"), ("node2", "node1"))


def _forgotten(task: Task, here: str, there: str) -> str:
    node, mac = task.lab.plan[there], _mac(task, there)
    return f"bridge fdb del {mac} dev {TUNNEL} dst {node.external.ip}; ip neigh del {node.subnet.network_address} dev {TUNNEL}"


def _direct(*nodes: str) -> Callable[[Task], dict[str, str]]:
    return lambda task: {
        here: f"{_directly(task)[here]}; {_forgotten(task, here, there)}" for here, there in _PAIRS if not nodes or here in nodes
    }


def _all_direct(task: Task) -> dict[str, str]:
    nodes = task.lab.plan.nodes
    return {
        here.name: "; ".join(f"ip route replace {there.subnet} via {there.external.ip}" for there in nodes if there is not here)
        for here in nodes
    }


def _renewed(neighbour: bool = True, table: bool = True, forget: bool = True) -> Callable[[Task], dict[str, str]]:
    """What node1 and node2 do about the new MAC; the one that they had is asked of their own table."""
    host = "192.168.1.13"
    old = f"$(bridge fdb show dev {TUNNEL} | grep 'dst {host} ' | cut -d ' ' -f 1 | grep -v {NEW_MAC})"
    typed = [f"ip neigh replace 10.244.3.0 lladdr {NEW_MAC} nud permanent dev {TUNNEL}"] if neighbour else []
    if table:
        typed += [f"bridge fdb del {old} dev {TUNNEL} dst {host}"] if forget else []
        typed += [f"bridge fdb append {NEW_MAC} dev {TUNNEL} dst {host}"]
    return lambda task: {node: "; ".join(typed) for node in ("node1", "node2")}


SOLUTIONS = {
    "flannel-1": Solution(
        right={"three entries in four places": _introduced()},
        wrong={
            "the wrong MAC": _introduced(dev=""),
            "past the tunnel": lambda task: {
                "node3": "; ".join(f"ip route add {task.lab.plan[other].subnet} via {task.lab.plan[other].external.ip}" for other in _OLD),
                **dict.fromkeys(_OLD, "ip route add 10.244.3.0/24 via 192.168.1.13"),
            },
            "no gateway": _without_gateways,
            "one end alone": _introduced(at_others=False),
        },
    ),
    "flannel-2": Solution(
        right={"both tables": _renewed()},
        wrong={
            "the neighbour alone": _renewed(table=False),
            "the table alone": _renewed(neighbour=False),
            "the old one is left": _renewed(forget=False),
        },
    ),
    "flannel-3": Solution(
        right={"both ways": _direct()},
        wrong={"one way alone": _direct("node1"), "all of them": _all_direct},
    ),
}
