"""What a lab of machines of their own needs beside a shell: a node's socket reached from here, and a program brought to it."""

import hashlib
import io
import os
import threading
from functools import partial
from pathlib import Path

import pytest

from podnet_lab import Lab
from podnet_lab.backends.agent_client import PIECE
from podnet_lab.errors import LabError
from podnet_lab.kernel.socket_relay import relayed

ECHO = """cat > /run/echo.py <<'EOF'
import socket
s = socket.socket(socket.AF_UNIX); s.bind("/run/echo"); s.listen()
while True:
    c, _ = s.accept()
    while data := c.recv(65536):
        c.sendall(data)
    c.close()
EOF
setsid python3 /run/echo.py > /dev/null 2>&1 &
for i in $(seq 200); do [ ! -S /run/echo ] || exit 0; sleep 0.05; done; exit 1"""


@pytest.fixture(scope="module")
def lab():
    with Lab.open(name="machines", where="namespaces") as lab:
        yield lab


@pytest.fixture
def agent(lab):
    return lab.containers("node2").core.agent("node2")


def test_a_program_arrives_whole_and_can_be_run(lab, agent):
    content = os.urandom(5 * PIECE + 17)
    agent.bring(io.BytesIO(content), "/run/brought/program")
    said = lab["node2"].shell("sha256sum < /run/brought/program; stat -c '%a %s' /run/brought/program; ls /run/brought").split()
    assert said == [hashlib.sha256(content).hexdigest(), "-", "755", str(len(content)), "program"]


def test_one_that_can_not_be_written_says_why_and_the_agent_goes_on(lab, agent):
    with pytest.raises(LabError, match="node2: /proc/nowhere/program: No such file or directory"):
        agent.bring(io.BytesIO(os.urandom(8 * PIECE)), "/proc/nowhere/program")
    assert lab["node2"].shell("echo here") == "here\n"


def test_one_whose_sender_stops_is_not_there(lab, agent):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 2 * PIECE:
                raise KeyboardInterrupt
            return super().read(size)

    with pytest.raises(KeyboardInterrupt):
        agent.bring(Broken(os.urandom(9 * PIECE)), "/run/stopped/program")
    gone = 'for i in $(seq 200); do [ -n "$(ls -A /run/stopped)" ] || exit 0; sleep 0.05; done; exit 1'
    assert lab["node2"].shell(gone) == ""


def test_a_nodes_socket_is_reached_and_both_ways_are_passed_on(lab, agent):
    import socket

    lab["node2"].shell(ECHO)
    content, back = os.urandom(3_000_000), bytearray()
    with relayed(partial(agent.connect, "/run/echo")) as path:
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(60)
                connection.connect(path)
                writer = threading.Thread(target=connection.sendall, args=[content])
                writer.start()
                back.clear()
                while len(back) < len(content):
                    back += connection.recv(65536)
                writer.join()
            assert bytes(back) == content
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700
    assert not Path(path).parent.exists()


def test_where_nobody_listens_the_end_is_seen_at_once(agent):
    import socket

    with relayed(partial(agent.connect, "/run/nobody")) as path, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        assert connection.recv(1) == b""
