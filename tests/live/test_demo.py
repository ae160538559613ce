"""`podnet demo` and `podnet doctor`, as from a terminal; and machines that can't run a lab."""

import json
import os
import sys
from pathlib import Path

import pytest

from live.helpers import podnet
from podnet_lab import Lab, errors
from podnet_lab.backends import doctor


def test_the_demo():
    done = podnet("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "72 of 72 ordered pairs" in done.stdout
    assert "node1# ip netns add pod-1-2" in done.stdout
    assert "FAIL" not in done.stdout
    assert done.stdout.rstrip().endswith("everything holds")


def test_the_demo_as_data():
    done = podnet("demo", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], found["reached"], found["pairs"], len(found["matrix"])) == (0, True, 72, 72, 72)
    assert [rule["ok"] for rule in found["rules"]] == [True, True, True]
    assert all(one["seen_as"] and one["verdict"] == "reached" for one in found["matrix"])


@pytest.mark.parametrize(("nodes", "pods", "pairs"), [(2, 2, 12), (2, 12, 24 * 23)])
def test_the_demo_of_another_size(nodes, pods, pairs):
    done = podnet("demo", "--nodes", str(nodes), "--pods", str(pods))
    assert done.returncode == 0
    assert f"{pairs} of {pairs} ordered pairs" in done.stdout


@pytest.mark.parametrize(
    "words", [("--nodes", "0"), ("--nodes", "245"), ("--pods", "-1"), ("--pods", "254"), ("--nodes", "x"), ("--pods", "1.5")]
)
def test_bad_numbers(words):
    done = podnet("demo", *words)
    assert done.returncode == 2
    assert "Error" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("nodes", "pods"), [("1", "2"), ("2", "1")])
def test_too_few_to_prove_the_rules(nodes, pods):
    """One node has no pair of Pods on two nodes, one Pod none on its own: that rule could not be shown."""
    done = podnet("demo", "--nodes", nodes, "--pods", pods, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "at least 2 nodes of 2 Pods" in done.stderr


def test_the_doctor():
    done = podnet("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "this machine can run a lab" in done.stdout
    assert "FAIL" not in done.stdout
    found = json.loads(podnet("doctor", "--json").stdout)
    assert found["ok"]
    assert {one["name"] for one in found["findings"]} >= {"bridges", "cables (veth)", "nftables", "vxlan", "br_netfilter"}


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces="),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ],
)
def test_remedies(setting, value, said):
    told = doctor.remedy("unshare: failed", lambda path, wanted: (path, wanted) == (setting, value))
    assert said in told
    assert "vagrant up" in told


def test_other_remedies():
    assert "--privileged" in doctor.remedy("unshare: mount /proc failed", lambda *_: False)
    assert "vagrant up" in doctor.remedy("unshare: failed", lambda *_: False)
    assert "user.max_net_namespaces" in doctor.remedy("unshare: unshare failed: No space left on device", lambda *_: False)
    assert "limit of open files is reached: `ulimit -n` allows" in doctor.explain_failure(
        "the lab", OSError("[Errno 24] Too many open files: 'x'")
    )


def test_a_machine_without_the_programs(tmp_path):
    done = podnet("doctor", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "FAIL  program unshare: not found" in done.stdout
    assert "util-linux" in done.stdout
    demo = podnet("demo", PATH=str(tmp_path))
    assert demo.returncode == 3
    assert "can't run a lab" in demo.stderr
    assert "Traceback" not in demo.stderr


def children():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


# What a node's interpreter is instead of one.
BROKEN = {
    "is none": "#!/bin/sh\nexit 1\n",
    "says something else": "#!/bin/sh\necho hello\n",
    "may not mount": '#!/bin/sh\nexec setpriv --bounding-set -sys_admin --inh-caps -sys_admin {python} "$@"\n',
    "may not change the network": '#!/bin/sh\nexec setpriv --bounding-set -net_admin --inh-caps -net_admin {python} "$@"\n',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_lab_that_can_not_start(tmp_path, name):
    wrapper, before = tmp_path / "python", children()
    wrapper.write_text(BROKEN[name].format(python=sys.executable))
    wrapper.chmod(0o755)
    with pytest.raises(errors.CannotRun) as caught:
        Lab.open(nodes=1, pods=1, name="broken", node_python=str(wrapper)).close()
    assert "outside" in str(caught.value) or "node1" in str(caught.value) or "lab" in str(caught.value)
    assert children() == before
    with pytest.raises(errors.CannotRun):
        Lab.open(nodes=1, pods=1, name="broken", node_python=str(tmp_path / "nothing"))
    assert children() == before
