"""Steps as a script that a person can run on a node. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from podnet_lab.errors import BadInput
from podnet_lab.steps.base import Recipe, Step


def script(recipe: Recipe | Sequence[Step], node: str | None = None) -> str:
    """
    The same work as a shell script with only ``ip`` and ``sysctl`` in it, for bash.

    With steps for several nodes, the script is for *node*, or has one part for each, chosen by its first argument.
    """
    if not isinstance(recipe, Mapping):
        return _lines(recipe)
    if node is not None:
        if node not in recipe:
            raise BadInput(f"this recipe has nothing for {node!r}; it has {', '.join(recipe)}")
        return _lines(recipe[node])
    parts = "\n".join(f"{shlex.quote(name)})\n{_commands(steps)}\n;;" for name, steps in recipe.items())
    return _FOR_ALL.format(parts=parts, question=shlex.quote(f"which node? {', '.join(recipe)}"))


_FOR_ALL = """\
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


def _lines(steps: Sequence[Step]) -> str:
    return f"#!/bin/bash\nset -e\n{_commands(steps)}\n"


def _commands(steps: Sequence[Step]) -> str:
    return "\n".join(step.command for step in steps)
