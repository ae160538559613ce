"""
``podnet``: a thin door to the library, for a terminal.

Exit statuses: 0 all is well; 1 a check does not hold, or what was asked for failed; 2 the command line is wrong.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from podnet_lab import __version__
from podnet_lab.errors import LabHeld, PodnetError
from podnet_lab.grading.commands import grade, prove


class _Group(click.Group):
    """Tells a user's errors in one line, not as a traceback."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except PodnetError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="podnet")
def main() -> None:
    """Kubernetes Pod networking, wired by hand and verified live."""


@main.command()
@click.option("--nodes", default=3, show_default=True, help="How many nodes.")
@click.option("--pods", default=3, show_default=True, help="How many Pods on each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def demo(nodes: int, pods: int, as_json: bool) -> None:
    """Wire a whole cluster, stage by stage, and check it; exit status 0 only if everything holds."""
    from podnet_lab.demo import play

    said = play(nodes, pods, (lambda _: None) if as_json else click.echo)
    if as_json:
        click.echo(json.dumps(said, indent=1))
    sys.exit(0 if said["ok"] else 1)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def doctor(as_json: bool) -> None:
    """Find out by trial what this machine can do, and say what to do otherwise."""
    from podnet_lab.lab.doctor import examine

    found = examine()
    if as_json:
        findings = [{"name": one.name, "problem": one.problem, "remedy": one.remedy, "needed": one.needed} for one in found.findings]
        click.echo(json.dumps({"ok": bool(found), "findings": findings}, indent=1))
    else:
        click.echo(found)
        click.echo("this machine can run a lab" if found else "this machine can't run a lab; the lines with FAIL say why")
    sys.exit(0 if found else 1)


@main.command()
@click.option("--take-over", is_flag=True, help="Take the lab from the notebook that holds it.")
def reset(take_over: bool) -> None:
    """Bring the lab's three VMs back to how they were when they were new, and list what that took away."""
    from podnet_lab.lab import vms
    from podnet_lab.lab.lab import Lab

    if vms.here() is None:
        raise click.ClickException("this is not one of the lab's VMs; a lab on one machine is reset in its own notebook: lab.reset()")
    try:
        lab = Lab.open(name="reset", take_over=take_over)
    except LabHeld as held:
        raise click.ClickException(f"{str(held).partition(':')[0]}; podnet reset --take-over takes it from there") from held
    with lab:
        click.echo(lab.reset())


@main.command()
def labs() -> None:
    """List this user's running labs."""
    from podnet_lab.lab.runtime import labs as running

    found = running()
    for entry in found:
        click.echo(f"{entry}: {', '.join(name for name in entry.nodes if name != 'lab')}")
    if not found:
        click.echo("no lab is running")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--lab", "lab_name", help="Which lab, by its name, its notebook or its owner's process number, if several are running.")
@click.argument("node")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(node: str, lab_name: str | None, command: tuple[str, ...]) -> None:
    """
    Open a shell on NODE of a running lab, or run COMMAND there.

    \b
    podnet shell node1
    podnet shell node1 ip -br link
    podnet shell --lab 03_veth node2 'ip netns list; ip route'

    The shell lives in the node's namespaces: it ends with the lab.
    """
    from podnet_lab.lab.join import enter

    enter(node, lab_name, command)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option("--port", default=8888, show_default=True, help="Where to listen, on 127.0.0.1; the next free one if it is taken.")
@click.option("--ip", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all, inside a VM.")
@click.option("--browser/--no-browser", default=None, help="Whether to open a browser; the default is to, where there is a screen.")
def lab(folder: Path | None, port: int, ip: str, browser: bool | None) -> None:
    """Start JupyterLab on the notebooks in FOLDER (default: ./notebooks), if this machine can run a lab."""
    from podnet_lab.jupyterlab import start
    from podnet_lab.lab import vms
    from podnet_lab.lab.doctor import examine

    if vms.here() is None:  # the other VMs may still be starting, and that is no reason to wait
        if not (found := examine()):
            raise click.ClickException(f"this machine can't run a lab\n{found.failures}")
        click.echo("this machine can run a lab")
    seen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and not os.environ.get("CI")
    start(folder, port, seen if browser is None else browser, ip)


for command in (grade, prove):
    main.add_command(command)
