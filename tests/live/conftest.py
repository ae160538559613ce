"""A lab for each file of live tests, as new for each test."""

import os

import pytest

from live.fault_cases import NetworkLabs, network_labs
from live.fresh_lab import FreshLab
from live.helpers import VMS
from live.web_service import PEOPLE, WEB
from podnet_lab import Lab
from podnet_lab.networks.registry import LESSON


@pytest.fixture(scope="session", autouse=True)
def own_folder_of_labs(tmp_path_factory):
    """Labs of these tests are listed apart: other labs of the same user are nobody's business here."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("runtime"))
    yield
    if before is None:
        del os.environ["XDG_RUNTIME_DIR"]
    else:
        os.environ["XDG_RUNTIME_DIR"] = before


@pytest.fixture(scope="module")
def running():
    """A lab of three nodes, planned for two Pods each; for the whole file."""
    with Lab.open(name="tests") as lab:
        yield lab


@pytest.fixture
def lab(running):
    """The file's lab, as it was opened."""
    running.reset()
    return running


@pytest.fixture(scope="module")
def fresh_running():
    """What gives a lab as new at the lesson's end, time and again; for the whole file."""
    with FreshLab() as held:
        yield held


@pytest.fixture
def fresh(fresh_running):
    """A lab at the lesson's end, with nothing left of other tests: for what leaves more behind than `reset` is asked to bring back."""
    return fresh_running.lab()


@pytest.fixture(scope="module")
def other_running():
    """A second lab, in which what is printed is run."""
    with Lab.open(name="by-hand") as lab:
        yield lab


@pytest.fixture
def other(other_running):
    """The second lab, as it was opened."""
    other_running.reset()
    return other_running


@pytest.fixture
def wired(lab):
    """The file's lab, with the whole planned cluster wired."""
    lab.build()
    return lab


@pytest.fixture(scope="module")
def small_running(request):
    """A lab of two nodes, planned for one Pod each; for the whole file. Of goto it is the VMs', where there are: three."""
    vms = VMS and request.module.__name__.endswith("test_goto")  # other files have `running`, and the VMs are one lab
    with Lab.open(nodes=3 if vms else 2, pods=1, name="small", where=None if vms else "namespaces") as lab:
        yield lab


@pytest.fixture
def small(small_running):
    """The small lab, as it was opened."""
    small_running.reset()
    return small_running


@pytest.fixture
def served(wired):
    """A wired cluster with something to reach: a server in the first Pod of each node."""
    for name in PEOPLE:
        wired.serve(name)
    return wired


@pytest.fixture
def web(served):
    """And a Service for them."""
    served.services(WEB)
    return served


@pytest.fixture(scope="module")
def other_networks():
    """Labs of Pod networks beside the lesson's; for the whole file."""
    yield from network_labs()


@pytest.fixture
def whole(request, other_networks: NetworkLabs):
    """A lab of the network that a test's parameter *network* names, wired."""
    network = request.node.callspec.params["network"]
    return request.getfixturevalue("wired") if network == LESSON else other_networks.whole(network)
