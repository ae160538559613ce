"""What a process waits at, as the kernel's sock_diag tells it, is what /proc/net lists, and is what was opened."""

import os
import socket

import pytest

from podnet_lab.kernel import listeners, processes

pytestmark = pytest.mark.lab


@pytest.fixture
def opened():
    """Sockets that wait, and some that don't: {(protocol, port)} of those that do."""
    made, waits = [], set()

    def new(family, kind, address):
        made.append(socket.socket(family, kind))
        made[-1].bind((address, 0))
        return made[-1]

    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
        tcp, udp = new(family, socket.SOCK_STREAM, address), new(family, socket.SOCK_DGRAM, address)
        tcp.listen()
        waits |= {("tcp", tcp.getsockname()[1]), ("udp", udp.getsockname()[1])}
        made.append(socket.create_connection((address, tcp.getsockname()[1])))
        new(family, socket.SOCK_STREAM, address)  # bound, and not listening
        new(family, socket.SOCK_DGRAM, address).connect(udp.getsockname())
    yield waits
    for one in made:
        one.close()


def test_it_is_what_was_opened_and_nothing_else(opened):
    before = processes.listens(os.getpid())
    assert set(before) >= opened
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        assert set(processes.listens(os.getpid())) - set(before) == {("tcp", one.getsockname()[1])}
    assert processes.listens(os.getpid()) == before


def test_it_is_the_same_without_sock_diag(opened, monkeypatch):
    told = processes.listens(os.getpid())
    assert listeners.ports() is not None, "else nothing is compared"
    monkeypatch.setattr(listeners, "ports", lambda: None)
    assert processes.listens(os.getpid()) == told
