"""Results and checks as HTML for a notebook: the command, the verdict, and the kernel's evidence to fold out."""

from __future__ import annotations

import re
from html import escape

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.exam import Exam
from podnet_lab.checks.reachability import Ping
from podnet_lab.exercises.exercise import Assessment
from podnet_lab.exercises.task import Task
from podnet_lab.explain.explanation import Explanation
from podnet_lab.packets.news import PUT_INTO, TAKEN_OUT
from podnet_lab.packets.trace import Trace
from podnet_lab.recipes.by_hand import ByHand
from podnet_lab.recipes.results import Outcome, Result
from podnet_lab.show.changes import changes

_GOOD, _BAD, _FAINT = "color:var(--jp-success-color1,#2e7d32)", "color:var(--jp-error-color1,#c62828)", "opacity:0.7"


def _verdict(good: bool, words: str) -> str:
    sign = "✔" if good else "✘ FAIL"
    return f'<div><b style="{_GOOD if good else _BAD}">{sign}</b> {escape(words)}</div>'


def _outcome(outcome: Outcome) -> str:
    return (
        f'<div><b style="{_GOOD}">✔</b> <code>{escape(outcome.node)}# {escape(outcome.step.brief)}</code> '
        f'<span style="{_FAINT}">{escape(outcome.said)}</span></div>'
    )


def result(result: Result) -> str:
    """A run of steps, with the changes in the kernels' state."""
    evidence = [
        f"{node}: {line}"
        for node in result.after
        if result.before[node] is not result.after[node]
        for line in changes(result.before[node], result.after[node])
    ]
    fold = ""
    if evidence:
        lines = escape("\n".join(evidence))
        fold = f"<details><summary>what the kernel says now, compared with before</summary><pre>{lines}</pre></details>"
    head = f"<div><b>{escape(result.headline)}</b></div>" if result.headline else ""
    return head + "".join(map(_outcome, result.outcomes)) + "".join(f"<div>{escape(note)}</div>" for note in result.notes) + fold


def by_hand(typed: ByHand) -> str:
    """Commands that a person would have typed, what no step says, and the way back to fold out."""
    lines = "".join(f"<div><code>{escape(str(one))}</code></div>" for one in typed.typed) or "<div>no step says any of it</div>"
    lines = lines if typed.typed or typed.unsaid else "<div>nothing has changed</div>"
    unsaid = f"<div><b>what no step says:</b></div><ul>{''.join(f'<li>{escape(one)}</li>' for one in typed.unsaid)}</ul>"
    back = "\n".join(f"{node}# {step.command}" for node, steps in typed.undo.items() for step in steps)
    fold = f"<details><summary>the way back</summary><pre>{escape(back)}</pre></details>" if back else ""
    return lines + (unsaid if typed.unsaid else "") + fold


def check(check: Check) -> str:
    """One claim and what contradicts it."""
    return _verdict(bool(check), check.claim + (f": {check.problem}" if check.problem else ""))


def checks(checks: Checks) -> str:
    """Claims and what contradicts them."""
    return "".join(map(check, checks))


def ping(ping: Ping) -> str:
    """One try of one pair."""
    return _verdict(bool(ping), str(ping)[6:])


def trace(trace: Trace) -> str:
    """The hops of one packet as a table; what a node rewrote is in bold. Of a packet in a tunnel the outer headers stand above."""
    rows = []
    for hop in trace:
        at = (hop.way, f"{hop.seen.place} {hop.seen.dev}", "out" if hop.seen.out else "in")
        for depth, (macs, said) in enumerate(hop.layers()):
            news = f"<b>{escape(', '.join(map(_short, hop.news)))}</b>" if depth == len(hop.seen.outer) else ""
            inside = "└ " if depth else ""
            cells = [*map(escape, at if not depth else ("", "", "")), news, *map(escape, (inside + macs, inside + ", ".join(said)))]
            row = "".join(map(_cell, cells))
            rows.append(f'<tr style="{_FAINT}">{row}</tr>' if hop.arp else f"<tr>{row}</tr>")
    head = "".join(map(_cell, ("way", "interface", "", "rewritten", "Ethernet", "IPv4 or ARP")))
    last = str(trace).splitlines()[-1] if not trace else ""
    note = f"<div>{escape(last)}</div>" if last and not last.startswith("  ") else ""
    table = f'<div style="overflow-x:auto"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
    return _verdict(bool(trace), trace.headline) + table + note


def _short(news: str) -> str:
    """What was rewritten, below a heading that says so."""
    if news.startswith((PUT_INTO, TAKEN_OUT)):  # which one, the outer headers say
        return "into a tunnel" if news.startswith(PUT_INTO) else "out of a tunnel"
    for long, short in (("new Ethernet header", "Ethernet"), ("another source", "source"), ("another destination", "destination")):
        news = news.replace(long, short)
    return news


def explanation(explanation: Explanation) -> str:
    """Why a source reaches a target or not, with the hints to fold out one after the other."""
    verdict = _verdict(bool(explanation), str(explanation))
    if explanation.cause is None:
        return verdict
    titles = ("a question", "where to look", "the command that mends it")
    folds = (
        f"<details><summary>hint {level}: {title}</summary><code>{escape(explanation.hint(level))}</code></details>"
        for level, title in enumerate(titles, 1)
    )
    return verdict + "".join(folds)


def _cell(content: str) -> str:
    """A cell of a table that neither breaks a name in two nor aligns it as if it were a number."""
    return f'<td style="white-space:nowrap;text-align:left">{content}</td>'


def exam(exam: Exam) -> str:
    """The three rules, and the matrix."""
    # JupyterLab would wrap the lines: a row of the matrix stays whole, and where it does not fit it is scrolled.
    return f'{checks(exam.rules)}<pre style="white-space:pre;overflow-x:auto">{escape(str(exam.matrix))}</pre>'


def task(task: Task) -> str:
    """An exercise: what is to be done."""
    return f"<div><b>{escape(task.title)}</b></div><div>{_commands(task.text)}</div>"


def assessment(assessment: Assessment) -> str:
    """The checks of an exercise, and the hint that fits."""
    last = str(assessment).splitlines()[-1]
    return checks(assessment.checks) + f"<div><b>{_commands(last)}</b></div>"


def _commands(words: str) -> str:
    """Text with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words, quote=False)).replace("\n", "<br>")
