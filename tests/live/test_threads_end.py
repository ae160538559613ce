"""No thread of ours is left when a lab is closed, or could not be opened: Python, ending beside one, may crash."""

import subprocess
import sys
import threading

import pytest

from live.helpers import VMS, environment, limited
from podnet_lab.backends.own_threads import JoinedThreads

pytestmark = pytest.mark.skipif(VMS, reason="opens labs of its own, on this machine")

HEAD = """
import resource, threading
from podnet_lab import Lab
from podnet_lab.errors import PodnetError

def show():
    print([thread.name for thread in threading.enumerate()])
"""
OPENED = "lab = Lab.open(nodes=2, name='ended', where='namespaces'); print(threading.active_count() > 1); lab.close(); show()"
REFUSED = """
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    Lab.open(nodes=2, name="ended", where="namespaces")
except PodnetError as error:
    print("ulimit -f" in str(error))
show()
"""
JOINED = """
lab = Lab.open(nodes=2, name="ended", where="namespaces")
print(threading.active_count() > 1)
joined = Lab.join("ended")
joined.close()
lab.close()
show()
"""


@pytest.mark.parametrize("script", [OPENED, REFUSED, JOINED], ids=["opened", "refused", "joined"])
def test_no_thread_is_left(script, tmp_path):
    own = limited(XDG_RUNTIME_DIR=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", HEAD + script], capture_output=True, text=True, timeout=60, check=False, env=own)
    assert (done.returncode, done.stdout) == (0, "True\n['MainThread']\n"), done.stderr


def test_threads_of_execnet_are_ones_that_can_be_waited_for():
    """Its own are not known to Python's `threading`: nobody could wait for them."""
    script = HEAD + "lab = Lab.open(nodes=2, name='ended', where='namespaces'); show(); lab.close()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, env=environment())
    assert done.stdout.count("podnet-execnet") >= 3, done.stdout + done.stderr  # one for each agent: two nodes, and outside


def test_threads_that_are_started_on_threads_are_waited_for():
    """As execnet does when it ends several agents: one in twenty was lost to another that was started at that moment."""
    interval = sys.getswitchinterval()
    threads, ended, before = JoinedThreads(), threading.Event(), set(threading.enumerate())
    starters = [threading.Thread(target=lambda: [threads.start(ended.wait, (60,)) for _ in range(40)]) for _ in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        assert len(threads._started) == 8 * 40
        assert not threads.join(0.01)
    finally:
        sys.setswitchinterval(interval)
        ended.set()
    assert threads.join(30)
    assert set(threading.enumerate()) == before
