"""``podnet grade`` and ``podnet prove``."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podnet_lab.errors import CannotRun
from podnet_lab.name_suggestions import no_such

if TYPE_CHECKING:
    from podnet_lab.grading.judge import Known
    from podnet_lab.grading.marks import Paper
    from podnet_lab.grading.sandbox import Place

TOLD_AFTER = 10.0
"""Seconds after which `podnet prove` tells what it plays, if nobody sees that in a terminal."""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Mark exercises of a lab, or of notebooks.")
@click.argument("folder", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--lab", "lab_name", help="Which running lab, by its name, its notebook or its owner's process number.")
@click.option("--lesson", "lessons", type=FILE, multiple=True, help="A Python file with exercises of your own; may be given again.")
@click.option("--exercise", "wanted", multiple=True, help="An exercise that everybody was to do; may be given again.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the marks there as well.")
@click.option("--json", "json_too", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--limit", type=click.FloatRange(min=1), default=300, show_default=True, help="Seconds for each notebook.")
@click.option("--cell-limit", type=click.FloatRange(min=1), default=60, show_default=True, help="Seconds for each of its cells.")
@click.option("--memory", type=click.IntRange(min=256), default=2048, show_default=True, help="MB of memory for each notebook.")
@click.option(
    "--processes", type=click.IntRange(min=100), default=600, show_default=True, help="Processes for each notebook, with its lab's."
)
@click.option("--no-sandbox", is_flag=True, help="Run notebooks as yourself: for those that you trust.")
def grade(
    folder: Path | None,
    lab_name: str | None,
    lessons: Sequence[Path],
    wanted: Sequence[str],
    csv_file: Path | None,
    json_too: bool,
    limit: float,
    cell_limit: float,
    memory: int,
    processes: int,
    no_sandbox: bool,
) -> None:
    """
    Mark exercises: of a running lab, or of every notebook in FOLDER, run again one by one.

    \b
    podnet grade                              # the lab that is running
    podnet grade collected/ --csv marks.csv   # every notebook in a folder
    podnet grade collected/ --lesson week3.py # with exercises of your own

    Marks are by what the kernels say, not by what a notebook prints. Each notebook runs in a sandbox, which sees none of
    your files, and no network. Exit status 0 only if everybody has solved everything.
    """
    from podnet_lab.exercises.catalogue import EXERCISES
    from podnet_lab.grading import marks_table
    from podnet_lab.grading.lesson_files import exercises
    from podnet_lab.grading.lesson_files import sources as lesson_sources
    from podnet_lab.grading.marks import as_csv, as_json

    _refuse(folder, lab_name, csv_file)
    with redirect_stdout(sys.stderr):  # what a lesson prints, when it is read or asked, is no part of the marks
        known = {**EXERCISES, **(own := exercises(lessons))}
        sources = lesson_sources(lessons)
        if odd := [name for name in wanted if name not in known]:
            raise click.UsageError(no_such("exercise", odd[0], known))
        if folder is None:
            from podnet_lab.grading.grade_running_lab import in_time

            papers = [in_time(known, lab_name).of(wanted)]
        else:
            private = [folder, *(file.resolve().parent for file in lessons), *([csv_file.resolve().parent] if csv_file else [])]
            place = _place(memory, processes, sources, private, no_sandbox)
            papers = _papers(folder, known, wanted or tuple(own), limit=limit, cell_limit=cell_limit, place=place)
    if csv_file is not None:
        write(csv_file, as_csv(papers))
    click.echo(as_json(papers) if json_too else marks_table.table(papers))
    sys.exit(0 if all(papers) else 1)


def _place(memory: int, processes: int, sources: Mapping[str, str], private: Sequence[Path], no_sandbox: bool) -> Place:
    """Where notebooks run; told, if that is no sandbox."""
    from podnet_lab.grading import sandbox

    place = sandbox.usual(sandbox.Limits(memory, processes), sources, not no_sandbox, private)
    if not place.sandbox:
        click.echo(f"without a sandbox: {sandbox.why_without(no_sandbox)}", err=True)
    return place


def _papers(folder: Path, known: Known, wanted: Sequence[str], **how: Any) -> list[Paper]:
    """Every notebook of *folder* marked, each told as it is done; and before, what is passed over."""
    from podnet_lab.grading import marks_table

    collected = _collected()
    for words in collected.skipped(folder):
        click.echo(words, err=True)
    return collected.grade(folder, known, wanted, progress=lambda paper: click.echo(marks_table.progress_line(paper), err=True), **how)


def _refuse(folder: Path | None, lab_name: str | None, csv_file: Path | None) -> None:
    """What can't be right is said before anything runs for an hour."""
    if folder is not None and lab_name is not None:
        raise click.UsageError("either a FOLDER of notebooks, or a running --lab")
    if csv_file is not None and not os.access(csv_file.absolute().parent, os.W_OK):
        raise click.UsageError(f"--csv: nothing can be written in {csv_file.absolute().parent}")


def _collected():
    try:
        from podnet_lab.grading import collected
    except ImportError as error:
        raise CannotRun(f"to run notebooks, install what they need: pip install 'podnet-lab[notebooks]' ({error})") from error
    return collected


def write(path: Path, text: str) -> None:
    """Write a file in one go: there is the old one or the new one, never half of it."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.absolute().parent, prefix=f".{path.name}.", delete=False, newline="", encoding="utf-8"
    ) as file:
        try:
            file.write(text)
            file.close()
            os.chmod(file.name, 0o600)  # marks are nobody else's business
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


@click.command(short_help="Play all solutions of a lesson.")
@click.argument("lesson", type=FILE, required=False)
@click.argument("solutions", type=FILE, required=False)
@click.option("--limit", type=click.FloatRange(min=1), default=120, show_default=True, help="Seconds for each answer that is played.")
def prove(lesson: Path | None, solutions: Path | None, limit: float) -> None:
    """
    Play all SOLUTIONS of a LESSON in a lab of its own; without them, those of the lesson that comes with podnet-lab.

    \b
    podnet prove                              # the exercises of podnet-lab
    podnet prove week3.py week3_solutions.py  # your own

    Every exercise has to fail untouched, hold with each right answer, and recognise each wrong one. Exit status 0 only then.
    What is played now is told on stderr: in a terminal, and elsewhere if it takes more than some seconds.
    """
    from podnet_lab.grading.playing import playing
    from podnet_lab.grading.prove_lesson import proved

    if lesson is not None and solutions is None:
        raise click.UsageError("a lesson is proved by its solutions: podnet prove LESSON SOLUTIONS")
    whole, after = True, 0.0 if sys.stderr.isatty() else TOLD_AFTER

    def around(claim: str) -> AbstractContextManager[None]:
        return playing(claim, limit, lambda what: click.echo(f"playing {what}", err=True), after)

    for claim in proved(lesson, solutions, around):
        click.echo(claim)
        whole = whole and bool(claim)
    sys.exit(0 if whole else 1)


@click.command("new-exercise", short_help="Write a lesson of one exercise, to begin with.")
@click.argument("name")
@click.option("--in", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="Where; else here.")
def new_exercise(name: str, folder: Path) -> None:
    """
    Write NAME.py, a lesson of one exercise, and NAME_solutions.py, to be changed into your own.

    \b
    podnet new-exercise week3
    podnet prove week3.py week3_solutions.py

    What is there already is never overwritten. docs/teaching.md says what an exercise is made of.
    """
    from podnet_lab.grading.new_exercise import write as write_lesson

    lesson, solutions = write_lesson(name, folder)
    click.echo(f"{lesson} and {solutions} are written; podnet prove {lesson} {solutions} plays them")
