"""A program that answers on a socket: several at the same time, and nobody waits for those who say nothing."""

import socket
import struct
import threading
import time

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.kernel import local_server
from podnet_lab.kernel.local_server import WAITING, serve

DEADLINE = 5.0


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("served") / "socket")
    gate = threading.Event()

    def answer(parts, rest):
        if parts == ["wait"]:
            gate.wait(DEADLINE)
        if parts == ["open"]:
            gate.set()
        return len(parts), rest.upper(), "".join(parts)

    threading.Thread(target=serve, args=[path, answer], daemon=True).start()
    end = time.monotonic() + DEADLINE
    while True:
        try:
            connected(path).close()
            return path
        except OSError:
            assert time.monotonic() < end


def connected(path):
    asker = socket.socket(socket.AF_UNIX)
    asker.settimeout(DEADLINE)
    try:
        asker.connect(path)
    except OSError:
        asker.close()
        raise
    return asker


def said(asker):
    heard = b""
    while part := asker.recv(1 << 16):
        heard += part
    asker.close()
    status, length = struct.unpack_from("!BI", heard)
    return status, heard[5 : 5 + length].decode(), heard[5 + length :].decode()


def asking(path, *parts, rest=""):
    asker = connected(path)
    asker.sendall(b"\0".join(part.encode() for part in parts) + b"\0\0" + rest.encode())
    asker.shutdown(socket.SHUT_WR)
    return asker


def test_an_answer_is_a_status_and_two_texts(path):
    assert said(asking(path, "a", "b", rest="hello")) == (2, "HELLO", "ab")


def test_whoever_says_nothing_is_not_waited_for_by_others(path):
    silent = [connected(path) for _ in range(4 * WAITING)]
    start = time.monotonic()
    assert said(asking(path, "a", rest="x")) == (1, "X", "a")
    assert time.monotonic() - start < DEADLINE / 2, "it would have waited for those who are silent"
    for one in silent:
        one.close()


def test_more_are_answered_at_the_same_time_than_threads_had_waited(path):
    long = [asking(path, "wait", rest=str(number)) for number in range(3 * WAITING)]
    assert said(asking(path, "open")) == (1, "", "open"), "an answer that all others wait for"
    assert {said(one) for one in long} == {(1, str(number), "wait") for number in range(3 * WAITING)}
    assert said(asking(path, "a", rest="again")) == (1, "AGAIN", "a")


def test_one_that_can_not_be_taken_now_is_taken_when_there_is_room():
    class Listening:
        """Out of descriptors, twice."""

        left = 2

        def accept(self):
            if self.left:
                self.left -= 1
                raise OSError(24, "Too many open files")
            return "the asker", None

    assert local_server._asker(Listening()) == "the asker"
