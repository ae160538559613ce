"""The whole lesson in one go: every stage's commands, its checks, then the exam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from podnet_lab.cli import json_output
from podnet_lab.errors import BadInput
from podnet_lab.lab.lab import Lab
from podnet_lab.lab.ping_pairs import Progress
from podnet_lab.networks.base import Network, Stage
from podnet_lab.recipes.shortcuts import shortcut
from podnet_lab.steps.base import Recipe

MOST_LINES = 150
"""Commands of one stage that are printed; of more, only the first node's."""

MOST_CHECKS = 60
"""Verdicts of one stage that are printed; of more, only those that do not hold."""

MANY_PODS = 10
"""From this many Pods on, cables are made in place: moving each costs the kernel ten times the rest."""


def play(
    nodes: int,
    pods: int,
    say: Callable[[str], None],
    progress: Progress | None = None,
    network: str | Network | None = None,
    privileged: bool = False,
) -> dict[str, Any]:
    """Wire *nodes* × *pods* stage by stage, telling *say*; returns the same as data, with ``ok`` for all of it."""
    if nodes < 2 or pods < 2:
        raise BadInput("the rules are about Pods that reach each other, on one node and on two: at least 2 nodes of 2 Pods")
    with Lab.open(nodes=nodes, pods=pods, name="demo", network=network, privileged=privileged) as lab:
        say(f"{nodes} nodes on 192.168.1.0/24, each a set of Linux namespaces of this machine; {pods} Pods to come on each")
        stages = [_stage(lab, stage, number, say) for number, stage in enumerate(lab.network.stages, 1)]
        say("\nWho reaches whom, tried with ICMP between every ordered pair:\n")
        exam = lab.check(progress=progress)
        say(f"{exam.matrix}\n\nWhat Kubernetes expects of a Pod network:\n\n{exam.rules}")
    ok = bool(exam) and all(check["ok"] for stage in stages for check in stage["checks"])
    say("\neverything holds" if ok else "\nnot everything holds")
    return {
        "ok": ok,
        "nodes": nodes,
        "pods": pods,
        "stages": stages,
        "rules": [json_output.check(rule) for rule in exam.rules],
        **(json_output.matrix(exam.matrix) | {"ok": ok}),
    }


def _stage(lab: Lab, stage: Stage, number: int, say: Callable[[str], None]) -> dict[str, Any]:
    recipe = {node.name: stage.steps(node, lab.plan) for node in lab.plan.nodes}
    if lab.plan.pods_per_node >= MANY_PODS:
        recipe = {node: shortcut(steps) for node, steps in recipe.items()}
    say(f"\nStage {number}: {stage.title}\n")
    _commands(recipe, say)
    lab.run(recipe)
    checks = lab.check(stage.name)
    say("")
    for check in checks if len(checks) <= MOST_CHECKS else [check for check in checks if not check]:
        say(f"  {check}")
    say(f"  {checks.summary}")
    commands = {node: [step.command for step in steps] for node, steps in recipe.items()}
    return {"stage": stage.name, "commands": commands, "checks": [json_output.check(check) for check in checks]}


def _commands(recipe: Recipe, say: Callable[[str], None]) -> None:
    short = sum(map(len, recipe.values())) > MOST_LINES
    for number, (node, steps) in enumerate(recipe.items()):
        if short and number:
            say(f"  {node}# … {len(steps)} commands of the same kind")
            continue
        for step in steps[:MOST_LINES]:
            say(f"  {node}# {step.command}")
        if len(steps) > MOST_LINES:
            say(f"  {node}# … and {len(steps) - MOST_LINES} more")
