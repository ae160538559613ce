"""Steps as a script that a person can run on a node: for bash, or a Python program with pyroute2. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import choices, did_you_mean
from podnet_lab.steps.base import Recipe, Step
from podnet_lab.steps.pyroute2_calls import literal

LANGUAGES = ("shell", "pyroute2")
"""What a script can be written in."""


def script(recipe: Recipe | Sequence[Step], node: str | None = None, language: str = "shell") -> str:
    """
    The same work as a script: for bash, with only ``ip``, ``bridge`` and ``sysctl`` in it, or as a Python program with pyroute2.

    With steps for several nodes, the script is for *node*, or has one part for each, chosen by its first argument.
    Raises BadInput for another *language*, or a node that the recipe has nothing for.
    """
    if language not in LANGUAGES:
        raise BadInput(f"a script is written in {' or '.join(LANGUAGES)}, not in {language!r}{did_you_mean(language, LANGUAGES)}")
    if isinstance(recipe, Mapping) and node is not None:
        if node not in recipe:
            raise BadInput(f"this recipe has nothing for {node!r}{choices(node, recipe)}")
        recipe = recipe[node]
    if language == "shell":
        return _shell_for_all(recipe) if isinstance(recipe, Mapping) else f"#!/bin/bash\nset -e\n{_commands(recipe)}\n"
    return _program_for_all(recipe) if isinstance(recipe, Mapping) else f"{_PROGRAM}\n{_calls(recipe)}\n"


def _commands(steps: Sequence[Step]) -> str:
    return "\n".join(step.command for step in steps)


def _shell_for_all(recipe: Recipe) -> str:
    parts = "\n".join(f"{shlex.quote(name)})\n{_commands(steps)}\n;;" for name, steps in recipe.items())
    return _SHELL_FOR_ALL.format(parts=parts, question=shlex.quote(f"which node? {', '.join(recipe)}"))


_SHELL_FOR_ALL = """\
#!/bin/bash
# Run it on each node, as root, with the node's name: bash cluster.sh node1
set -e
case "$1" in
{parts}
*)
echo {question} >&2
exit 2
;;
esac
"""

_PROGRAM = """\
#!/usr/bin/env python3
# Run it on the node, as root; it needs pyroute2 (pip install pyroute2).
import json
import os
import subprocess
import sys
from pathlib import Path

from pyroute2 import IPRoute, NetNS, netns

ip = IPRoute()"""


def _calls(steps: Sequence[Step]) -> str:
    return "\n".join(step.pyroute2 for step in steps) or "pass"


def _program_for_all(recipe: Recipe) -> str:
    from textwrap import indent  # here: every lab loads this file

    parts = [f"if sys.argv[1:] == [{literal(name)}]:\n{indent(_calls(steps), '    ')}" for name, steps in recipe.items()]
    question = f"which node? {', '.join(recipe)}"
    chosen = "\nel".join(parts)
    return f"{_PROGRAM}\n{chosen}\nelse:\n    sys.exit({literal(question)})\n"
