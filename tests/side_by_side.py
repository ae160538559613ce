"""
Tests side by side: with `pytest -n auto` several workers each run whole files, as most of a test is waiting.

A file stays in one worker, since its tests share a lab, its cells a kernel. Labs know nothing of each other; what they share
all the same is told in TOGETHER. xdist runs tests in a worker's main thread, which labs need: they end with the thread that opened them.
"""

import os
from pathlib import Path

import pytest

TOGETHER = {
    "many Pods": ("tests/browser/", "tests/live/test_demo.py", "notebooks/09_how_far_does_it_scale.ipynb"),
}
"""
Files of which one runs at a time, and why: they try all pairs of dozens of Pods, with up to 500 entries in the table of 1,024
neighbours that all namespaces of a machine share. Other labs have some dozens of entries.
"""

_LIVE = """
faults exercises hints mischief unaided agreement grading firewalls calico_ipip pyroute2_program right_or_unsure repairs_told policy_faults
cli cni explain_segments calico flannel_agent interrupt services_edges explain grading_attacks goto_mischief policies join grading_sandbox
services policies_agree processes goto foreign brought_settings reach undo any_arguments cni_runtime cni_exercises
"""
LONGEST = (
    *(f"tests/live/test_{name}.py" for name in ("death", "explain_speed", "flannel_agent_death")),
    "many Pods",
    *(f"tests/live/test_{name}.py" for name in _LIVE.split()),
    "tests/notebooks/test_any_order.py",
    "notebooks/07_services.ipynb",
    "notebooks/11_calico.ipynb",
)
"""
What takes longest, in about this order: it begins first, so that the end is not one file alone.

Before it those that are alone: whoever waits for that waits until all others' tests are over, and they have not begun yet.
"""

DOOR, ROOM = Path(__file__).parents[1] / "conftest.py", Path(__file__)
"""What a worker locks before, and while, it runs a test: any two files do."""

MOST = 8
"""Workers, whatever the machine: they share that table, too."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """
    Seven for two processors; none for a single file, which one worker would run anyway.

    Five left them idle for a fifth of the time: what is waited for is the kernel, which clears namespaces away, and silence.
    """
    files = {argument.partition("::")[0] for argument in config.args}
    if len(files) == 1 and os.path.isfile(*files):
        return 0
    return min(MOST, max(2, (os.cpu_count() or 1) * 7 // 2))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a worker all that may not run beside each other, the longest first."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return group(nodeid)

    config.option.loadscopereorder = False  # by the number of tests says little of how long they take
    return Scheduling(config, log)


def group(nodeid):
    """What a test's file is run together with: a key of TOGETHER, or the file alone."""
    file = nodeid.partition("::")[0]
    return next((name for name, files in TOGETHER.items() if file.startswith(files)), file)


def pytest_collection_modifyitems(config, items):
    """In workers, begin with what takes longest."""
    if hasattr(config, "workerinput"):
        places = {name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(group(item.nodeid), len(places)))


def pytest_terminal_summary(terminalreporter):
    """Show what tests counted, `record_property("counted", text)`, passed or not: what a worker prints is not seen."""
    reports = [report for kept in terminalreporter.stats.values() for report in kept if getattr(report, "when", None) == "call"]
    for report in reports:
        for text in (text for name, text in getattr(report, "user_properties", ()) if name == "counted"):
            terminalreporter.section(report.nodeid)
            terminalreporter.write_line(text)


class Room:
    """Where a worker's tests run: beside those of other workers, or, if they are marked `alone`, while nobody else is in there."""

    def __init__(self):
        self.lock = None

    def enter(self, alone):
        """Wait for the door, at which the others wait while somebody wants to be alone, then for the room."""
        if self.lock is None:
            with locked(DOOR, True):
                self.lock = locked(ROOM, alone)

    def leave(self):
        """Let others in."""
        self.lock.close()
        self.lock = None


def locked(path, alone):
    """An open file with a lock, which ends when it is closed, or its process."""
    import fcntl  # Linux alone has labs, and needs it

    file = path.open()
    fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    return file


ROOM_OF_THIS_WORKER = Room()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """In a worker, enter the room for each test; those marked `alone` that follow each other stay in it."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    ROOM_OF_THIS_WORKER.enter(is_alone(item))
    try:
        return (yield)
    finally:
        if not (is_alone(item) and nextitem and is_alone(nextitem)):
            ROOM_OF_THIS_WORKER.leave()


def is_alone(item):
    """Whether no other test may run meanwhile."""
    return item.get_closest_marker("alone") is not None
