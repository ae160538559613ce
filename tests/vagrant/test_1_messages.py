"""Before any VM: the Vagrantfile is right for both providers, and says in a student's words what is wrong."""

import os
import socket

import pytest


def test_the_vagrantfile_is_valid_for_libvirt(host):
    assert "validated successfully" in host.vagrant("validate")


def test_the_vagrantfile_is_valid_for_virtualbox(host, tmp_path):
    """With all of its settings: Vagrant looks at those of a provider only if it finds the provider."""
    program = tmp_path / "VBoxManage"
    program.write_text("#!/bin/sh\necho 7.0.20r163906\n")
    program.chmod(0o755)
    found = {"VAGRANT_DEFAULT_PROVIDER": "virtualbox", "PATH": f"{tmp_path}:{os.environ['PATH']}", "PODNET_BOX": ""}
    assert "validated successfully" in host.vagrant("validate", **found)
    vagrantfile = host.project / "Vagrantfile"
    text = vagrantfile.read_text()
    try:
        vagrantfile.write_text(text.replace("linked_clone", "linked_klone"))
        assert "linked_klone" in host.vagrant("validate", ok=False, **found)
    finally:
        vagrantfile.write_text(text)


WRONG = {
    "too little memory": ({"PODNET_MEMORY": "256"}, "JupyterLab needs at least 768"),
    "memory in words": ({"PODNET_MEMORY": "1 GB"}, "memory in MB"),
    "too little for the others": ({"PODNET_OTHER_MEMORY": "64"}, "at least 256"),
    "a port that is none": ({"PODNET_PORT": "80a"}, "number from 1024"),
    "a folder without Kubernetes": ({"PODNET_KUBERNETES": "/var/empty"}, "has no kube-apiserver, kube-controller-manager"),
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
    assert "is PODNET_BOX right?" in said
    assert "podnet/nothing" in said.rpartition("PODNET_BOX")[2], "Vagrant's own error names it, too"


def test_a_port_that_is_taken(host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = host.vagrant("up", "node1", ok=False, PODNET_PORT=port)
        assert f"Port {port}" in host.vagrant("up", "node1", ok=False), "it was kept"
    assert f"Port {port} on this computer is taken" in said
    assert "not created" in host.vagrant("status", "node1", PODNET_PORT="8888"), "nothing was made"
