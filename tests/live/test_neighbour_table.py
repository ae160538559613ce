"""A full table of neighbours, which all namespaces of a machine share, is told as that; labs take turns to fill it."""

import fcntl
import itertools
import os
import re
import time

import pytest

from live.helpers import VMS
from podnet_lab.backends import running_labs
from podnet_lab.checks.reachability import Verdict
from podnet_lab.lab import neighbour_table, ping_pairs
from podnet_lab.lab.neighbour_table import FULL, turn


@pytest.fixture
def silent(wired, monkeypatch):
    """Nothing arrives at pod-2-2, and nobody sees a reason."""
    wired["node2"].shell("nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'")
    monkeypatch.setattr("podnet_lab.explain.explanation.first_cause", lambda *_: None)
    return wired


@pytest.mark.nft
def test_silence_is_silence_where_the_table_was_never_full(silent, monkeypatch):
    monkeypatch.setattr(ping_pairs, "overflows", lambda: 7)
    assert silent.ping("pod-1-2", "pod-2-2", patience=0.3).verdict == Verdict.NO_REPLY
    assert not any(ping.why == FULL for ping in silent.matrix())


@pytest.mark.nft
def test_silence_while_it_was_full_could_not_be_tested(silent, monkeypatch):
    monkeypatch.setattr(ping_pairs, "overflows", itertools.count().__next__)
    tried = silent.ping("pod-1-2", "pod-2-2", patience=0.3)
    assert (tried.verdict, tried.why) == (Verdict.NOT_TESTED, FULL)
    assert not tried
    assert "gc_thresh3=8192" in str(tried)
    lost = [ping for ping in silent.matrix() if not ping]
    assert {(ping.verdict, ping.why) for ping in lost} == {(Verdict.NOT_TESTED, FULL)}
    exam = silent.check()
    assert not exam
    assert FULL in str(exam)


def test_what_has_a_reason_keeps_it(wired, monkeypatch):
    monkeypatch.setattr(ping_pairs, "overflows", itertools.count().__next__)
    wired["node2"].shell("ip link set veth-2-2-br down")
    tried = wired.ping("pod-1-2", "pod-2-2", patience=0.3)
    assert tried.verdict == Verdict.NO_REPLY
    assert "veth-2-2" in tried.why


def test_the_kernels_count_is_read(tmp_path, monkeypatch):
    heads = "entries  allocs   destroys hash_grows lookups  table_fulls"
    (tmp_path / "arp_cache").write_text(f"{heads}\n00000005 00004f06 00004f00 00000003 00023ac3 0000001f\n00000005 1 1 0 2 00000001\n")
    monkeypatch.setattr(neighbour_table, "COUNTS", str(tmp_path / "arp_cache"))
    assert neighbour_table.overflows() == 32
    for broken in ("", "entries\n1\n", f"{heads}\n0 1\n", f"{heads}\n1 1 1 1 1 xyz\n"):
        (tmp_path / "arp_cache").write_text(broken)
        assert neighbour_table.overflows() == 0
    monkeypatch.setattr(neighbour_table, "COUNTS", str(tmp_path / "missing"))
    assert neighbour_table.overflows() == 0


@pytest.mark.skipif(VMS, reason="there is one lab of VMs")
def test_labs_take_turns_and_wait_for_nobody_for_ever(running, monkeypatch):
    folder = os.open(running_labs.folder(), os.O_RDONLY)
    try:
        with turn(), pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as somebody who was stopped
        monkeypatch.setattr(neighbour_table, "PATIENCE", 0.2)
        start = time.monotonic()
        with turn():
            assert time.monotonic() - start >= 0.2
    finally:
        os.close(folder)
    assert not [path for path in running_labs.folder().iterdir() if not re.search(r"\.(json|baseline)$", path.name)]
