"""Solutions to the exercises of notebook 11."""

from __future__ import annotations

from collections.abc import Callable

from podnet_lab.exercises.calico_exercises import CONF, READ_AGAIN, SEND_AGAIN
from podnet_lab.exercises.solution import Solution
from podnet_lab.exercises.task import Task

_END = "end=$(ip -o link | grep -o 'cali[0-9a-f]*@.*netns pod-2-3' | cut -d @ -f 1)"
_ANSWER = "sysctl -w net/ipv4/conf/$end/proxy_arp=1"
_ROUTE = "ip route add 10.244.2.3 dev $end"


def _on_node2(*typed: str) -> dict[str, str]:
    return {"node2": "; ".join([_END, *typed])}


def _edited(*changes: str, node: str = "node3", read: bool = True) -> dict[str, str]:
    edit = f"sed -i {' '.join(f'-e {chr(39)}{change}{chr(39)}' for change in changes)} {CONF}"
    return {node: f"{edit}; {READ_AGAIN}; {SEND_AGAIN}" if read else edit}


def _others(what: Callable[[Task, str], str]) -> Callable[[Task], dict[str, str]]:
    return lambda task: {node: what(task, node) for node in ("node1", "node2")}


def _ways(task: Task) -> dict[str, str]:
    """Every node's routes to every other one's block, as the lesson's network has them."""
    nodes = task.lab.plan.nodes
    return {
        here.name: "; ".join(f"ip route replace {there.subnet} via {there.external.ip}" for there in nodes if there is not here)
        for here in nodes
    }


_STATIC, _FILTER = r"s|route 10.244.1.0/26 blackhole;|& route 10.244.1.64/26 blackhole;|", r"s|10.244.1.0/26 \]|10.244.1.0/26, {} ]|"
_BLOCK = _FILTER.format("10.244.1.64/26")
_ALL_OF_NODE1 = _FILTER.format("10.244.1.64/26+")

SOLUTIONS = {
    "calico-1": Solution(
        right={
            "an answer, and a route": _on_node2(_ANSWER, _ROUTE),
            "the setting's file, and a route of scope link": _on_node2(
                "echo 1 > /proc/sys/net/ipv4/conf/$end/proxy_arp", f"{_ROUTE} scope link"
            ),
        },
        wrong={
            "somebody has the gateway": _on_node2("ip addr add 169.254.1.1/32 dev $end", _ROUTE),
            "written down": _on_node2("ip -n pod-2-3 neigh replace 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent", _ROUTE),
            "the route alone": _on_node2(_ROUTE),
            "the answer alone": _on_node2(_ANSWER),
        },
    ),
    "calico-2": Solution(
        right={
            "the number, read again": _edited("s/local as 64600/local as 64512/"),
            "the number, and BIRD anew": {
                "node3": f"sed -i 's/local as 64600/local as 64512/' {CONF}; kill -HUP $(cat {CONF.replace('bird.conf', 'pid')})"
            },
        },
        wrong={
            "the others give in": lambda task: (
                _edited("s/13 as 64512/13 as 64600/", node="node1") | _edited("s/13 as 64512/13 as 64600/", node="node2")
            ),
            "not read again": _edited("s/local as 64600/local as 64512/", read=False),
            "a route by hand": _ways,
        },
    ),
    "calico-3": Solution(
        right={"a route of static, and the filter": _edited(_STATIC, _BLOCK, node="node1")},
        wrong={
            "the Pod alone": _edited(_STATIC, _ALL_OF_NODE1, node="node1"),
            "known and not told": _edited(_STATIC, node="node1"),
            "a route by hand": _others(lambda task, node: "ip route add 10.244.1.64/26 via 192.168.1.11"),
        },
    ),
}
