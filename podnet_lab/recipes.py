"""
Steps in order: a Pod, a node, a cluster, a stage of the lesson; and the same work as a shell script.

Pure. What the steps of one recipe do to each other is told in effects.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from podnet_lab.errors import BadInput
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps import Step, address, bridge, forwarding, link, namespace, route, veth
from podnet_lab.steps.veth import AddVeth, MoveVeth

STAGES = ("namespaces", "bridge", "veth", "addr", "route")
"""The stages of the lesson, in order."""

Recipe = Mapping[str, Sequence[Step]]
"""Steps for each node, by its name."""


def stage(name: str, node: Node, plan: Plan) -> list[Step]:
    """What one stage does on one node, as the lesson does it: cables are made, then moved."""
    pods = node.pods(plan.pods_per_node)
    match name:
        case "namespaces":
            return [namespace.add(pod.name) for pod in pods]
        case "bridge":
            return [bridge.add(node.bridge), link.up(node.bridge), address.add(node.gateway, dev=node.bridge)]
        case "veth":
            return [step for pod in pods for step in _cable(pod, node)]
        case "addr":
            return [step for pod in pods for step in _address(pod)]
        case "route":
            return [*(_default(pod, node) for pod in pods), forwarding.on(), *_others(node, plan)]
        case _:
            raise BadInput(f"no stage is called {name!r}; there are {', '.join(STAGES)}")


def _cable(pod: Pod, node: Node) -> list[Step]:
    return [veth.add(pod.veth, peer=pod.bridge_end), veth.move(pod.veth, to=pod.name), veth.plug(pod.bridge_end, into=node.bridge)]


def _address(pod: Pod) -> list[Step]:
    return [
        address.add(pod.address, dev=pod.veth, namespace=pod.name),
        link.up(pod.bridge_end),
        link.up(pod.veth, namespace=pod.name),
        link.up("lo", namespace=pod.name),
    ]


def _default(pod: Pod, node: Node) -> Step:
    return route.add("default", via=node.gateway.ip, namespace=pod.name)


def _others(node: Node, plan: Plan) -> list[Step]:
    return [route.add(other.subnet, via=other.external.ip) for other in plan.nodes if other.name != node.name]


def pod(pod: Pod, node: Node) -> list[Step]:
    """All that one Pod needs, with the cable's end made in place: moving it costs the kernel ten times the rest."""
    return [
        namespace.add(pod.name),
        veth.add(pod.bridge_end, peer=pod.veth, peer_namespace=pod.name),
        veth.plug(pod.bridge_end, into=node.bridge),
        *_address(pod),
        _default(pod, node),
    ]


def node(node: Node, plan: Plan) -> list[Step]:
    """All that one node needs: its bridge, its Pods, its routes to the others' Pods."""
    pods = [step for one in node.pods(plan.pods_per_node) for step in pod(one, node)]
    return [*stage("bridge", node, plan), *pods, forwarding.on(), *_others(node, plan)]


def cluster(plan: Plan) -> dict[str, list[Step]]:
    """The whole cluster as one recipe."""
    return {one.name: node(one, plan) for one in plan.nodes}


def before(stage_name: str, plan: Plan) -> dict[str, list[Step]]:
    """What the stages before *stage_name* do, node by node; "done" is after all of them, and where "services" begins."""
    known = (*STAGES, "done", "services")
    if stage_name not in known:
        raise BadInput(f"no stage is called {stage_name!r}; there are {', '.join(known)}")
    earlier = STAGES[: known.index(stage_name)]
    return {one.name: [step for name in earlier for step in stage(name, one, plan)] for one in plan.nodes}


def shortcut(steps: Iterable[Step]) -> list[Step]:
    """The same steps with each cable's end made in place, where it is moved later; the kernel ends up the same."""
    steps = list(steps)
    moves = {step.name: step for step in steps if isinstance(step, MoveVeth) and step.namespace is None}
    made = {name for name, move in moves.items() if _made_to_move(steps, move)}
    short: list[Step] = []
    for step in steps:
        if isinstance(step, AddVeth) and step.name in made:
            continue
        if isinstance(step, MoveVeth) and step.name in made:
            other = next(one.peer for one in steps if isinstance(one, AddVeth) and one.name == step.name)
            short.append(AddVeth(other, step.name, step.to))
        else:
            short.append(step)
    return short


def _made_to_move(steps: Sequence[Step], move: MoveVeth) -> bool:
    """Whether the cable is made by these steps, and neither end is used before it is moved."""
    until = steps[: steps.index(move)]
    made = next((step for step in until if isinstance(step, AddVeth) and (step.name, step.peer_namespace) == (move.name, None)), None)
    if made is None:
        return False
    between = until[until.index(made) + 1 :]
    return not {key[2] for step in between for key in step.touches() if len(key) > 2 and key[1] is None} & {made.name, made.peer}


def script(recipe: Recipe | Sequence[Step], node: str | None = None) -> str:
    """
    The same work as a shell script with only ``ip`` and ``sysctl`` in it, for bash.

    With steps for several nodes, the script is for *node*, or has one part for each, chosen by its first argument.
    """
    if not isinstance(recipe, Mapping):
        return _lines(recipe)
    if node is not None:
        if node not in recipe:
            raise BadInput(f"this recipe has nothing for {node!r}; it has {', '.join(recipe)}")
        return _lines(recipe[node])
    parts = "\n".join(f"{shlex.quote(name)})\n{_commands(steps)}\n;;" for name, steps in recipe.items())
    return _FOR_ALL.format(parts=parts, question=shlex.quote(f"which node? {', '.join(recipe)}"))


_FOR_ALL = """\
#!/bin/bash
# Run it on each node, as root, with the node's name: bash cluster.sh node1
set -e
case "$1" in
{parts}
*)
echo {question} >&2
exit 2
;;
esac
"""


def _lines(steps: Sequence[Step]) -> str:
    return f"#!/bin/bash\nset -e\n{_commands(steps)}\n"


def _commands(steps: Sequence[Step]) -> str:
    return "\n".join(step.command for step in steps)
