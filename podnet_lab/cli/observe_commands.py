"""Commands that look at a running lab, or try what it does, and change nothing."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from podnet_lab.cli.click_group import FAILED, NOT_TRIED
from podnet_lab.cli.options import StageName, everyone, joined, json_option, lab_option, names, nodes, planned

MOST_LINES = 40
"""Pairs that failed and are printed."""

sample_option = click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Try only N pairs of a big cluster.")
seed_option = click.option("--seed", default=0, show_default=True, help="What a sample is drawn with: the same draws the same pairs.")

tcp_option = click.option("--tcp", type=click.IntRange(1, 65535), metavar="PORT", help="A TCP connection to this port, not an echo.")
size_option = click.option(
    "--size", type=int, metavar="BYTES", help="An echo of so many bytes, IPv4 header included, which may not be cut."
)


def _person(name: str):
    return click.argument(name, metavar=name.upper(), shell_complete=names(everyone))


@click.command(short_help="do Kubernetes' rules hold? or what one stage is for")
@click.option("--stage", type=StageName(), help="Only what this stage of the lesson is for.")
@sample_option
@seed_option
@json_option
@lab_option
def check(stage: str | None, sample: int | None, seed: int, as_json: bool, lab_name: str | None) -> None:
    """
    Do Kubernetes' three rules for a Pod network hold? Tried between every ordered pair of Pods.

    \b
    podnet check
    podnet check --stage bridge       what a stage is for, whoever made it
    podnet check --sample 5000        of a big cluster
    podnet check --json | jq .ok
    """
    from podnet_lab.cli import json_output
    from podnet_lab.cli.output import progress, reached, say

    with joined(lab_name) as lab:
        if stage is not None:
            checks = lab.check(stage)
            say(f"{checks}\n{checks.summary}", as_json, json_output.checks(checks))
            sys.exit(0 if checks else FAILED)
        with progress("pairs") as tell:
            exam = lab.check(progress=tell, sample=sample, seed=seed)
    say(exam, as_json, json_output.exam(exam))
    sys.exit(0 if exam else (reached(exam.matrix) or NOT_TRIED) if exam.rules[0] else FAILED)


@click.command(short_help="who reaches whom")
@sample_option
@seed_option
@json_option
@lab_option
def matrix(sample: int | None, seed: int, as_json: bool, lab_name: str | None) -> None:
    """
    Who reaches whom? Every ordered pair of Pods is tried; for those that fail, what is known of it.

    \b
    podnet matrix
    podnet matrix --json | jq '.matrix[] | select(.verdict != "reached")'
    """
    from podnet_lab.checks.reachability import UNTOLD
    from podnet_lab.cli import json_output
    from podnet_lab.cli.output import progress, reached, say

    with joined(lab_name) as lab, progress("pairs") as tell:
        matrix = lab.matrix(tell, sample=sample, seed=seed)
    failures = [str(replace(ping, untold=False)) for ping in matrix.failures]
    more = [f"… and {len(failures) - MOST_LINES} more; --json lists all"] if len(failures) > MOST_LINES else []
    more += [UNTOLD] if any(ping.untold for ping in matrix) else []
    say("\n".join([str(matrix), *failures[:MOST_LINES], *more]), as_json, json_output.matrix(matrix))
    sys.exit(reached(matrix))


@click.command(short_help="why A does not reach B, with hints")
@_person("a")
@_person("b")
@click.option("--hint", type=click.IntRange(1, 3), help="Only a hint: a question (1), a place to look (2), or the command (3).")
@tcp_option
@size_option
@click.option("--no-probe", is_flag=True, help="Send nothing: without it, one echo is held against what is read.")
@json_option
@lab_option
def explain(
    a: str, b: str, hint: int | None, tcp: int | None, size: int | None, no_probe: bool, as_json: bool, lab_name: str | None
) -> None:
    """
    Why does an echo from A not arrive at B? Read off the kernels' own tables.

    \b
    podnet explain pod-1-2 pod-3-2
    podnet explain pod-1-2 pod-3-2 --hint 1
    podnet explain pod-1-2 10.96.0.20 --tcp 80
    podnet explain pod-1-2 pod-3-2 --size 1500

    A and B are Pods, nodes, `outside`, or addresses; B may be one that no Pod has, such as a Service's. The exit status is
    0 where nothing is in the way, 1 where something is, 3 where something could not be judged: what comes after that is not certain.
    """
    from podnet_lab.cli import json_output
    from podnet_lab.cli.output import say

    with joined(lab_name) as lab:
        explanation = lab.explain(a, b, tcp=tcp, size=size, probe=not no_probe)
    say(explanation if hint is None else explanation.hint(hint), as_json, json_output.explanation(explanation))
    sys.exit(0 if explanation else FAILED if explanation.cause is not None else NOT_TRIED)


@click.command(short_help="follow one packet over every interface")
@_person("a")
@_person("b")
@tcp_option
@size_option
@click.option("--save", type=click.Path(dir_okay=False), metavar="FILE", help="Write the frames down, as pcapng, for Wireshark.")
@json_option
@lab_option
def trace(a: str, b: str, tcp: int | None, size: int | None, save: str | None, as_json: bool, lab_name: str | None) -> None:
    """
    Follow one packet from A to B over every interface that it passes.

    \b
    podnet trace pod-1-2 pod-3-2
    podnet trace pod-1-2 10.96.0.20 --tcp 80
    podnet trace pod-1-2 pod-3-2 --size 1400 --save packet.pcapng

    B may also be an address that no Pod has, such as a Service's. The exit status is 1 where no answer comes back.
    """
    from podnet_lab.cli import json_output
    from podnet_lab.cli.output import say

    with joined(lab_name) as lab:
        trace = lab.trace(a, b, tcp=tcp, size=size)
    record = json_output.trace(trace)
    if save is not None:
        saved = trace.save(save)
        record["saved"] = save
        click.echo(saved, err=True)
    say(trace, as_json, record)
    sys.exit(0 if trace else FAILED)


@click.command(short_help="the cluster's wiring as a shell script or a program")
@click.argument("node", required=False, shell_complete=names(nodes))
@click.option("--language", type=click.Choice(["shell", "pyroute2"]), default="shell", show_default=True, help="For bash, or in Python.")
@lab_option
def script(node: str | None, language: str, lab_name: str | None) -> None:
    """
    Print the planned cluster's wiring as a shell script with only `ip` and `sysctl` in it, for NODE or for all.

    \b
    podnet script > cluster.sh       for all nodes; bash cluster.sh node1
    podnet script node2
    podnet script node2 --language pyroute2      the same as a program

    The plan is the running lab's; where no lab is running, the lesson's three nodes of two Pods.
    """
    from podnet_lab.recipes.scripts import script as as_script

    plan, network = planned(lab_name)
    click.echo(as_script(network.cluster(plan), node, language), nl=False)
