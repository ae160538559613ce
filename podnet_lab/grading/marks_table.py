"""Marks for a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from podnet_lab.grading.marks import NOT_SOLVED, SOLVED, UNTESTED, Mark, Paper, printable

COLOURS = {SOLVED: "green", NOT_SOLVED: "red", UNTESTED: "yellow"}
LEAST_WIDTH = 100
UNBROKEN = 100_000
"""How wide a table may be that no terminal shows: whatever reads it has no use for a word that is broken in two."""

COUNTED = ("checks", "hints", "explained")
COLUMNS = ("who", "exercise", "mark", *COUNTED, "mistake", "why")


def table(papers: Sequence[Paper]) -> str:
    """All marks as a table, and a line for each paper."""
    table = Table(pad_edge=False, box=None)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in COUNTED else "left", overflow="fold")
    for paper in papers:
        for mark in paper.marks:
            table.add_row(*_row(mark))
    width = max(shutil.get_terminal_size((LEAST_WIDTH, 24)).columns, LEAST_WIDTH) if sys.stdout.isatty() else UNBROKEN
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([*lines, "", *map(line, papers)])


def line(paper: Paper) -> str:
    """One paper in one line."""
    solved = sum(map(bool, paper.marks))
    return _line(paper, f"{solved} of {len(paper.marks)} solved" if paper.marks else "no exercise was begun")


def progress_line(paper: Paper) -> str:
    """One paper that was just run, in one line: what is expected of it may not be known before all others were."""
    return _line(paper, f"{sum(map(bool, paper.marks))} solved")


def _line(paper: Paper, words: str) -> str:
    return f"{printable(paper.who)}: {words}" + (f"; stopped: {paper.problem}" if paper.problem else "")


def _row(mark: Mark) -> list[Text]:
    word = mark.verdict if mark.confirmed or not mark else f"{mark.verdict} (recorded)"
    counts = (mark.tries, mark.hints, mark.explanations)
    cells = [mark.who, mark.exercise, word, *map(str, counts), mark.mistake, mark.why]
    styles = [COLOURS.get(mark.verdict, "") if column == "mark" else "" for column in COLUMNS]
    return [Text(printable(cell), style) for cell, style in zip(cells, styles, strict=True)]
