"""A script of many `ip` lines as one that starts few programs: what tests wire a network with, again and again."""

from __future__ import annotations

import itertools
import re

_FORWARDING = re.compile(r"^sysctl -qw net\.ipv4\.ip_forward=([01])$")
_OF_A_SHELL = re.compile(r"[;|&<>$`'\"#\\]")


def batched(script: str) -> str:
    """
    The same, with lines of `ip` that follow each other in one namespace given to one `ip -batch`.

    That stops at the first line that fails, as a script with `set -e` does.
    """
    lines = [" ".join(line.split()) for line in script.strip().splitlines() if line.strip()]
    done = []
    for where, group in itertools.groupby(lines, _program):
        if where:
            done.append(f"{where} -batch - <<'EOF'\n" + "\n".join(line.removeprefix(where) for line in group) + "\nEOF")
        else:
            done += [_FORWARDING.sub(r"echo \1 >/proc/sys/net/ipv4/ip_forward", line) for line in group]
    return "\n".join(done)


def _program(line: str) -> str:
    """`ip` or `ip -n NAME`; nothing for other programs, and for what a shell has to read."""
    words = line.split()
    if words[0] != "ip" or words[1:3] == ["netns", "exec"] or _OF_A_SHELL.search(line):
        return ""
    return " ".join(words[:3]) if words[1] == "-n" else "ip"
