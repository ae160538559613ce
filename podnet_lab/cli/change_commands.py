"""Commands that change a running lab."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from podnet_lab.cli.click_group import FAILED
from podnet_lab.cli.options import StageName, held, joined, json_option, lab_option, names, nodes, places, planned
from podnet_lab.errors import BadInput

if TYPE_CHECKING:
    from podnet_lab.networks.base import Network
    from podnet_lab.plan import Plan
    from podnet_lab.steps.base import Step


@click.command(short_help="run steps on nodes: applied, read back, judged")
@click.argument("step", nargs=-1)
@click.option("--node", "on", multiple=True, metavar="NODE", shell_complete=names(nodes), help="On which node; once for each of several.")
@click.option("--stage", type=StageName(), help="All steps of this stage of the lesson, on all nodes, or on each --node.")
@click.option("--dry-run", is_flag=True, help="Only print the commands.")
@json_option
@lab_option
def run(step: tuple[str, ...], on: tuple[str, ...], stage: str | None, dry_run: bool, as_json: bool, lab_name: str | None) -> None:
    """
    Run steps on nodes of a running lab: each is applied, read back and judged. If one does not work, none stays.

    \b
    podnet run --node node1 'bridge.add("v-net-0")' 'link.up("v-net-0")'
    podnet run 'node1: bridge.add("v-net-0")' 'node2: bridge.add("v-net-0")'
    podnet run 'lab["node1"].run(bridge.add("v-net-0"))'
    podnet run --stage veth
    podnet run --stage route --node node3 --dry-run

    A STEP is written as in the notebooks; single quotes around it keep it from the shell. To the notebook that has the
    lab open it is as typed by hand: its checks see it, `lab.undo()` there does not take it back.
    """
    from podnet_lab.cli import json_output, step_parser
    from podnet_lab.cli.output import say

    if bool(step) == (stage is not None):
        raise BadInput("say what to run: one STEP or more, or --stage")
    wanted = [(node, parsed) for node, steps in map(step_parser.read, step) for parsed in steps]  # what can't be right is told first
    if dry_run:
        lines = json_output.commands(_recipe(wanted, on, stage, *planned(lab_name)))
        say("\n".join(f"{line['node']}# {line['command']}" for line in lines), as_json, {"ok": True, "commands": lines})
        return
    with joined(lab_name) as lab:
        result = lab.run(_recipe(wanted, on, stage, lab.plan, lab.network))
    say(result, as_json, json_output.result(result))


def _recipe(
    wanted: Sequence[tuple[str | None, Step]], on: Sequence[str], stage: str | None, plan: Plan, network: Network
) -> dict[str, list[Step]]:
    """Steps by node: each on the node that it names, or else on those that --node names."""
    if stage is not None:
        return {node: network.steps(stage, plan[node], plan) for node in on or nodes(plan)}
    recipe: dict[str, list[Step]] = {}
    for target, step in wanted:
        if not (targets := [target] if target else on):
            raise BadInput(f"on which node? podnet run --node {plan.nodes[0].name} STEP, or '{plan.nodes[0].name}: STEP'")
        for node in targets:
            recipe.setdefault(node, []).append(step)
    return recipe


@click.command("by-hand", short_help="run a command on a node, and say what it did, as one would type it")
@click.argument("node", shell_complete=names(places))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@json_option
@lab_option
def by_hand(node: str, command: tuple[str, ...], as_json: bool, lab_name: str | None) -> None:
    """
    Run COMMAND on NODE of a running lab, and print by which commands a person would have done the same to the lab's nodes.

    \b
    podnet by-hand node1 -- ./somebodys-script.sh
    podnet by-hand node1 'ip netns add a; ip -n a link set lo up'
    podnet by-hand --json node1 ./a.sh | jq -r '.steps[].command'

    What the command prints goes to stderr. What changed and no step can say is named. The exit status is the command's.
    """
    import shlex

    from podnet_lab.cli import json_output
    from podnet_lab.cli.output import say

    with joined(lab_name) as lab:
        lab[node]
        before = lab.parts.handwriting.look(node)
        line = command[0] if len(command) == 1 else shlex.join(command)
        status = lab.shell(node, line, lambda _, data: (sys.stderr.buffer.write(data), sys.stderr.flush()))
        typed = lab.parts.handwriting.since(before)
    say(typed, as_json, json_output.by_hand(typed))
    sys.exit(status)


@click.command(short_help="bring all nodes back to how they were when new")
@click.option("--take-over", is_flag=True, help="Take the lab of VMs from the notebook that holds it.")
@json_option
@lab_option
def reset(take_over: bool, as_json: bool, lab_name: str | None) -> None:
    """
    Bring all nodes back to how they were when they were new, and list what that took away.

    What could not be brought back is named, and the exit status is 1.

    \b
    podnet reset
    podnet reset --take-over      the three VMs, from whoever has their lab open
    """
    from podnet_lab.cli.output import say

    with held(lab_name, take_over) as lab:
        result = lab.reset()
    record = {"ok": bool(result), "headline": result.headline, "undone": list(result.undone), "left": list(result.left)}
    say(result, as_json, record)
    sys.exit(0 if result else FAILED)
