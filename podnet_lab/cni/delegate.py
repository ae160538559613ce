"""Plugins that a plugin leaves a part to, as host-local: run with the same environment and configuration (section 4 of SPEC.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from podnet_lab.cni.answer_shape import read_json
from podnet_lab.cni.call import MOST_SHOWN, Call, CniError, Code

SECONDS = 30
"""After which a delegated plugin that has not ended never will."""


def is_name(kind: object) -> bool:
    """Whether a plugin can be called that: a file's name, without a folder."""
    return isinstance(kind, str) and kind not in ("", ".", "..") and os.sep not in kind and "\0" not in kind


def find(kind: str, path: tuple[str, ...]) -> str:
    """The program of that name in the folders of CNI_PATH; CniError if there is none."""
    if not is_name(kind):
        raise CniError(Code.CONFIG, "ipam.type is no plugin's name", repr(kind))
    for folder in path:
        program = os.path.join(folder, kind)
        if os.path.isfile(program) and os.access(program, os.X_OK):
            return program
    raise CniError(Code.CONFIG, f"no plugin is called {kind}", f"CNI_PATH is {':'.join(path) or 'empty'}")


def run(kind: str, command: str, environment: Mapping[str, str], call: Call, complain: Callable[[str], object]) -> dict[str, Any]:
    """
    Have the plugin *kind* do *command* for a call; what it answers. CniError with its own words if it says no.

    *complain* gets what it prints on standard error.
    """
    import subprocess  # here: most calls delegate nothing, and are to be fast

    program = find(kind, call.path)
    try:
        ran = subprocess.run(
            [program],
            input=json.dumps(call.config),
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **environment, "CNI_COMMAND": command},
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CniError(Code.IO, f"{kind} did not end within {SECONDS} seconds", program) from None
    complain(ran.stderr)
    return _answer(kind, ran.returncode, ran.stdout)


def _answer(kind: str, status: int, stdout: str) -> dict[str, Any]:
    try:
        answer = read_json(stdout) if stdout.strip() else {}
    except (ValueError, RecursionError) as error:
        raise CniError(Code.DECODE, f"what {kind} answers is not JSON", str(error)) from None
    if not isinstance(answer, dict):
        raise CniError(Code.DECODE, f"what {kind} answers is no JSON object", stdout[:MOST_SHOWN])
    if status:
        message, code = answer.get("msg", f"ended with status {status}"), answer.get("code")
        raise CniError(code if isinstance(code, int) and code > 0 else Code.IO, f"{kind}: {message}", answer.get("details", ""))
    return answer
