"""How commands say things: colours on a terminal, JSON for a program, a bar while something takes long."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from podnet_lab.checks.reachability import Matrix, Verdict
from podnet_lab.cli.click_group import FAILED, NOT_TRIED

SIGNS = {"ok   ": "green", "FAIL ": "red", "off  ": "yellow", "✓": "green", "✗": "red", "≠": "yellow", "⊘": "blue", "?": "yellow"}
_SIGN = re.compile(r"^( *)(ok   |FAIL |off  )|(?<= )([✓✗≠⊘?])(?= |$)", re.MULTILINE)

PATIENCE = 0.3
"""Seconds that work takes before a bar is shown."""


def paint(text: str) -> str:
    """The same text with its signs in colour; `click.echo` takes that away again where it is not wanted."""
    return _SIGN.sub(lambda match: (match[1] or "") + click.style(match[2] or match[3], fg=SIGNS[match[2] or match[3]]), text)


def say(result: object, as_json: bool, record: Mapping[str, Any]) -> None:
    """Print a result: as text, or as one JSON object."""
    click.echo(json.dumps(record, indent=1, ensure_ascii=False) if as_json else paint(str(result)))


def reached(matrix: Matrix) -> int:
    """The exit status for pairs that were tried: 3 where nothing contradicts, but some could not be."""
    if matrix:
        return 0
    return FAILED if any(ping.verdict != Verdict.NOT_TESTED for ping in matrix.failures) else NOT_TRIED


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A function to call with how much is done, of how much: on a terminal's stderr it moves a bar, once this takes long."""
    with ExitStack() as stack:
        begin, bar = time.monotonic(), []

        def tell(done: int, total: int) -> None:
            if not bar and sys.stderr.isatty() and time.monotonic() - begin > PATIENCE:
                from rich.console import Console
                from rich.progress import Progress

                shown = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
                bar.append((shown, shown.add_task(label, total=total)))
            for shown, task in bar:
                shown.update(task, completed=done, total=total)

        yield tell
