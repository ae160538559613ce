"""A machine, or a shell, that allows too little: it is said which limit or disk that is, and nothing half is left."""

import os
import re
import resource
import signal
import subprocess
import sys

import pytest

from live.helpers import VMS, environment, limited
from podnet_lab.backends import doctor, limits
from podnet_lab.errors import CannotRun

pytestmark = pytest.mark.skipif(VMS, reason="a lab of VMs has its processes elsewhere")

OPEN = r"""
import sys
from podnet_lab import Lab
from podnet_lab.errors import PodnetError
try:
    with Lab.open(nodes=2, pods=1, name="limited", where="namespaces") as lab:
        print("opened", bool(lab.goto("done")))
except PodnetError as error:
    print(type(error).__name__, error)
"""


def opened(allowed, folder, prefix=()):
    """What opening a lab in a process of its own says, under limits {RLIMIT_…: number}; and what it left in *folder*."""

    def limit():
        for number, soft in allowed.items():
            resource.setrlimit(number, (soft, soft))

    command = [*prefix, sys.executable, "-c", OPEN]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limit,
        env=limited(XDG_RUNTIME_DIR=str(folder)),
    )
    # Without memory Python itself may fall at its very end, after all was said.
    assert done.returncode == 0 or (resource.RLIMIT_AS in allowed and done.returncode == -signal.SIGSEGV), done.stderr[-2000:]
    return done.stdout.strip(), sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


TIGHT = {
    "files": ({resource.RLIMIT_NOFILE: 8}, r"CannotRun .*limit of open files is reached: `ulimit -n` allows 8; `ulimit -n 1024`"),
    "size": (
        {resource.RLIMIT_FSIZE: 100},
        r"(CannotRun|LabError) .*(limit of the size of a file is reached: `ulimit -f` allows 100 bytes|can't be kept)",
    ),
    "no size": ({resource.RLIMIT_FSIZE: 0}, r"(CannotRun|LabError) .*(`ulimit -f` allows 0 bytes|can't be kept)"),
    "memory": ({resource.RLIMIT_AS: 60 << 20}, r"CannotRun .*`ulimit -v` allows 62,914,560 bytes"),
    "processes": ({resource.RLIMIT_NPROC: 3}, r"CannotRun .*limit of processes is reached: `ulimit -u` allows 3"),
}


@pytest.mark.parametrize("what", TIGHT)
def test_a_limit_that_is_reached_is_named(what, tmp_path):
    if what == "processes" and os.geteuid() == 0:
        what = "files"  # root's processes are not counted (setrlimit(2)); the ordinary user's run tests it
    allowed, says = TIGHT[what]
    said, left = opened(allowed, tmp_path)
    assert re.match(says, said, re.DOTALL), said
    assert left == []


def test_without_limits_it_opens(tmp_path):
    assert opened({}, tmp_path) == ("opened True", [])


FULL = 'mount -t tmpfs -o size=16k tmpfs $XDG_RUNTIME_DIR && { head -c 100k /dev/zero > $XDG_RUNTIME_DIR/full; } 2> /dev/null; exec "$@"'


def test_a_full_disk_is_named_with_its_file(tmp_path):
    before = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", f"{FULL}", "bash"]
    look = ["bash", "-c", '"$@"; ls -A $XDG_RUNTIME_DIR', "bash"]
    said, _ = opened({}, tmp_path, [*before, *look])
    assert re.match(r"LabError \S+/podnet_lab-0[^/]*/\d+-limited.baseline can't be written: there is no room left on the disk", said), said
    assert said.splitlines()[1:] == ["full"], "nothing of it is left"


@pytest.mark.parametrize("do", ["become_lab", "become_node", "cable", "uplink", "unmanaged_state", "read"])
def test_an_agent_that_is_killed_while_it_opens(do, tmp_path):
    """Whatever it was about to be asked: it is said that the lab did not start, at once, and nothing is left."""
    hook = f"""
import os
from podnet_lab.backends import agent_client
really = agent_client.AgentClient.start
def start(self, do, **arguments):
    if do == {do!r}:
        (child,) = open("/proc/self/task/" + str(os.getpid()) + "/children").read().split()
        os.kill(int(child), 9)
        os.waitid(os.P_PID, int(child), os.WEXITED | os.WNOWAIT)
    return really(self, do, **arguments)
agent_client.AgentClient.start = start
"""
    done = subprocess.run(
        [sys.executable, "-c", hook + OPEN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(XDG_RUNTIME_DIR=str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.match(r"(CannotRun|LabGone) ", done.stdout), done.stdout
    assert list(tmp_path.rglob("*")) == []


def test_the_doctor_speaks_of_a_low_limit(monkeypatch):
    assert limits.low() == []
    monkeypatch.setattr(limits, "_soft", lambda limit: 17 if limit.flag == "-n" else float("inf"))
    assert limits.low() == [("limit of open files", "`ulimit -n` allows 17", "`ulimit -n 1024`, in the shell before, raises it")]
    found = [str(finding) for finding in doctor.examine().findings if finding.name == "limit of open files"]
    assert found == ["off   limit of open files: `ulimit -n` allows 17\n      `ulimit -n 1024`, in the shell before, raises it"]
    monkeypatch.setattr(limits, "LEAST_ROOM", 1 << 62)
    assert limits.low()[-1][1] == "the disk is full"


def test_an_error_that_is_no_limits_is_not_called_one():
    assert limits.reached(OSError(2, "No such file or directory")) == ""
    assert "No such file" in limits.why(CannotRun("No such file"))
