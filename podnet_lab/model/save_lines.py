"""
What iptables-save, ebtables-save and their like print, taken apart: tables, chains, and the options of each rule. Pure.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import NamedTuple


class Option(NamedTuple):
    """An option of a rule, with its arguments; *negated*: an exclamation mark stands before it."""

    name: str
    arguments: tuple[str, ...]
    negated: bool

    @property
    def argument(self) -> str:
        """Its first argument, "" if it has none."""
        return self.arguments[0] if self.arguments else ""


@dataclass(frozen=True)
class Part:
    """What belongs together in a rule: the options of one match (``-m NAME``), of the target (``-j NAME``), or, "", of neither."""

    kind: str
    name: str
    options: tuple[Option, ...] = ()


@dataclass
class SavedTable:
    """A table: the *policies* of its base chains, "" of other chains, and the *rules* of each chain, as their parts."""

    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[tuple[Part, ...]]] = field(default_factory=dict)


def saved_tables(text: str) -> dict[str, SavedTable]:
    """The tables of a listing; ValueError for a line that is none of theirs."""
    tables: dict[str, SavedTable] = {}
    table = SavedTable()
    for line in map(str.strip, text.splitlines()):
        if line.startswith("*"):
            table = tables.setdefault(line[1:], SavedTable())
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            table.policies[chain] = "" if policy == "-" else policy
            table.rules.setdefault(chain, [])
        elif line.startswith(("-A ", "[")):
            chain, parts = _rule(shlex.split(line))
            table.rules.setdefault(chain, []).append(parts)
        elif line and line != "COMMIT" and not line.startswith("#"):
            raise ValueError(f"an unknown line: {line}")
    return tables


_BEGINS = {"-m": "match", "--match": "match", "-j": "target", "-g": "goto", "--jump": "target", "--goto": "goto"}


def _rule(words: list[str]) -> tuple[str, tuple[Part, ...]]:
    if words[0].startswith("["):  # counters
        words = words[1:]
    chain, words = words[1], words[2:]
    parts: list[Part] = []
    options: list[Option] = []
    kind = name = ""
    negated, at = False, 0
    while at < len(words):
        word, at = words[at], at + 1
        if word in _BEGINS or (_is_basic(word) and kind == "match"):
            parts.append(Part(kind, name, tuple(options)))
            kind, name, options = _BEGINS.get(word, ""), words[at] if word in _BEGINS else "", []
            if word in _BEGINS:
                at += 1
                continue
        if word == "!":
            negated = True
            continue
        if words[at : at + 1] == ["!"] and at + 1 < len(words) and not _is_option(words[at + 1]):  # as ebtables prints it
            negated, at = True, at + 1
        arguments, at = _arguments(words, at)
        options.append(Option(word, arguments, negated))
        negated = False
    return chain, tuple(part for part in (*parts, Part(kind, name, tuple(options))) if part.kind or part.options)


def _is_basic(word: str) -> bool:
    return len(word) == 2 and word[0] == "-" and word[1].isalpha()


def _arguments(words: list[str], at: int) -> tuple[tuple[str, ...], int]:
    end = at
    while end < len(words) and words[end] != "!" and not _is_option(words[end]):
        end += 1
    return tuple(words[at:end]), end


def _is_option(word: str) -> bool:
    return word.startswith("--") or _is_basic(word)
