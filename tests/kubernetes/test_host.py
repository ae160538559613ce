"""The machine is as it was: no setting, cgroup, mount or process of a Kubernetes is left, whether its lab is closed or killed."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from live.helpers import ROOT, environment, podnet, traces, until
from live.test_host import host

from podnet_lab import Lab

LIFE = """
import json, sys
from live.helpers import of_lab
from podnet_lab import Lab
lab = Lab.open(name="doomed")
status = lab.kubernetes.up(plugin=True)
namespaces, pids = of_lab(lab)
print(json.dumps({"ok": bool(status), "said": str(status), "namespaces": namespaces, "pids": pids}), flush=True)
sys.stdin.readline()
"""

RUNS = re.compile(
    r"/(random|pty|tty|keys|usermodehelper|ns_last_pid|inode-(nr|state)|file-nr|dentry-state|dquot|nf_conntrack_count|tcp_.*_count|stat_refresh|"
    r"compact_memory|drop_caches|perf_event_max_sample_rate|perf_event_mlock_kb|sched_domain|mld_qrv|cad_pid|aio-nr|quota|epoll)(/|$|_)"
)
"""Numbers that run by themselves, and what is there to be written alone."""


def settings():
    """What this machine's kernel is set to, as far as this user may read it."""
    found = {}
    for path in Path("/proc/sys").rglob("*"):
        if path.is_file() and not RUNS.search(str(path)):
            try:
                found[str(path)] = path.read_bytes()
            except OSError:
                continue  # to be written alone, or not for this user
    return found


def cgroups():
    return {folder for folder, _, _ in os.walk("/sys/fs/cgroup")}


def everything():
    return {
        "network": host(),
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "host name": os.uname().nodename,
        "folders": {place: sorted(os.listdir(place)) for place in ("/etc", "/run", "/var/lib", "/var/log") if os.access(place, os.R_OK)},
    }


def with_kubernetes():
    """A process that has a lab with a Kubernetes, and what it says once all of that runs."""
    begun = subprocess.Popen(
        [sys.executable, "-c", LIFE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=f"{ROOT / 'tests'}:{ROOT}"),
        start_new_session=True,
    )
    told = json.loads(begun.stdout.readline())
    assert told["ok"], told["said"]
    return begun, told


@pytest.mark.parametrize("ending", ["close", "kill -9"])
def test_the_machine_is_as_it_was(ending):
    with Lab.open(name="first") as lab:
        lab["node1"].shell("iptables -t nat -L; true")  # a first use may load modules, which add keys
    before, keys, groups = everything(), settings(), cgroups()
    begun, told = with_kubernetes()
    during = settings()
    assert {key for key, value in keys.items() if during.get(key) != value} == set()
    assert len(told["pids"]) > 20
    if ending == "close":
        begun.communicate("\n", timeout=60)
    else:
        begun.send_signal(signal.SIGKILL)
        begun.communicate(timeout=60)
    until(lambda: not traces(told["namespaces"], told["pids"]), 5, "the end of its namespaces")
    after, now = everything(), settings()
    assert {what for what in before if before[what] != after[what]} == set()
    assert len(keys) > 500
    assert {key: now.get(key) for key, value in keys.items() if now.get(key) != value} == {}
    assert cgroups() - groups == set()


def test_a_terminal_shows_all_of_it_in_a_lab_of_its_own():
    done = podnet("kubernetes", "demo", "--json", seconds=400)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["ok"]
    assert found["pairs"].startswith("42 of 42 ordered pairs reached")
    assert [node["ready"] for node in found["status"]["nodes"]] == [True] * 3
    assert sorted(pod["name"].partition("-")[0] for pod in found["status"]["pods"]) == ["client"] * 4 + ["web"] * 3


def test_without_a_kubernetes_it_is_said_how_to_get_one():
    with Lab.open(name="none"):
        for words in ("status", "down"):
            done = podnet("kubernetes", words, "--lab", "none")
            assert "no Kubernetes runs in this lab" in done.stdout + done.stderr
            assert (done.returncode == 0) is (words == "down")
