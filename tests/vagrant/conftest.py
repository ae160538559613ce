"""Three VMs, up once for all of these tests. Started by tests/vagrant/run, which says where the project and the box are."""

import os
import sys
from pathlib import Path

import pytest

from vagrant.vms import LINE, Vms

COPY = "sudo sh -c 'cd ~student && rm -rf tests && cp -r /opt/podnet-tests tests && chown -R student tests'"
"""The tests, for the student, as vm/provision keeps them where PODNET_TESTS is set."""


@pytest.fixture(scope="session")
def host():
    """The computer that will run the VMs: Vagrant, the project, and the box."""
    if "PODNET_VAGRANT_PROJECT" not in os.environ:
        pytest.fail("these tests need what `make test-vagrant` prepares: start them with that")
    found = Vms(Path(os.environ["PODNET_VAGRANT_PROJECT"]), Path(os.environ["PODNET_VAGRANT_LOGS"]))
    found.vagrant("box", "add", "--name", os.environ["PODNET_BOX"], os.environ["PODNET_VAGRANT_BOX"])
    return found


@pytest.fixture(scope="session")
def vms(host):
    """The three VMs, up; destroyed in the end."""
    found = host
    try:
        found.first = found.vagrant("up")
        found.on("node1", COPY)
        yield found
    except BaseException:
        print((found.logs / "vagrant").read_text()[-8000:], file=sys.stderr)
        raise
    finally:
        found.vagrant("destroy", "-f", PODNET_DISCARD="1")


@pytest.fixture(scope="session")
def address(vms):
    """(URL, port, token) of JupyterLab, as `vagrant up` said it."""
    return LINE.search(vms.first).groups()
