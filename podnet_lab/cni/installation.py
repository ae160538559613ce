"""What puts podnet-cni on a node: its program, the daemon that makes it fast, and where all of it lies. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from shlex import quote

from podnet_lab.daemons.base import Daemon, folder

PROGRAM, BY_HAND = "podnet-cni", "podnet-by-hand"
BIN = "/run/cni/bin"
"""The plugins that a lab's runtime puts on a node; on the node's own /run, so they go with it."""

STATE = "/var/lib/cni"
"""Where a runtime keeps results, as libcni does; a node of a one-machine lab has one of its own."""

PATH = (BIN, "/opt/cni/bin", "/usr/lib/cni")
"""Where plugins are looked for: Debian's are in the last."""

SOCKET = f"{folder(PROGRAM)}/socket"

_HERE = os.path.dirname(__file__)


def file(name: str) -> str:
    """The text of a file of this folder."""
    with open(os.path.join(_HERE, name)) as source:
        return source.read()


def _python(package: Mapping[str, str], module: str) -> tuple[str, ...]:
    """A command that runs a module of podnet_lab on a node, whose agent says where Python and podnet_lab are there."""
    start = f"import sys; sys.path.insert(0, {package['folder']!r}); from podnet_lab.cni.{module} import main; main()"
    return (package["python"], "-I", "-S", "-c", start)


def resident(package: Mapping[str, str]) -> Daemon:
    """The daemon that has the plugin loaded; it is ready when its socket is there."""
    return Daemon(PROGRAM, (*_python(package, "resident"), SOCKET), creates=SOCKET)


def script(package: Mapping[str, str], fast: bool) -> str:
    """What a shell on a node does to have the plugins in `BIN`; *fast*: with the program that needs a compiler, if there is one."""
    slow, target = f"{BIN}/{PROGRAM}-python", f"{BIN}/{PROGRAM}"
    program = f'#!/bin/sh\nexec {" ".join(map(quote, _python(package, "program")))} "$@"\n'
    lines = ["set -e", f"mkdir -p {BIN}", _write(slow, program), _write(f"{BIN}/{BY_HAND}", file("examples/podnet-by-hand"))]
    lines.append(_write(f"{BIN}/loopback", file("loopback.sh")))
    copy = f"cp {slow} {target}.new"
    if fast:  # a program that needs no library starts in half the time
        lines.append(f"cat > {target}.c <<'EOF'\n{file('shim.c')}EOF")
        compiled = " || ".join(f"cc -O2 {option} -o {target}.new {target}.c 2> /dev/null" for option in ("-static", ""))
        lines.append(f"{compiled} || {copy}; rm {target}.c")
    else:
        lines.append(copy)
    return "\n".join([*lines, f"mv {target}.new {target}"])


def _write(path: str, text: str) -> str:
    return f"cat > {path}.new <<'EOF'\n{text}EOF\nchmod 755 {path}.new\nmv {path}.new {path}"
