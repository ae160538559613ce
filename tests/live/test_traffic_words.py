"""What is said of servers, Services and connections is what happened: a rejection, a silence, a server of something else."""

import pytest

from podnet_lab import service
from podnet_lab.errors import LabError

NONE = {protocol: service("empty", "10.96.0.30", 53, [], protocol=protocol, node_port=30053) for protocol in ("udp", "tcp")}
BANNER = """
import socket
listening = socket.create_server(("", 2222))
print("ready", flush=True)
while True:
    connection, _ = listening.accept()
    {}
    connection.close()
"""
SPEAKERS = {
    "a banner": ('connection.sendall(b"SSH-2.0-test\\r\\n"); connection.recv(1000)', "SSH-2.0-test"),
    "nothing": ("connection.recv(1000); import time; time.sleep(5)", ""),
    "goodbye": ("connection.recv(1000)", "Remote end closed connection"),
}


def _speak(lab, what):
    script = BANNER.format(SPEAKERS[what][0]).replace("'", "'\\''")
    start = f"ip netns exec pod-2-2 python3 -c '{script}' > /run/speaker 2>&1 &\necho $! > /run/speaker.pid\n"
    lab["node2"].shell(f"{start} for try in $(seq 100); do grep -q ready /run/speaker && exit 0; sleep 0.1; done; exit 1")


@pytest.fixture(params=SPEAKERS)
def speaker(wired, request):
    """A server of something else than HTTP, in pod-2-2."""
    _speak(wired, request.param)
    yield wired, SPEAKERS[request.param][1]
    wired["node2"].shell("kill $(cat /run/speaker.pid)")


@pytest.mark.parametrize("protocol", NONE)
def test_a_service_without_endpoints_refuses_everybody(wired, protocol):
    wired.services(NONE[protocol])
    checks = wired.check_service(NONE[protocol])
    assert checks, str(checks)
    assert "node1 is refused by empty, which has no endpoints" in str(checks)


def test_a_datagram_that_is_dropped_is_not_one_that_is_refused(wired):
    wired.services(NONE["udp"])
    drop = "nft add table ip t; nft add chain ip t o '{ type filter hook output priority -200; }'; nft add rule ip t o udp dport 53 drop"
    wired["node1"].shell(drop)
    failure = wired.check_service(NONE["udp"]).first_failure
    assert str(failure) == "FAIL  node1 is refused by empty, which has no endpoints: operation not permitted"


def test_a_trace_to_a_server_of_something_else_says_that_it_connected(speaker):
    lab, said = speaker
    trace = lab.trace("pod-1-2", "pod-2-2", tcp=2222, patience=1)
    assert trace
    assert trace.headline.startswith("pod-1-2 → pod-2-2: one TCP connection to port 2222, answered, connected, but no HTTP answer")
    assert said in trace.headline
    assert "refus" not in str(trace)
    answers = lab.ask("pod-1-2", "10.244.2.2:2222")
    assert not answers
    assert str(answers).startswith("connected, but no HTTP answer")


def test_a_trace_to_a_port_where_nobody_listens_says_that_it_was_refused(wired):
    trace = wired.trace("pod-1-2", "pod-2-2", tcp=2222)
    assert trace.headline == "pod-1-2 → pod-2-2: one TCP connection to port 2222, answered, with a refusal"


def test_an_answer_that_the_sender_itself_drops_made_no_connection(wired):
    wired.serve("pod-2-2")
    lines = ("add table ip t", "add chain ip t i '{ type filter hook input priority 0; }'", "add rule ip t i tcp sport 8080 drop")
    wired["node1"].shell("\n".join(f"ip netns exec pod-1-2 nft {line}" for line in lines))
    trace = wired.trace("pod-1-2", "pod-2-2", tcp=8080, patience=1)
    assert trace.headline.endswith("answered, but its own kernel did not take the answer (no answer)")


def test_a_connection_that_fails_says_how(wired):
    with pytest.raises(LabError, match=r"^pod-1-2 can't connect to 10.244.2.2:2222: the kernel refused: Connection refused$"):
        wired.connect("pod-1-2", "10.244.2.2:2222")
    lines = ("add table ip t", "add chain ip t i '{ type filter hook input priority 0; }'", "add rule ip t i tcp dport 2222 drop")
    wired["node2"].shell("\n".join(f"ip netns exec pod-2-2 nft {line}" for line in lines))
    with pytest.raises(LabError, match=r"^pod-1-2 can't connect to 10.244.2.2:2222: no answer$"):
        wired.connect("pod-1-2", "10.244.2.2:2222", patience=0.3)
    wired["node1"].shell("ip -n pod-1-2 route del default")
    with pytest.raises(LabError, match=r"the kernel refused: Network is unreachable$"):
        wired.connect("pod-1-2", "10.244.2.2:2222")
