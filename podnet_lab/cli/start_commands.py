"""Commands that start something, or find out what there is."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from podnet_lab.cli.click_group import FAILED
from podnet_lab.cli.options import json_option, lab_option, names, networks, places
from podnet_lab.errors import CannotRun


@click.command(short_help="wire a whole cluster in a lab of its own, and check it")
@click.option("--nodes", default=3, show_default=True, help="How many nodes.")
@click.option("--pods", default=3, show_default=True, help="How many Pods on each.")
@click.option("--network", metavar="NAME", shell_complete=networks, help="Which Pod network; the lesson's own if none is named.")
@click.option("--privileged", is_flag=True, help="Of root: nodes on which root is this machine's own, for a network that needs that.")
@json_option
def demo(nodes: int, pods: int, network: str | None, privileged: bool, as_json: bool) -> None:
    """
    Wire a whole cluster in a lab of its own, stage by stage, and check it.

    \b
    podnet demo
    podnet demo --nodes 2 --pods 20 --json
    """
    from podnet_lab.cli.demo import play
    from podnet_lab.cli.output import paint, progress

    with progress("pairs") as tell:
        record = play(nodes, pods, (lambda _: None) if as_json else (lambda text: click.echo(paint(text))), tell, network, privileged)
    if as_json:
        click.echo(json.dumps(record, indent=1))
    sys.exit(0 if record["ok"] else FAILED)


@click.command(short_help="what this machine can do, and what to do otherwise")
@json_option
def doctor(as_json: bool) -> None:
    """
    Find out by trial what this machine can do, and say what to do otherwise.

    \b
    podnet doctor
    podnet doctor --json | jq '.findings[] | select(.problem)'
    """
    from podnet_lab.backends.doctor import examine
    from podnet_lab.cli.output import say

    report = examine()
    findings = [{key: getattr(finding, key) for key in ("name", "problem", "remedy", "needed")} for finding in report.findings]
    words = "this machine can run a lab" if report else "this machine can't run a lab; the lines with FAIL say why"
    say(f"{report}\n{words}", as_json, {"ok": bool(report), "findings": findings})
    sys.exit(0 if report else FAILED)


@click.command(short_help="list the running labs")
@json_option
def labs(as_json: bool) -> None:
    """
    List this user's running labs: what --lab calls each, name, notebook, owner's process, nodes.

    \b
    podnet labs
    podnet labs --json | jq -r '.labs[].name'
    """
    from podnet_lab.backends.running_labs import handles
    from podnet_lab.backends.running_labs import labs as running
    from podnet_lab.cli.output import say

    entries = [(entry, [name for name in entry.nodes if name not in ("lab", "outside")]) for entry in running()]
    called = handles([entry for entry, _ in entries])
    records = [
        {"name": entry.name, "called": name, "notebook": entry.notebook or None, "owner": entry.owner, "where": entry.where, "nodes": nodes}
        for name, (entry, nodes) in zip(called, entries, strict=True)
    ]
    text = "\n".join(f"{name}: {entry}: {', '.join(nodes)}" for name, (entry, nodes) in zip(called, entries, strict=True))
    say(text or "no lab is running", as_json, {"ok": True, "labs": records})


@click.command(short_help="a shell, or one command, on a node", context_settings={"ignore_unknown_options": True})
@lab_option
@click.argument("node", shell_complete=names(places))
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(node: str, lab_name: str | None, command: tuple[str, ...]) -> None:
    """
    Open a shell on NODE of a running lab, or run COMMAND there.

    \b
    podnet shell node1
    podnet shell node1 ip -br link
    podnet shell --lab 03_veth node2 'ip netns list; ip route'

    The shell lives in the node's namespaces: it ends with the lab. The exit status is the command's.
    """
    from podnet_lab.backends.enter import enter

    enter(node, lab_name, command)


@click.command(short_help="start JupyterLab on a folder of notebooks")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8888,
    show_default=True,
    help="Where to listen, on 127.0.0.1; the next free one if it is taken.",
)
@click.option("--ip", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all, inside a VM.")
@click.option("--browser/--no-browser", default=None, help="Whether to open a browser; the default is to, where there is a screen.")
def lab(folder: Path | None, port: int, ip: str, browser: bool | None) -> None:
    """
    Start JupyterLab on the notebooks in FOLDER (default: ./notebooks), if this machine can run a lab.

    \b
    podnet lab
    podnet lab my-notebooks --port 9999 --no-browser
    """
    from podnet_lab.backends import vms
    from podnet_lab.backends.doctor import examine
    from podnet_lab.jupyter.server import start

    if vms.here() is None:  # the other VMs may still be starting, and that is no reason to wait
        if not (report := examine()):
            raise CannotRun(f"this machine can't run a lab\n{report.failures}")
        click.echo("this machine can run a lab")
    seen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and not os.environ.get("CI")
    start(folder, port, seen if browser is None else browser, ip)


@click.command(short_help="copy fresh notebooks to a folder")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--one", metavar="NOTEBOOK", help="Only this one, by its number or the beginning of its name, such as 05.")
@click.option("--clear-outputs", is_flag=True, help="Without what the cells show, for whoever wants to predict it.")
def notebooks(folder: Path, one: str | None, clear_outputs: bool) -> None:
    """
    Copy fresh notebooks to DIR, which is made if need be. What is there already is never overwritten.

    \b
    podnet notebooks my-notebooks
    podnet notebooks my-notebooks --clear-outputs
    podnet notebooks spare --one 05        one that was spoiled
    podnet lab my-notebooks

    Fresh are those that came with the package, or, in a clone, those of its last commit. If a notebook of DIR is not as it came,
    nothing is copied: it may be your work. The fresh ones fit into another folder.
    """
    from podnet_lab.jupyter.notebooks import copy

    made = copy(folder, one, clear_outputs)
    there = f"nothing to do: {'it is' if one else 'they are'} in {folder} already"
    are = "notebook is" if len(made) == 1 else "notebooks are"
    click.echo(f"{len(made)} {are} in {folder}: {', '.join(made)}" if made else there)


@click.command(short_help="which exercises are solved, and in which notebook")
@json_option
def progress(as_json: bool) -> None:
    """
    Which exercises you have solved, by your own checks, and in which notebook.

    \b
    podnet progress
    podnet progress --json | jq .solved

    In a notebook: from podnet_lab.jupyter.notebooks import progress; progress()
    It is kept in your home (~/.local/state/podnet-lab), and stays when the labs have gone.
    """
    from dataclasses import asdict

    from podnet_lab.cli.output import say
    from podnet_lab.jupyter.notebooks import progress

    found = progress()
    tried = {name: asdict(found.tried[name]) for name in found.all if name in found.tried}
    record = {"ok": bool(found), "solved": found.solved, "all": found.all, "notebooks": found.notebooks, "tried": tried}
    say(found, as_json, record)
    sys.exit(0 if found else FAILED)


@click.command(short_help="what makes Tab complete commands, labs, nodes and Pods")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """
    Print what lets SHELL complete podnet's commands, labs, nodes and Pods when Tab is pressed.

    \b
    eval "$(podnet completion bash)"       # in ~/.bashrc
    eval "$(podnet completion zsh)"        # in ~/.zshrc
    podnet completion fish > ~/.config/fish/completions/podnet.fish
    """
    from click.shell_completion import get_completion_class

    program = context.find_root()
    click.echo(get_completion_class(shell)(program.command, {}, "podnet", "_PODNET_COMPLETE").source())
