"""How a runtime reaches a node: it runs plugins there, and keeps what they answered, as libcni does."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from podnet_lab.cni import installation, plugin_file
from podnet_lab.cni.conflist import NetworkList, environment
from podnet_lab.cni.transcript import PluginCall
from podnet_lab.lab.core import LabCore

RESULTS = f"{installation.STATE}/results"
KIND = "cniCacheV1"
SECONDS = 20
"""After which a plugin that has not ended never will: libcni would wait for ever, and the kubelet for minutes."""

ENDED = (124, 137)
"""What `timeout` says of a program that it has ended, and of one that it had to kill."""

MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Container:
    """What one attachment is called by: a container, its interface, and the runtime's own arguments."""

    name: str
    ifname: str
    args: Mapping[str, str]
    capabilities: Mapping[str, Any]

    @property
    def netns(self) -> str:
        """The path of its namespace."""
        return f"/run/netns/{self.name}"


class RuntimeNode:
    """A node on which plugins are called: looked for in *path*, and run with its bash."""

    def __init__(self, core: LabCore, name: str, path: Sequence[str]) -> None:
        self._core, self.name, self.path = core, name, tuple(path)

    def install(self, fast: bool) -> Mapping[str, str]:
        """Put our plugins there; says which Python and podnet_lab the node has."""
        package = self._core.agent(self.name).call("package")
        self._core.shell_text(self.name, installation.script(package, fast))
        return package

    def install_once(self) -> None:
        """Put our plugins there, unless they are there."""
        if self._run(f"test -x {installation.BIN}/{installation.PROGRAM}")[0]:
            self.install(fast=False)

    def programs(self) -> tuple[str, ...]:
        """The programs in the folders of the path, each once."""
        self.install_once()
        folders = " ".join(map(quote, self.path))
        _, listed, _ = self._run(f'for d in {folders}; do for f in "$d"/*; do [ -f "$f" -a -x "$f" ] && basename "$f"; done; done; true')
        return tuple(dict.fromkeys(listed.split()))

    def call(self, command: str, plugin: str, container: Container | None, request: Mapping[str, Any]) -> PluginCall:
        """Run one plugin, with what it is to read; a program that is not there is a failed call."""
        if plugin in (installation.PROGRAM, installation.BY_HAND):
            self.install_once()
        found = plugin_file.read(self._run(plugin_file.script(plugin, self.path))[1], plugin, self.path)
        if container is None:
            variables = environment(command, "", "", "", self.path, {})
        else:
            variables = environment(command, container.name, container.ifname, container.netns, self.path, container.args)
        stdin = json.dumps(request)
        if found.problem:
            return PluginCall(self.name, command, plugin, found.program, variables, stdin, "", found.problem, found.status)
        words = " ".join(f"{name}={quote(value)}" for name, value in variables.items())
        began = time.monotonic()
        ends = f"timeout --kill-after=1 {SECONDS}"  # by exec: an interrupt reaches the plugin, and the end all that it has started
        status, out, err = self._run(f"{words} exec {ends} {quote(found.program)} <<'EOF'\n{stdin}\nEOF")
        status = status if status >= 0 else 128 - status  # as a shell says that a signal ended it
        if status in ENDED and time.monotonic() - began >= SECONDS:
            err += f"\nit did not end within {SECONDS} s, and was ended"
        return PluginCall(self.name, command, plugin, found.program, variables, stdin, out, err, status)

    def put(self, plugin: str, text: str) -> str:
        """Put a program of that name into the first folder of the path; returns where it is."""
        file = quote(f"{self.path[0]}/{plugin}")
        coded = base64.b64encode(text.encode()).decode()
        new = f"base64 -d > {file}.new <<< {coded} && chmod 755 {file}.new && mv {file}.new {file}"
        self._core.shell_text(self.name, f"mkdir -p {quote(self.path[0])} && {new}")
        return f"{self.path[0]}/{plugin}"

    def _run(self, script: str) -> tuple[int, str, str]:
        printed: dict[int, list[bytes]] = {1: [], 2: []}
        status = self._core.shell(self.name, script, lambda number, data: printed[number].append(data))
        return status, *(b"".join(printed[number]).decode(errors="replace") for number in (1, 2))

    def read_file(self, path: str) -> str | None:
        """A file of the node; None if there is none."""
        return self._core.agent(self.name).call("read_file", path=path, most=MOST_BYTES)

    # What is kept

    def keep(self, listed: NetworkList, container: Container, result: Mapping[str, Any]) -> None:
        """Keep what ADD answered at last, for DEL and CHECK."""
        kept = {
            "kind": KIND,
            "containerId": container.name,
            "config": base64.b64encode(listed.text.encode()).decode(),
            "ifName": container.ifname,
            "networkName": listed.name,
            "netns": container.netns,
            "cniArgs": [list(pair) for pair in container.args.items()],
            "capabilityArgs": dict(container.capabilities),
            "result": result,
        }
        file = quote(_file(listed, container))
        self._core.shell_text(self.name, f"umask 077; mkdir -p {RESULTS}; cat > {file} <<'EOF'\n{json.dumps(kept)}\nEOF")

    def kept(self, listed: NetworkList, container: Container) -> tuple[Container, dict[str, Any] | None]:
        """The container with the arguments that it was added with, and what ADD answered; None if nothing is kept."""
        kept = _read(self.read_file(_file(listed, container)))
        if kept is None:
            return container, None
        args = {str(key): str(value) for key, value in kept.get("cniArgs") or []}
        return Container(container.name, container.ifname, args, kept.get("capabilityArgs") or {}), kept.get("result")

    def forget(self, listed: NetworkList, container: Container) -> None:
        """Forget what is kept of one attachment."""
        self._core.shell_text(self.name, f"rm -f {quote(_file(listed, container))}")

    def all_kept(self) -> Iterator[dict[str, Any]]:
        """What is kept of each attachment."""
        _, listed, _ = self._run(f"ls {RESULTS} 2> /dev/null")
        for name in listed.splitlines():
            if kept := _read(self.read_file(f"{RESULTS}/{name}")):
                yield kept


def _file(listed: NetworkList, container: Container) -> str:
    return f"{RESULTS}/{listed.name}-{container.name}-{container.ifname}"


def _read(text: str | None) -> dict[str, Any] | None:
    """What is kept of an attachment; None of what is none, as libcni passes it over."""
    try:
        kept = json.loads(text or "")
    except ValueError:
        return None
    whole = isinstance(kept, dict) and kept.get("kind") == KIND and kept.get("containerId") and kept.get("ifName")
    return kept if whole else None
