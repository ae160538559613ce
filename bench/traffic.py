"""
A small generator of TCP traffic, which runs inside Pods: ``python traffic.py receive|send|answer|ask …``; it imports nothing of ours.

``receive PORT`` takes in one connection and prints bytes and seconds; ``send ADDRESS PORT SECONDS`` fills it. ``answer PORT`` gives
back what it gets; ``ask ADDRESS PORT COUNT`` sends a message of 64 bytes, waits for it, and prints the seconds of each as JSON.
"""

import gc
import json
import socket
import sys
import time

CHUNK = 1 << 20
"""Bytes for each call of the kernel: so few calls that Python itself does not count."""

MESSAGE = 64
"""Bytes of a request, and of its answer."""

WARM = 200
"""Requests before those that are counted: the first of a connection find caches cold, and neighbours unknown."""

PATIENCE = 10.0
"""Seconds in which the other side has to be there."""


def accept(port: int) -> socket.socket:
    """The one connection that comes."""
    with socket.create_server(("", port)) as server:
        server.settimeout(PATIENCE)
        connection, _ = server.accept()
    connection.settimeout(None)  # else Python asks whether there is something before it takes it, and both are counted
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def connect(address: str, port: int) -> socket.socket:
    """A connection to a server that may still be starting."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection = socket.create_connection((address, port), timeout=PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection


def receive(port: int) -> None:
    """Count what comes, from the first byte on."""
    buffer, total = bytearray(CHUNK), 0
    with accept(port) as connection:
        total = connection.recv_into(buffer)
        start = time.perf_counter()
        first = total
        while got := connection.recv_into(buffer):
            total += got
        print(json.dumps({"bytes": total - first, "seconds": time.perf_counter() - start}))


def send(address: str, port: int, seconds: float) -> None:
    """As much as goes, for so long."""
    data = memoryview(bytearray(CHUNK))
    with connect(address, port) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(data)


def answer(port: int) -> None:
    """Give back what comes, until the other side is done."""
    buffer = bytearray(MESSAGE)
    with accept(port) as connection:
        while connection.recv_into(buffer, flags=socket.MSG_WAITALL) == MESSAGE:
            connection.sendall(buffer)


def ask(address: str, port: int, count: int) -> None:
    """One request after the other, each timed by itself."""
    data, buffer, found = bytes(MESSAGE), bytearray(MESSAGE), []
    gc.disable()
    with connect(address, port) as connection:
        for _ in range(WARM + count):
            start = time.perf_counter()
            connection.sendall(data)
            if connection.recv_into(buffer, flags=socket.MSG_WAITALL) != MESSAGE:
                raise SystemExit("the other side is gone")
            found.append(time.perf_counter() - start)
    print(json.dumps(found[WARM:]))


def main(verb: str, *words: str) -> None:
    """One of the four."""
    if verb == "receive":
        receive(int(words[0]))
    elif verb == "send":
        send(words[0], int(words[1]), float(words[2]))
    elif verb == "answer":
        answer(int(words[0]))
    else:
        ask(words[0], int(words[1]), int(words[2]))


if __name__ == "__main__":
    main(*sys.argv[1:])
