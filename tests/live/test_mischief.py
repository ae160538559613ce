"""
Right or unsure, whatever an outsider types: what an explanation says is held against what arrives.

Networks of eight shapes, commands drawn from a grammar that knows nothing of what is judged, truth by sockets inside.
`python -m live.mischief SEED` (in `tests/`) plays one network again; what may be wrong there is said in full.
"""

import json
import subprocess
import sys

import pytest

from live.helpers import ROOT, VMS, environment
from live.mischief.outcome import RIGHT, UNSURE, WRONG, Found, judged
from live.mischief.report import report

WORKERS = 2
CASES, PARTS = 200, 5
MOST_UNSURE = 0.1
MOST_REFUSED = 0.25

pytestmark = [pytest.mark.lab, pytest.mark.nft, pytest.mark.skipif(VMS, reason="the shapes are wired in namespaces")]


def _run(first: int, cases: int, seconds: float) -> Found:
    """The networks from seed *first* on, in as many processes as there are workers, until so many cases were judged."""
    command = [sys.executable, "-m", "live.mischief", "--json", "--step", str(WORKERS), "--cases", str(cases // WORKERS)]
    env = environment(PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}")
    running = [
        subprocess.Popen([*command, str(first + k)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        for k in range(WORKERS)
    ]
    found = Found()
    try:
        for one in running:
            printed, complaint = one.communicate(timeout=seconds)
            assert one.returncode == 0, complaint
            found.add(Found.from_json(json.loads(printed)))
    finally:
        for one in running:
            one.kill()
            one.wait()
    return found


def _held(found: Found, cases: int, record_property) -> None:
    told = report(found)
    record_property("counted", told)
    assert found.cases >= cases, told
    assert not found.of(WRONG), told
    assert len(found.of(UNSURE)) <= MOST_UNSURE * len(found.outcomes), told
    assert not found.unmended, told
    assert not found.left, told
    assert sum(found.refused.values()) <= MOST_REFUSED * sum(found.typed.values()), told
    assert {"works", "broken"} <= {one.truth for one in found.of(RIGHT)}, "mischief that never breaks anything shows nothing"


@pytest.fixture(scope="module")
def found_so_far():
    """What the parts of two hundred cases have found, by their first seed."""
    return {}


@pytest.mark.parametrize("part", range(PARTS))
def test_of_two_hundred_mischiefs_none_is_told_wrong(part, found_so_far):
    """In parts: who waits to be alone on this machine waits for one of them."""
    found = found_so_far[part] = _run(part * 1000, CASES // PARTS, 400)
    assert not found.of(WRONG), report(found)


def test_what_is_said_of_two_hundred_mischiefs_is_true_or_unsure(record_property, found_so_far):
    assert set(found_so_far) == set(range(PARTS)), "all parts have run"
    found = Found()
    for one in found_so_far.values():
        found.add(one)
    _held(found, CASES, record_property)


@pytest.mark.long
def test_what_is_said_of_a_thousand_mischiefs_is_true_or_unsure(record_property):
    _held(_run(10_000, 1000, 2000), 1000, record_property)


@pytest.mark.parametrize(
    ("said", "truth", "verdict"),
    [
        ("healthy", "works", "right"), ("cause", "broken", "right"), ("healthy", "broken", "wrong"), ("cause", "works", "wrong"),
        ("unsure", "broken", "unsure"),
        ("unsure", "works", "unsure"), ("healthy", "flaky", "excluded"), ("cause", "elsewhere", "excluded"),
        ("crashed", "flaky", "wrong"), ("refused", "works", "wrong"),
    ],
)  # fmt: skip
def test_what_counts_as_wrong(said, truth, verdict):
    assert judged(said, truth) == verdict
