"""Before any VM: the Vagrantfile is right for both providers, and says in a student's words what is wrong."""

import socket

import pytest


@pytest.mark.parametrize("provider", ["virtualbox", "libvirt"])
def test_the_vagrantfile_is_valid(host, provider):
    """For VirtualBox without VirtualBox: this machine has none."""
    said = host.vagrant("validate", "--ignore-provider", VAGRANT_DEFAULT_PROVIDER=provider)
    assert "validated successfully" in said


def test_the_vagrantfile_is_valid_with_the_provider(host):
    assert "validated successfully" in host.vagrant("validate")


WRONG = {
    "too little memory": ({"PODNET_MEMORY": "256"}, "JupyterLab needs at least 768"),
    "memory in words": ({"PODNET_MEMORY": "1 GB"}, "memory in MB"),
    "too little for the others": ({"PODNET_OTHER_MEMORY": "64"}, "at least 256"),
    "a port that is none": ({"PODNET_PORT": "80a"}, "number from 1024"),
    "a box's name that can't be": ({"PODNET_BOX": "no box"}, "not the name of a box"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(host, name):
    environment, words = WRONG[name]
    said = host.vagrant("up", ok=False, **environment)
    assert words in said
    assert ".rb:" not in said, "no Ruby traceback"


def test_a_box_that_is_not_there(host):
    said = host.vagrant("up", "node1", ok=False, PODNET_BOX="podnet/nothing")
    assert "podnet/nothing" in said
    assert "PODNET_BOX" in said


def test_a_port_that_is_taken(host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = host.vagrant("up", "node1", ok=False, PODNET_PORT=port)
    assert f"Port {port} on this computer is taken" in said
    assert "not created" in host.vagrant("status", "node1"), "nothing was made"
