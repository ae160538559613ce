"""Flannel's agents and their etcd, when the process that opened the lab dies."""

import json
import os
import signal
from pathlib import Path

import pytest

from live.helpers import owner, traces, until

pytestmark = [
    pytest.mark.nft,
    pytest.mark.etcd,
]


OWNER = """
import json, os, sys
sys.path.insert(0, os.environ["PODNET_TESTS"])
from live.helpers import of_lab
from podnet_lab import Lab
from podnet_lab.networks.flannel import control_plane
lab = Lab.open(network="flannel", pods=1, name="doomed")
lab.goto("peers")
lab.run(control_plane.start_etcd(lab.plan))
lab["node1"].shell(control_plane.put_config())
lab.run(control_plane.start_agents(lab.plan))
names = [process.daemon for node in lab for process in node.snapshot().processes]
namespaces, pids = of_lab(lab)
print(json.dumps({"names": names, "namespaces": namespaces, "pids": pids}), flush=True)
sys.stdin.readline()
"""


@pytest.mark.alone
def test_the_death_of_the_lab_leaves_neither_etcd_nor_agents(monkeypatch):
    monkeypatch.setenv("PODNET_TESTS", str(Path(__file__).parents[1]))
    process = owner(OWNER)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        found = json.loads(line)
        assert {"etcd", "flannel-agent"} == set(found["names"])
        assert traces(found["namespaces"], found["pids"])
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not traces(found["namespaces"], found["pids"]), 2.0)
    finally:
        process.kill()
        process.communicate()
