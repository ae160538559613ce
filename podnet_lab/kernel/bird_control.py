"""
What a node's BIRD says of its sessions and routes, asked at its control socket as `birdc` does.

Each line begins with four digits and a dash or a blank, or, where the digits are those of the line before, with a blank; an answer
ends with a line of digits below 1000, or of 8000 and above, and a blank (doc/reply_codes of BIRD's sources).
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from typing import Any

SOCKETS = ("/run/podnet/bird/bird.ctl", "/run/bird/bird.ctl")
"""Of a BIRD that a step has started, and of one that was started by hand without options."""

PATIENCE = 1.0
"""Seconds that an answer may take; some milliseconds are usual."""

_LAST = re.compile(rb"(?:^|\n)([089]\d{3}) [^\n]*\n$")
_SESSION = re.compile(r"^(\S+) +BGP ", re.MULTILINE)


def read() -> dict[str, Any] | None:
    """The answers to several questions, as plain text; None if no BIRD is asked here; ``problem`` is why it does not answer."""
    path = next((path for path in SOCKETS if os.path.exists(path)), None)
    if path is None:
        return None
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(path)
            _answer(sock)
            protocols = _ask(sock, "show protocols all")
            names = _SESSION.findall(protocols)
            told = {"status": _ask(sock, "show status"), "protocols": protocols}
            told["heard"] = {name: _ask(sock, f"show route protocol {name} all") for name in names}
            return told | {"announced": {name: _ask(sock, f"show route exported {name}") for name in names}}
    except OSError as error:
        gone = isinstance(error, FileNotFoundError | ConnectionRefusedError)
        return None if gone else {"problem": f"it does not answer at {path} ({error})"}


def _ask(sock: socket.socket, question: str) -> str:
    sock.sendall(question.encode() + b"\n")
    return _answer(sock)


def _answer(sock: socket.socket) -> str:
    """The text of one answer, without the digits."""
    told = b""
    while not (told.startswith(b"0001 ") and told.endswith(b"\n")) and not _LAST.search(told):
        if not (more := sock.recv(1 << 16)):
            raise ConnectionError("it has hung up")
        told += more
    lines = told.decode(errors="replace").splitlines()
    return "\n".join(line[5:] if line[:4].isdigit() else line[1:] for line in lines)
