"""What a runtime called, and what it was answered, call by call: values with words. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import join, quote
from typing import Any

from podnet_lab.cni import answer_shape
from podnet_lab.errors import PluginFailed

MOST_TOLD = 60
"""Letters of a line that is told."""


@dataclass(frozen=True)
class PluginCall:
    """One run of one plugin: *program* with *environment*, what it read, what it printed, and its exit *status*."""

    node: str
    command: str
    plugin: str
    program: str
    environment: Mapping[str, str]
    stdin: str
    stdout: str
    stderr: str
    status: int

    def __bool__(self) -> bool:
        return self.problem is None

    @property
    def answer(self) -> dict[str, Any] | None:
        """What it printed on standard output, read as JSON; None if that is no object."""
        try:
            answer = json.loads(self.stdout)
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None

    @property
    def problem(self) -> str | None:
        """Why it failed, in its own words; None if it did not."""
        answer = self.answer
        if self.status:
            if answer is None or "code" not in answer:
                last = (self.stderr.strip() or self.stdout.strip() or "it says nothing").splitlines()[-1]
                return f"it ended with status {self.status}: {last}"
            details = f" ({answer['details']})" if answer.get("details") else ""
            return f"error {answer['code']}: {answer.get('msg', '')}{details}"
        if self.command not in ("ADD", "VERSION"):
            return None  # nobody reads what is printed then
        if answer is None:
            return self._no_object()
        return answer_shape.problem(self.command, answer)

    def _no_object(self) -> str:
        """What is wrong with an answer that is no JSON object."""
        first, *more = self.stdout.strip().splitlines() or [""]
        if not first:
            return f"it printed nothing, and {self.command} is answered by a JSON object"
        told = "; what is for people goes to standard error (>&2)" if more else ""
        return f"what it printed is no JSON object: {first[:MOST_TOLD]}{told}"

    @property
    def said(self) -> str:
        """What it answered, in a few words that are the same on every machine."""
        answer = self.answer or {}
        if self.command == "VERSION":
            return f"speaks {', '.join(map(str, answer.get('supportedVersions', [])))}"
        if self.command != "ADD":
            return "done" if self.command in ("DEL", "GC") else "it is so"
        interfaces = answer.get("interfaces") or []
        ips = [f"{_name_of(interfaces, ip)} has {ip.get('address')}" for ip in answer.get("ips") or []]
        return ", ".join(ips) or "no address"

    def __str__(self) -> str:
        return f"ok    {self.plugin} {self.command}: {self.said}" if self else f"FAIL  {self.plugin} {self.command}: {self.problem}"

    __repr__ = __str__

    @property
    def transcript(self) -> str:
        """All of it: what a person would type on the node for the same, and what came."""
        variables = join(f"{name}={value}" for name, value in self.environment.items())
        lines = [f"{self.node}# {variables} {quote(self.program)} <<'EOF'", _pretty(self.stdin), "EOF"]
        lines += [_pretty(self.stdout)] if self.stdout.strip() else []
        lines += [f"(stderr) {line}" for line in self.stderr.splitlines()]
        return "\n".join([*lines, f"(exit status {self.status})"])


def _name_of(interfaces: list, ip: Mapping[str, Any]) -> str:
    number = ip.get("interface")
    return interfaces[number].get("name", "?") if isinstance(number, int) and 0 <= number < len(interfaces) else "the container"


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text.rstrip()


@dataclass(frozen=True)
class RuntimeResult:
    """
    One verb of a network on a node, for all its plugins: the *calls* that were made, in order; false if it failed.

    *result* is what ADD answered at last, and what is kept for DEL and CHECK; *problem* what stood in the way before a plugin was called.
    """

    command: str
    subject: str
    node: str
    calls: tuple[PluginCall, ...]
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    problem: str | None = None
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.problem is None and all(self.calls)

    def __str__(self) -> str:
        why = f": {self.problem}" if self.problem else ""
        head = f"{'ok  ' if self else 'FAIL'}  {self.node}: {self.command} {self.subject}{why}"
        return "\n".join([head, *(f"  {call}" for call in self.calls), *self.notes])

    __repr__ = __str__

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses with prefix length that the container was given."""
        return tuple(ip["address"] for ip in (self.result or {}).get("ips") or [])

    @property
    def transcript(self) -> str:
        """Every call with its environment, standard input, output, error and exit status."""
        return "\n\n".join(call.transcript for call in self.calls) or str(self)

    def require(self) -> RuntimeResult:
        """Give it back if all went well; raise PluginFailed if not."""
        if not self:
            raise PluginFailed(str(self))
        return self
