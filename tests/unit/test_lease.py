"""Who holds the lab of the VMs, and what holders made."""

import os

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.kernel import lease as lease_module
from podnet_lab.kernel.lease import Lease


@pytest.fixture
def leases(monkeypatch, tmp_path):
    monkeypatch.setattr(lease_module, "PATH", str(tmp_path / "lease"))
    monkeypatch.setattr(lease_module, "MADE", str(tmp_path / "made"))
    monkeypatch.setattr(lease_module, "GRACE", 0.05)
    made = [Lease(), Lease()]
    yield made
    for one in made:
        if one._descriptor is not None:
            os.close(one._descriptor)


def test_one_holds_the_lab_and_the_other_is_told_who(leases):
    first, second = leases
    assert first.take("03_veth.ipynb (process 7)", take_over=False) is None
    assert second.take("somebody", take_over=False) == "03_veth.ipynb (process 7)"
    os.close(first._descriptor)
    first._descriptor = None
    assert second.take("somebody", take_over=False) is None


def test_taking_over_ends_the_holders_agent_and_nobody_else(leases, monkeypatch):
    first, second = leases
    first.take("first", take_over=False)
    ended = []

    def kill(pid, _):
        ended.append(pid)
        os.close(first._descriptor)
        first._descriptor = None

    monkeypatch.setattr(os, "kill", kill)
    assert second.take("second", take_over=True) is None
    assert ended == [os.getpid()], "the pid that the file names has the file open"
    assert second.take("second", take_over=True) is None, "it is its own already"
    assert ended == [os.getpid()]


def test_a_process_that_is_not_the_holder_is_not_ended(leases, monkeypatch):
    """The file may name one that ended, and whose number another process has."""
    first, second = leases
    first.take("first", take_over=False)
    os.pwrite(first._descriptor, b'{"holder": "old", "pid": 1}   ', 0)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("it was ended"))
    assert second.take("second", take_over=True) is not None


def test_what_holders_made_is_kept_until_it_is_said_anew(leases):
    first, second = leases
    assert first.recall() == []
    first.remember([["node1", "a"]], anew=False)
    second.remember([["node2", "b"]], anew=False)
    assert first.recall() == [["node1", "a"], ["node2", "b"]]
    first.remember([], anew=True)
    assert second.recall() == []
