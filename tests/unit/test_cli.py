"""The command line as far as it needs no lab: help, exit statuses, colours, completion, fresh notebooks."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab import cli, errors
from podnet_lab.checks.check import Check
from podnet_lab.checks.reachability import Endpoint, Matrix, Ping, Verdict
from podnet_lab.cli import main, output
from podnet_lab.cli.click_group import Group, status
from podnet_lab.errors import PodnetError

ROOT = Path(__file__).parents[2]
HEAVY = ("execnet", "IPython", "ipywidgets", "pyroute2", "jupyterlab", "rich", "podnet_lab.lab", "podnet_lab.kernel", "podnet_lab.steps")
COMMANDS = [(), *((name,) for name in main.commands)]


def podnet(*words, **environment):
    return CliRunner(env=environment).invoke(main, words)


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_help_shows_examples_and_is_the_same_by_both_names(words):
    said = podnet(*words, "--help")
    assert said.exit_code == 0
    assert said.output == podnet(*words, "-h").output
    assert f"podnet {words[0] if words else 'demo'}" in said.output.partition("Usage:")[2]
    assert max(map(len, said.output.splitlines())) <= 80


def test_every_command_is_listed_in_one_section_with_a_word_about_it():
    said = podnet("--help").output
    listed = [name for names in main._sections.values() for name in names]
    assert sorted(listed) == sorted(main.commands)
    for name in listed:
        assert main.commands[name].short_help
        assert f"  {name} " in said
        assert main.commands[name].short_help in said
    assert "..." not in said.partition("[ARGS]...")[2], "a word about it fits its line"


def test_a_command_that_is_in_no_section_is_listed_too():
    group = Group("program")
    group.add_section("Some", click.Command("first", short_help="one"))
    group.add_command(click.Command("second", short_help="two"))
    said = CliRunner().invoke(group, ["--help"]).output
    assert said.index("Some:") < said.index("first  one") < said.index("More:") < said.index("second  two")


@pytest.mark.parametrize("words", [("--help",), ("check", "--help"), ("--version",), ("chek",)])
def test_help_imports_nothing_that_takes_long(words):
    script = f"""
import sys
from podnet_lab.cli import main
try:
    main({list(words)!r})
finally:
    print("IMPORTED", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    found = done.stdout.rpartition("IMPORTED ")[2].split()
    assert "podnet_lab.cli" in found
    assert not [one for one in found if any(one == heavy or one.startswith(f"{heavy}.") for heavy in HEAVY)]


def every(kind):
    return [kind, *(one for below in kind.__subclasses__() for one in every(below))]


def test_every_error_has_an_exit_status_that_is_documented():
    found = {kind.__name__: status(kind.__new__(kind)) for kind in every(PodnetError) if kind.__module__ == "podnet_lab.errors"}
    assert {name for name, value in found.items() if value == 2} == {"BadInput"}
    assert {name for name, value in found.items() if value == 3} == {"CannotRun", "LabGone", "LabHeld", "NoLab"}
    assert {found[name] for name in ("StepFailed", "StepConflict", "LabError", "ShellFailed", "UndoRefused")} == {1}
    help_text = podnet("--help").output
    assert all(f"  {number} " in help_text for number in (0, 1, 2, 3, 130))


@pytest.mark.parametrize(
    ("raised", "number", "words"),
    [
        (errors.BadInput("so not"), 2, "Error: so not"),
        (errors.NoLab("no lab"), 3, "Error: no lab"),
        (errors.StepFailed.refused("node1", "ip link", 19, "a longer word"), 1, "The kernel adds: a longer word"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (PermissionError(13, "Permission denied", "file"), 1, "Permission denied"),
    ],
)
def test_what_goes_wrong_is_words_and_a_status(raised, number, words):
    def fail():
        raise raised

    group = Group("program", commands={"do": click.Command("do", callback=fail)})
    done = CliRunner().invoke(group, ["do"])
    assert done.exit_code == number
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "bridge.add('x')", "--stage", "veth"),
        ("run", "--stage", "spam"),
        ("run", "spam"),
        ("run", "--dry-run", "bridge.add('x')"),
        ("run", "--dry-run", "--stage", "veth", "--node", "node9"),
        ("explain", "pod-1-2"),
        ("explain", "pod-1-2", "pod-1-3", "--hint", "4"),
        ("trace", "pod-1-2", "pod-1-3", "--tcp", "0"),
        ("explain", "pod-1-2", "pod-1-3", "--size", "big"),
        ("check", "--sample", "0"),
        ("script", "node9"),
        ("completion", "tcsh"),
        ("chek",),
    ],
)
def test_what_can_not_be_right_is_told_before_a_lab_is_looked_for(words, tmp_path):
    done = podnet(*words, XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr


LAB = ["check", "matrix", "reset", "shell node1", "explain a b", "trace a b", "run --stage veth"]


@pytest.mark.parametrize("words", LAB)
@pytest.mark.parametrize("more", [(), ("--lab", "none")])
def test_without_a_lab_that_is_said_with_a_status_of_its_own(words, more, tmp_path):
    first, *rest = words.split()
    done = podnet(first, *more, *rest, XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: no lab is running")


def test_what_needs_no_lab_does_without(tmp_path):
    here = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert "ip link add v-net-0 type bridge" in podnet("script", "node2", **here).output
    assert podnet("script", **here).output.startswith("#!/bin/bash\n# Run it on each node")
    assert podnet("run", "--dry-run", "node7: bridge.add('x')", **here).output == "node7# ip link add name x type bridge\n"
    two = json.loads(
        podnet("run", "--dry-run", "--json", "--node", "a", "--node", "b", "link.up('x')", "node1:link.down('y')", **here).output
    )
    assert [one["node"] for one in two["commands"]] == ["a", "b", "node1"]
    stage = podnet("run", "--dry-run", "--stage", "namespaces", "--node", "node2", **here).output
    assert stage == "node2# ip netns add pod-2-2\nnode2# ip netns add pod-2-3\n"
    assert json.loads(podnet("labs", "--json", **here).output) == {"ok": True, "labs": []}


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["chek"], "check"), (["check", "--jsn"], "--json"), (["check", "--stage", "brige"], "bridge"), (["run", "--stage", "vteh"], "veth")],
)
def test_a_slip_of_a_command_an_option_or_a_stage_is_told_which_was_meant(words, meant):
    said = podnet(*words)
    assert said.exit_code == 2
    assert re.search(rf"[Dd]id you mean:? '?{meant}'?\?|Possible options: .*{meant}", said.output), said.output


