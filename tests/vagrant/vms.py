"""Vagrant and its VMs, as these tests drive them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

NODES = ("node1", "node2", "node3")
VENV = "/opt/podnet/venv/bin"
LINE = re.compile(r"JupyterLab on node1: (http://127\.0\.0\.1:(\d+)/lab\?token=(\w+))")


class Vms:
    """The VMs of one copy of the project."""

    def __init__(self, project: Path, logs: Path) -> None:
        self.project, self.logs = project, logs
        self._ssh: list[str] | None = None
        self.first = ""

    def vagrant(self, *words: str, ok: bool = True, seconds: float = 1800, **environment: str) -> str:
        """Run ``vagrant WORDS`` in the project; returns all that it said, and fails with it if it failed (or, not *ok*, did not)."""
        done = subprocess.run(
            ["vagrant", *words], cwd=self.project, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        with (self.logs / "vagrant").open("a") as log:
            log.write(f"\n$ vagrant {shlex.join(words)}\n{done.stdout}")
        assert (done.returncode == 0) is ok, done.stdout[-3000:]
        return done.stdout

    def on(self, node: str, command: str, ok: bool = True, seconds: float = 600, text: str = "") -> str:
        """Run *command* on *node* as Vagrant's user, over ssh."""
        configuration = self.logs / "ssh"
        if self._ssh is None:
            configuration.write_text(self.vagrant("ssh-config"))
            self._ssh = ["ssh", "-F", str(configuration)]
        done = subprocess.run(
            [*self._ssh, node, command],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        with (self.logs / "commands").open("a") as log:
            log.write(f"\n{node}$ {command}\n{done.stdout}")
        assert (done.returncode == 0) is ok, f"{node}$ {command}\n{done.stdout[-6000:]}"
        return done.stdout

    def forget_addresses(self) -> None:
        """After a machine was made anew."""
        self._ssh = None

    def student(self, command: str, ok: bool = True, seconds: float = 600) -> str:
        """Run *command* on node1 as the user student, as in a terminal of JupyterLab."""
        return self.on("node1", f"sudo -u student -H bash -c {shlex.quote(f'cd; {command}')}", ok, seconds)

    def python(self, code: str, seconds: float = 600):
        """Run *code* on node1 as the student; it puts what is to come back into `answer`."""
        script = f"import json\nfrom podnet_lab import *\n{code}\nprint('\\nANSWER', json.dumps(answer))"
        said = self.on("node1", f"sudo -u student -H {VENV}/python -c {shlex.quote(script)}", seconds=seconds)
        return json.loads(said.rpartition("ANSWER ")[2])
