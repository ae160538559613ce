"""A plugin's program on a node: which file a runtime starts, and why that could not be started. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from shlex import quote

NOT_FOUND, NOT_RUN = 127, 126
"""A shell's exit status for a program that is not there, or can't be started."""

_LOOK = r"""
for f in PLACES; do
  [ -f "$f" ] || continue
  printf '%s\n' "$f"
  [ -x "$f" ] || { echo mode; break; }
  case "$(head -c 2 "$f" | tr -d '\0')" in
    '#!')
      IFS= read -r first < "$f"; read -r program word rest <<< "${first#'#!'}"
      case "$program" in */env) [ "$word" = -S ] && word=${rest%% *}; program=$(command -v -- "$word" || echo "$word") ;; esac
      [ -x "$program" ] || printf 'interpreter %q\n' "$program" ;;
    ?E) ;;
    *) echo format ;;
  esac
  break
done
"""


@dataclass(frozen=True)
class Found:
    """A *program*, as the first folder that has it says it; *problem* says why it can't be started, with the *status* of a shell."""

    program: str
    problem: str = ""
    status: int = 0


def script(plugin: str, folders: Iterable[str]) -> str:
    """What a node's shell does to find *plugin*; `read` tells what came of it."""
    return _LOOK.replace("PLACES", " ".join(quote(f"{folder}/{plugin}") for folder in folders))


def read(printed: str, plugin: str, folders: Iterable[str]) -> Found:
    """What a node's shell has found."""
    if not printed.strip():
        return Found(plugin, f"no program of that name in {', '.join(folders)}", NOT_FOUND)
    program, _, wrong = printed.strip().partition("\n")
    kind, _, word = wrong.partition(" ")
    problem = {
        "": "",
        "mode": f"it may not be executed: chmod +x {quote(program)}",
        "format": "it does not begin with #! and its interpreter, as in #!/usr/bin/env python3, in the first two bytes of the file",
        "interpreter": f"its first line names an interpreter that is not there: {word}",
    }[kind]
    return Found(program, problem, NOT_RUN if problem else 0)
