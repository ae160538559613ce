"""
Can this machine run a lab? Found out by trial, not by asking who the user is; and what to do if it can't.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from podnet_lab.backends import limits, vms
from podnet_lab.backends.netns_commands import lab_command
from podnet_lab.daemons import registry as daemons
from podnet_lab.errors import LabError
from podnet_lab.kernel import nobodys_id

TOOLS = {"setpriv": "util-linux", "setsid": "util-linux", "unshare": "util-linux", "bash": "bash"}
"""Programs without which no lab runs, and Debian's package of each."""

WISHES = {
    "ip": ("iproute2", "the shell cells need it"),
    "nsenter": ("util-linux", "`podnet shell`, `check` and the like need it"),
    "nft": ("nftables", "Services (notebook 7) need it"),
    **{name: (daemon.PACKAGE, daemon.USED_FOR) for name, daemon in daemons.modules().items()},
}
"""Programs that a part of the product needs."""

FEATURES_USED = {"nftables": "Services (notebook 7) and the last case of notebook 8 need it"}
UNUSED = "no notebook needs it"
"""What is said of a feature of the kernel that is missing: which part of the product is without it."""

VMS = "or use three virtual machines: `vagrant up`, see docs/virtual-machines.md"
APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
PATIENCE = 20


@dataclass(frozen=True)
class Finding:
    """One thing that was tried: *problem* None if it works; *remedy* is what to do; *needed* if no lab runs without."""

    name: str
    problem: str | None = None
    remedy: str = ""
    needed: bool = True

    def __str__(self) -> str:
        if self.problem is None:
            return f"ok    {self.name}"
        sign = "FAIL " if self.needed else "off  "
        return f"{sign} {self.name}: {self.problem}" + (f"\n      {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Diagnosis:
    """All findings; true if a lab can run."""

    findings: tuple[Finding, ...] = field(default=())

    def __bool__(self) -> bool:
        return not any(finding.problem and finding.needed for finding in self.findings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))

    @property
    def failures(self) -> str:
        """What keeps a lab from running, in words."""
        return "\n".join(str(finding) for finding in self.findings if finding.problem and finding.needed)


def examine() -> Diagnosis:
    """Try everything, in about a tenth of a second."""
    if platform.system() != "Linux":
        return Diagnosis((Finding("Linux", f"this is {platform.system()}", f"a lab needs a Linux kernel: {VMS[3:]}"),))
    if (config := vms.here()) is not None and config["node"] == vms.FIRST:
        return Diagnosis(tuple(_vms()))
    tools = [
        Finding(f"program {tool}", "not found", f"sudo apt install {package}") for tool, package in TOOLS.items() if not shutil.which(tool)
    ]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    wishes = [
        Finding(f"program {tool}", f"not found; {use}", f"sudo apt install {package}", needed=False)
        for tool, (package, use) in WISHES.items()
        if not shutil.which(tool, path=path)
    ]
    low = [Finding(what, holds, helps, needed=False) for what, holds, helps in limits.low()]
    if tools:
        return Diagnosis((*tools, *low, *wishes))
    return Diagnosis((*_trial(), *low, *wishes))


def _vms() -> list[Finding]:
    """What the kernel of each of the lab's VMs can do."""
    try:
        backend = vms.VmsBackend.to_ask()
    except LabError as error:
        return [Finding("the lab's VMs", str(error))]
    try:
        answers = [(name, agent.start("features")) for name, agent in backend.agents.items()]
        features = [(name, answer()) for name, answer in answers]
    finally:
        backend.close()
    of_each = [Finding(f"{name}: {feature}", problem, needed=False) for name, tried in features for feature, problem in tried.items()]
    return [*(Finding(f"{name} answers") for name, _ in features), *of_each]


def _trial() -> list[Finding]:
    command = [*shlex.split(lab_command(sys.executable, user=nobodys_id.for_root())), "-m", "podnet_lab.kernel.feature_probe"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Finding("namespaces", str(error), VMS)]
    if done.returncode != 0:
        return [Finding("namespaces of your own", _last_line(done.stderr), remedy(done.stderr))]
    tried = json.loads(done.stdout)
    needed = [Finding(name, problem, VMS if problem else "") for name, problem in tried["needed"].items()]
    used = {name: problem and f"{problem}; {FEATURES_USED.get(name, UNUSED)}" for name, problem in tried["features"].items()}
    features = [Finding(name, problem, needed=False) for name, problem in used.items()]
    return [Finding("namespaces of your own"), *needed, *features]


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "the trial ended without a word"


def _says(path: str, value: str) -> bool:
    try:
        return Path(path).read_text().strip() == value
    except OSError:
        return False


def remedy(stderr: str, says=_says) -> str:
    """What to do, judged by the settings that are known to refuse a user namespace; *says* reads a setting."""
    if says(APPARMOR, "1"):
        return f"Ubuntu's AppArmor keeps users from it: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 ({VMS})"
    if says("/proc/sys/user/max_user_namespaces", "0"):
        return f"this machine allows no user namespaces: sudo sysctl -w user.max_user_namespaces=15000 ({VMS})"
    if says("/proc/sys/kernel/unprivileged_userns_clone", "0"):
        return f"this kernel keeps users from it: sudo sysctl -w kernel.unprivileged_userns_clone=1 ({VMS})"
    if any(words in stderr for words in ("fork failed", "can't start new thread")):
        return limits.reached(stderr) or f"a limit of processes is reached ({VMS})"
    if "No space left on device" in stderr:
        return f"a limit of namespaces is reached (`sysctl user` shows them): sudo sysctl -w user.max_net_namespaces=15000 ({VMS})"
    if "mount" in stderr or Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return f"this looks like a container without the rights: start it with --privileged ({VMS})"
    if "No module named" in stderr or "Permission denied" in stderr:
        return f"the interpreter {sys.executable} can't be used from inside: is it readable for you alone?"
    return f"use a Linux where users may make namespaces, {VMS}"


def explain_failure(what: str, error: Sequence | BaseException) -> str:
    """The message for a lab that did not start."""
    if limits.reached(error) or (limits.low() and getattr(error, "errno", None) not in limits.OF_FILES):
        return f"{what} did not start: {limits.why(error)}"
    diagnosis = examine()
    return f"{what} did not start ({error})" if diagnosis else f"this machine can't run a lab\n{diagnosis.failures}"