A, B = (Endpoint(f"pod-1-{n}", "node1", f"pod-1-{n}", (f"10.244.1.{n}",)) for n in (2, 3))


@pytest.mark.parametrize(
    ("verdicts", "number"),
    [
        ((Verdict.REACHED,), 0),
        ((Verdict.REACHED, Verdict.NO_REPLY), 1),
        ((Verdict.TRANSLATED, Verdict.NOT_TESTED), 1),
        ((Verdict.REACHED, Verdict.NOT_TESTED), 3),
        ((), 3),
    ],
)
def test_could_not_test_is_a_status_of_its_own(verdicts, number):
    assert output.reached(Matrix.of((Ping(A, B, one) for one in verdicts), len(verdicts))) == number


def test_signs_are_painted_and_nothing_else():
    green, red = "\x1b[32m", "\x1b[31m"
    assert output.paint(str(Check("it is so"))) == f"{green}ok   \x1b[0m it is so"
    assert output.paint(str(Check("it is so", "it is not"))).startswith(f"{red}FAIL \x1b[0m it is so")
    grid = output.paint(str(Matrix([Ping(A, B, Verdict.REACHED), Ping(B, A, Verdict.NO_REPLY)])))
    assert f"{green}✓" in grid
    assert f"{red}✗" in grid
    for text in ("is it ok   so?", "which way?", "what does `ip` show? and FAIL "):
        assert output.paint(text) == text
    assert click.unstyle(grid) == str(Matrix([Ping(A, B, Verdict.REACHED), Ping(B, A, Verdict.NO_REPLY)]))


COLOURS = [
    ({}, None),
    ({"NO_COLOR": "1"}, False),
    ({"NO_COLOR": ""}, None),
    ({"FORCE_COLOR": "1"}, True),
    ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
]


@pytest.mark.parametrize(("environment", "wanted"), COLOURS)
def test_colours_are_for_a_terminal_and_as_the_environment_says(environment, wanted):
    assert cli._colours(environment) is wanted


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "patience", "shown"), [(Terminal(), 0, True), (Terminal(), 60, False), (io.StringIO(), 0, False)])
def test_a_bar_is_for_a_terminal_and_for_long_work(monkeypatch, stream, patience, shown):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(output, "PATIENCE", patience)
    with output.progress("pairs") as tell:
        for done in range(1, 5):
            tell(done, 4)
    assert ("pairs" in stream.getvalue()) is shown
    assert shown or stream.getvalue() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(shell):
    said = podnet("completion", shell)
    assert said.exit_code == 0
    assert f"_PODNET_COMPLETE={shell}_complete" in said.output
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=said.output, text=True, capture_output=True, check=False).stderr == ""


def complete(line, **environment):
    words = {"_PODNET_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", "from podnet_lab.cli import main; main(prog_name='podnet')"],
        capture_output=True, text=True, env=os.environ | words | environment, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return [one.partition(",")[2] for one in done.stdout.split()]


def test_tab_completes_commands_and_options_and_is_silent_without_a_lab(tmp_path):
    assert complete("podnet che") == ["check"]
    assert complete("podnet check --st") == ["--stage"]
    assert complete("podnet check --stage br") == ["bridge"]
    assert complete("podnet explain pod", XDG_RUNTIME_DIR=str(tmp_path)) == []


def test_every_command_and_exit_status_is_in_the_documentation():
    text = (ROOT / "docs" / "command-line.md").read_text()
    assert [name for name in main.commands if f"podnet {name}" not in text] == []
    assert all(f"| {number} |" in text for number in (0, 1, 2, 3, 130))
    for name, command in main.commands.items():
        if any(one.name == "as_json" for one in command.params):
            assert f"| `{name}` |" in text, "the shape of its JSON"
