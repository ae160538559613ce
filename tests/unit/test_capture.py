"""Which of the frames that were captured are told, with sockets that play their part."""

import socket
import struct
import threading

import pytest

from podnet_lab.kernel import capture as capturing
from podnet_lab.kernel.capture import OUTGOING, SO_TIMESTAMPNS, Capture


class Heard:
    """A packet socket that has heard one frame at each of some interfaces."""

    def __init__(self, *devices):
        self.devices = list(devices)

    def recvmsg_into(self, buffers, *_):
        if not self.devices:
            raise BlockingIOError
        frame = bytes(14)
        buffers[0][: len(frame)] = frame
        stamp = (socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("=qq", 1, 0))
        return len(frame), [stamp], 0, (self.devices.pop(0), 0x0800, OUTGOING, 1, b"")

    def getsockopt(self, *_):
        return struct.pack("=II", 0, 0)

    def close(self):
        pass


@pytest.mark.parametrize("hidden", [set(), {"eth0"}])
def test_a_pods_interface_is_told_though_the_nodes_own_of_that_name_is_hidden(hidden):
    capture = Capture()
    capture._sockets = {None: Heard("eth0", "eth1", "lo"), "pod-1-2": Heard("eth0", "lo")}
    told = {(name, device) for name, device, *_ in capture.frames(hidden)["frames"]}
    assert told == {(None, "eth1"), ("pod-1-2", "eth0")} | (set() if hidden else {(None, "eth0")})


class Together:
    """A socket whose close ends when that of all others has begun."""

    def __init__(self, barrier):
        self.barrier, self.closed = barrier, False

    def close(self):
        self.barrier.wait(5)
        self.closed = True


def test_sockets_are_closed_at_the_same_time():
    barrier = threading.Barrier(8)
    sockets = [Together(barrier) for _ in range(8)]
    capturing._close(sockets)
    assert [one.closed for one in sockets] == [True] * 8
    capturing._close([])


def test_where_no_thread_is_allowed_they_are_closed_one_by_one(monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    sockets = [Together(threading.Barrier(1)) for _ in range(8)]
    capturing._close(sockets)
    assert [one.closed for one in sockets] == [True] * 8
