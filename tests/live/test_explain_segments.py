"""What explain says of a connection's data is held against data that are really sent, with a small MTU at each place of each network."""

import json
import shlex
import sys
from collections.abc import Iterator

import pytest

from live.helpers import UPLINK, VMS
from podnet_lab import Lab
from podnet_lab.devices.roles import cable
from podnet_lab.networks.registry import LESSON

pytestmark = pytest.mark.skipif(VMS, reason="whether a VM's card takes more than its MTU is its driver's to say")

A, B, PORT = "pod-1-2", "pod-2-2", 8080
BELOW_MIN_PMTU, ABOVE = 200, 1000

# A message that is one segment: it has to pass as it is, or after its sender was told of a smaller MTU.
SERVER = f"""
import socket, struct, threading
def answer(connection):
    with connection:
        asked, answered = struct.unpack("!II", connection.recv(8, socket.MSG_WAITALL))
        connection.recv(asked, socket.MSG_WAITALL)
        connection.sendall(b"a" * answered)
        connection.recv(1)
with socket.create_server(("0.0.0.0", {PORT})) as server:
    print("ready", flush=True)
    while True:
        threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
"""
CLIENT = """
import json, socket, struct, sys
host, port, asked, answered, patience = (json.loads(word) for word in sys.argv[1:])
try:
    with socket.create_connection((host, port), patience) as connection:
        # Closed, it is gone at both ends: else what did not arrive is sent on and on, and has the path's MTU learnt behind the next flush.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(struct.pack("!II", asked, answered) + b"q" * asked)
        print(json.dumps(len(connection.recv(answered, socket.MSG_WAITALL)) == answered))
except TimeoutError:
    print("false")
"""


def inside(pod: str, program: str, *words: object) -> str:
    return shlex.join(["nsenter", f"--net=/run/netns/{pod}", sys.executable, "-ISc", program, *map(json.dumps, words)])


@pytest.fixture(scope="module", params=[LESSON, "flannel", pytest.param("calico", marks=[pytest.mark.bird, pytest.mark.nft])])
def talking(request):
    """A lab of each network, in which B waits for what A sends."""
    with Lab.open(name=f"segments-{request.param}", network=request.param) as lab:
        lab.goto("done")
        assert lab.ping(A, B)
        waits = inside(B, SERVER)
        lab["node2"].shell(f"({waits}) > /run/said 2>&1 & for i in $(seq 100); do grep -q ready /run/said && break; sleep 0.05; done")
        yield lab


def places(lab: Lab) -> Iterator[tuple[str, str | None, str]]:
    """(node, namespace, interface) of all that a packet between A and B comes by."""
    for node, pod in (("node1", A), ("node2", B)):
        snapshot = lab[node].snapshot()
        end = cable(snapshot.spaces[pod])
        cables = {link.name for link in snapshot.own.links.values() if link.kind == "veth"} - {UPLINK, end.peer[1]}
        yield node, pod, end.name
        yield from ((node, None, name) for name in snapshot.own.links if name not in {"lo", *cables})


def forget(pod: str) -> str:
    """Have a node and a Pod of it forget what they have learnt of path MTUs."""
    flush = "echo 1 >/proc/sys/net/ipv4/route/flush"
    return f"{flush}; nsenter --net=/run/netns/{pod} bash -c {shlex.quote(flush)}"


def arrives(lab: Lab, target: str, asked: int, answered: int, patience: float) -> bool:
    """Whether a message and its answer of so many bytes arrive, where nobody has learnt of a path MTU before, nor announces one."""
    lab["node2"].shell(forget(B))
    return json.loads(lab["node1"].shell(f"{forget(A)}; {inside(A, CLIENT, target, PORT, asked, answered, patience)}"))


def address_of_b(lab: Lab) -> str:
    space = lab["node2"].snapshot().spaces[B]
    return str(space.addresses_of(cable(space).name)[0].ip)


def test_data_arrive_where_nothing_is_said_to_be_in_the_way_and_nowhere_else(talking):
    wrong, said, target = [], [], address_of_b(talking)
    for node, space, dev in [*places(talking)]:
        on, was = f"-n {space} " if space else "", talking[node].snapshot().link(space, dev).mtu
        for mtu in (BELOW_MIN_PMTU, ABOVE):
            talking[node].shell(f"ip {on}link set dev {dev} mtu {mtu}")
            explained = talking.explain(A, B, tcp=PORT)
            size, patience = mtu + 8, 8 if explained else 1  # with headers 60 bytes more than the MTU
            there, back = arrives(talking, target, size - 8, 1, patience), arrives(talking, target, 1, size, patience)
            talking[node].shell(f"ip {on}link set dev {dev} mtu {was}")
            if bool(explained) != (there and back) or explained.cause is not None:
                wrong.append(f"{dev} in {space or node} with {mtu}: {explained}; there {there}, back {back}")
            said.append(bool(explained))
    assert wrong == []
    assert {*said} == {True, False}, "both happen in each network"
