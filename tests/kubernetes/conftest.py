"""One lab with a real Kubernetes for a whole file: it takes half a minute to start."""

import pytest
from live.conftest import own_folder_of_labs  # noqa: F401 - for these labs, too

from podnet_lab import Lab
from podnet_lab.kubernetes.binaries import find


@pytest.fixture(scope="session", autouse=True)
def binaries():
    """Kubernetes' programs; `make test-kubernetes` has built them. Without any, all of this fails, and says how to get them."""
    return find()


@pytest.fixture(scope="module")
def lab(binaries):
    """A lab of three nodes, whose Kubernetes tests start."""
    with Lab.open(name="kubernetes-tests") as lab:
        yield lab


@pytest.fixture(scope="module")
def cluster(lab):
    """The lab's Kubernetes, as `up` leaves it, or as the tests before have left it."""
    lab.kubernetes.up()
    return lab.kubernetes


@pytest.fixture(scope="module")
def working(cluster):
    """The same with the lab's plugin and the workload's seven Pods."""
    cluster.install_plugin()
    assert cluster.workload()
    return cluster
