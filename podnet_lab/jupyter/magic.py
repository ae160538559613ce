"""
What a notebook gets when a lab is opened in it: pictures for results, and the cell magic ``%%node``.
"""

from __future__ import annotations

import codecs
import re
import shlex
import sys
from typing import TYPE_CHECKING

from podnet_lab.errors import BadInput, NoLab, ShellFailed
from podnet_lab.name_suggestions import did_you_mean, no_such

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab
    from podnet_lab.recipes.by_hand import ByHand

OPTIONS = ("--lab", "--may-fail", "--keep", "--by-hand")

USAGE = "%%node NAME [--lab LAB] [--may-fail] [--keep] [--by-hand]"

LOST = re.compile(r"(cd|pushd|export|declare|alias|source|\.)\s[^;&|]*|\w+=[^\s;&|]*")
"""A last line that does nothing, if the next cell is a fresh bash."""

NO_LAB = "no lab is open in this notebook, or its kernel was restarted: run the cell with `lab = Lab.open()` first"

_NOT_FOUND = 127
"""bash's exit status where a command does not exist."""

WHOSE = "Debian's packages: `ip` and `bridge` are in iproute2, `ping` in iputils-ping (`lab.ping` needs none), `ifconfig` in net-tools"
"""What is said of it: the programs that are typed first."""


def load_ipython_extension(shell) -> None:
    """Teach a kernel of `podnet lab` at its start the cell magic alone: it says that no lab is open, and costs nothing."""
    shell.register_magic_function(node_magic, "cell", "node")


def install() -> None:
    """Teach the running IPython; without one, do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or getattr(shell, "_podnet_lab", False):
        return
    shell.register_magic_function(node_magic, "cell", "node")
    _formatters(shell)
    shell._podnet_lab = True


def _formatters(shell) -> None:
    from podnet_lab.checks.check import Check, Checks
    from podnet_lab.checks.exam import Exam
    from podnet_lab.checks.reachability import Matrix, Ping
    from podnet_lab.exercises.exercise import Assessment
    from podnet_lab.exercises.task import Task
    from podnet_lab.packets.trace import Trace
    from podnet_lab.recipes.by_hand import ByHand
    from podnet_lab.recipes.results import Result
    from podnet_lab.show import heatmap, html

    formatters = shell.display_formatter.formatters
    drawn = ((Result, html.result), (Checks, html.checks), (Check, html.check), (Ping, html.ping), (Exam, html.exam), (Trace, html.trace))
    for kind, draw in (*drawn, (Task, html.task), (Assessment, html.assessment), (ByHand, html.by_hand)):
        formatters["text/html"].for_type(kind, draw)
    formatters["image/svg+xml"].for_type(Matrix, heatmap.draw)
    # IPython prints its own form of tuples, if not told.
    for kind in (Checks, Matrix, Trace):
        formatters["text/plain"].for_type(kind, lambda value, printer, _: printer.text(str(value)))


def node_magic(line: str, cell: str) -> ByHand | None:
    """
    Run the cell with a fresh bash on a node, as at that node's own terminal.

    ``%%node node2`` raises ShellFailed if bash ends with another status than 0; ``--may-fail`` only shows it. With
    several labs open, ``--lab NAME`` says which. ``--keep`` goes on with the directory, the variables and the functions with which
    the node's last cell of that kind ended. A job left in the background does not hold the cell; of what it prints afterwards, and
    of what is too long to be shown, a line says where it is. ``--by-hand`` says afterwards by which commands a person would have done
    to the lab's nodes what the cell did.
    """
    name, lab, options = _read(line)
    before = lab.parts.handwriting.look(name) if "--by-hand" in options else None
    try:
        _run(name, lab, cell, options)
    except ShellFailed:
        if before is not None:
            print(lab.parts.handwriting.since(before))
        raise
    return lab.parts.handwriting.since(before) if before is not None else None


def _run(name: str, lab: Lab, cell: str, options: set[str]) -> None:
    keep, may_fail = "--keep" in options, "--may-fail" in options
    decoders = {1: codecs.getincrementaldecoder("utf-8")("replace"), 2: codecs.getincrementaldecoder("utf-8")("replace")}

    def output(number: int, data: bytes) -> None:
        print(decoders[number].decode(data), end="", file=sys.stdout if number == 1 else sys.stderr, flush=True)

    last = cell.strip().rpartition("\n")[2].strip()
    try:
        status = lab.shell(name, cell, output, keep)
        if not keep and LOST.fullmatch(last):
            print(f"(each cell is a fresh bash in /: the next one does not know of {last!r}; %%node {name} --keep does)", file=sys.stderr)
    except KeyboardInterrupt:
        raise ShellFailed(f"{name}: interrupted") from None
    if status == 0:
        return
    why = f"{name}: the shell ended with status {status}"
    if status == _NOT_FOUND:
        why += f"; a command was not found. {WHOSE}"
    if not may_fail:
        raise ShellFailed(why)
    print(f"({why})")


def _read(line: str) -> tuple[str, Lab, set[str]]:
    from podnet_lab.lab.open_labs import open_labs

    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInput(f"{error}: {USAGE}") from None
    wanted = None
    if "--lab" in words[:-1]:
        at = words.index("--lab")
        wanted = words[at + 1]
        del words[at : at + 2]
    options, names = {word for word in words if word.startswith("-")}, [word for word in words if not word.startswith("-")]
    for option in sorted(options - {*OPTIONS[1:]}):
        if option == "--lab":
            raise BadInput(f"--lab is followed by a lab's name: {USAGE}")
        raise BadInput(f"%%node has no option {option}{did_you_mean(option, OPTIONS)}: {USAGE}".replace("?:", "?"))
    if len(names) != 1:
        raise BadInput(f"{'one node at a time' if names else 'say which node'}: {USAGE}")
    labs = [lab for lab in open_labs() if wanted in (None, lab.name)]
    if not labs:
        raise NoLab(no_such("open lab", wanted, [lab.name for lab in open_labs()]) if wanted else NO_LAB)
    if len(labs) > 1:
        raise NoLab(f"several labs are open; say which with --lab: {', '.join(lab.name for lab in labs)}")
    labs[0][names[0]]
    return names[0], labs[0], options
