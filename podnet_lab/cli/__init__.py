"""
``podnet``: a thin door to the library, for a terminal.

What a command needs is imported when it runs: ``podnet --help``, and each press of Tab, is to take no time.
"""

from __future__ import annotations

import os

import click

from podnet_lab import __version__
from podnet_lab.cli import change_commands, cluster_commands, kubernetes_commands, observe_commands, start_commands
from podnet_lab.cli.click_group import Group
from podnet_lab.grading.commands import grade, new_exercise, prove

EPILOG = """\b
Exit status:
  0    what was asked for holds
  1    it does not: a check fails, a step was refused, a Pod is not reached
  2    what was typed can't be right: an option, a step, a name
  3    it could not be tried: no lab runs, or this machine can't run one
  130  interrupted

Colours are for a terminal; NO_COLOR=1 switches them off. `podnet COMMAND --help` shows examples.
"""


def _colours(environment: os._Environment | dict[str, str] = os.environ) -> bool | None:
    """Whether to use colours: what https://no-color.org and force-color.org say; None leaves it to whether it is a terminal."""
    if environment.get("NO_COLOR"):
        return False
    return True if environment.get("FORCE_COLOR") else None


@click.group(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="podnet")
@click.pass_context
def main(context: click.Context) -> None:
    """
    Kubernetes Pod networking, wired by hand and verified live.

    \b
    podnet demo                      the whole lesson in the terminal, in a second
    podnet notebooks my-notebooks    fresh notebooks, and
    podnet lab my-notebooks          JupyterLab on them
    podnet check                     does the cluster of the open notebook work?
    podnet explain pod-1-2 pod-3-2   why not?

    Most commands work on the running lab of an open notebook.
    """
    context.color = _colours()


main.add_section(
    "Start",
    start_commands.lab,
    start_commands.notebooks,
    start_commands.progress,
    start_commands.demo,
    start_commands.doctor,
    start_commands.labs,
    start_commands.completion,
)
main.add_section(
    "Look at a running lab",
    observe_commands.check,
    observe_commands.matrix,
    observe_commands.explain,
    observe_commands.trace,
    observe_commands.script,
)
main.add_section(
    "Work in a running lab",
    start_commands.shell,
    change_commands.run,
    change_commands.by_hand,
    change_commands.reset,
    kubernetes_commands.kubernetes,
)
main.add_section("Teach", grade, prove, new_exercise)
main.add_section("Beyond the lab", cluster_commands.cni_manifest)
