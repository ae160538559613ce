"""Nodes are forked from one Python; they go on without it, and what they start has an end as anywhere."""

import sys

import pytest

from live.helpers import until
from podnet_lab import Lab

COUNTING = """\
#!/bin/sh
echo started >> {log}
exec {python} "$@"
"""
TABLE = "ps -eo pid=,ppid=,stat=,args="


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """A lab, and the file that has a line for each time that its nodes' Python was started."""
    folder = tmp_path_factory.mktemp("nursery")
    wrapper, log = folder / "python", folder / "log"
    wrapper.write_text(COUNTING.format(log=log, python=sys.executable))
    wrapper.chmod(0o755)
    log.touch()
    for path in (folder, log):  # a root's lab is nobody's
        path.chmod(0o777)
    with Lab.open(nodes=5, pods=2, name="nursery", node_python=str(wrapper)) as lab:
        yield lab, log


@pytest.fixture
def lab(counted):
    return counted[0]


def processes(lab):
    """(number, parent, state, words) of all that runs in the lab, as node1's agent says: it is asked even once another has gone."""
    said = []
    assert lab.parts.core.agents["node1"].shell(TABLE, lambda _, data: said.append(data)) == 0
    rows = [line.split(maxsplit=3) for line in b"".join(said).decode().splitlines()]
    return [(int(pid), int(parent), state, words) for pid, parent, state, words in rows]


def nodes(lab):
    return {agent["pid"] for name, agent in lab.parts.core.backend.processes.items() if name != "lab"}


def test_one_python_was_started_for_all_nodes(counted):
    lab, log = counted
    assert log.read_text().splitlines() == ["started"]
    parents = {parent for pid, parent, _, _ in processes(lab) if pid in nodes(lab)}
    assert len(nodes(lab)) == 6  # and `outside`
    assert len(parents) == 1


def test_no_node_has_what_another_has(lab):
    has = {agent["namespaces"][kind] for agent in lab.parts.core.backend.processes.values() for kind in ("net", "mnt", "uts")}
    assert len(has) == 3 * 7
    lab["node1"].shell("mkdir /run/mine; mount -t tmpfs mine /run/mine")
    assert "mine" not in lab["node2"].shell("cat /proc/mounts; ls /run")
    lab["node1"].shell("umount /run/mine; rmdir /run/mine")


def test_what_a_node_starts_ends_with_its_own_status(lab):
    assert lab["node2"].shell("(exit 7); echo $?").strip() == "7"
    program = 'import subprocess; print(subprocess.run(["sh", "-c", "exit 3"]).returncode)'
    assert lab["node2"].shell(f"python3 -c '{program}'").strip() == "3"


def test_nodes_go_on_without_it_and_one_that_is_killed_is_waited_for(lab):
    lab.build()
    (nursery,) = {parent for pid, parent, _, _ in processes(lab) if pid in nodes(lab)}
    assert nursery != 1
    lab["node1"].shell(f"kill -9 {nursery}")
    until(lambda: {parent for pid, parent, _, _ in processes(lab) if pid in nodes(lab)} == {1}, 5)
    assert lab.check()
    last = lab.parts.core.backend.processes["node5"]["pid"]
    lab["node1"].shell(f"kill -9 {last}")
    until(lambda: not lab.alive, 5)
    until(lambda: last not in {pid for pid, *_ in processes(lab)}, 5)
