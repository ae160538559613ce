"""What is explained of networks that work, and of ways through Services, held against what a trace of the real kernel shows."""

import pytest

from live.lab_facade import agents
from podnet_lab import service
from podnet_lab.errors import BadInput


def test_a_network_that_works_is_not_called_broken(wired):
    everyone = ["pod-1-2", "pod-1-3", "pod-2-2", "pod-3-3", "node1", "node3"]
    for source in everyone:
        for target in everyone:
            if source != target:
                assert wired.explain(source, target), str(wired.explain(source, target))


def test_one_question_to_the_nodes_on_the_path_is_enough(wired, monkeypatch):
    asked = []
    for name, agent in agents(wired).items():
        start = agent.start
        monkeypatch.setattr(
            agent, "start", lambda call, *, _start=start, _name=name, **given: asked.append((_name, call)) or _start(call, **given)
        )
    assert wired.explain("pod-1-2", "pod-2-2", probe=False)
    assert [call for call in asked if call[1] == "close_looks"] == [("node1", "close_looks"), ("node2", "close_looks")]
    asked.clear()
    assert wired.explain("pod-1-2", "pod-1-3", probe=False)
    assert [call for call in asked if call[1] == "close_looks"] == [("node1", "close_looks")]


@pytest.mark.nft
def test_services_are_no_obstacle_and_are_judged(wired):
    wired.services(service("web", "10.96.0.20", 80, ["10.244.1.2:8080"], node_port=30080))
    found = wired.explain("pod-1-2", "pod-2-2")
    assert found, str(found)


WEB = service("web", "10.96.0.20", 80, ["10.244.1.2:8080", "10.244.2.2:8080"], node_port=30080)
OWN, PORT = ("10.96.0.20", 80), ("192.168.1.13", 30080)

# What is done to a Service of two Pods, on node1 and node2: (what is typed on which node, who asks, whom, does it arrive)
SERVICES = {
    "a neighbour": ("", "", "pod-1-3", OWN, True),
    "one of its own Pods": ("", "", "pod-1-2", OWN, True),
    "a Pod of a node that has none": ("", "", "pod-3-2", OWN, True),
    "a node": ("", "", "node1", OWN, True),
    "from outside, by the Service's own address": ("", "", "outside", OWN, False),
    "from outside, by a node's port": ("", "", "outside", PORT, True),
    "a Pod, by a node's port": ("", "", "pod-1-3", PORT, True),
    "a node, by another's port": ("", "", "node2", PORT, True),
    "an address that is no Service's": ("", "", "pod-1-3", ("10.96.0.21", 80), False),
    "a port that is no Service's": ("", "", "pod-1-3", ("10.96.0.20", 81), False),
    "one of its Pods has no way back": ("node2", "ip -n pod-2-2 route del default", "pod-3-2", OWN, False),
    "the answer goes past who rewrote the question": (
        "node1",
        "nft flush chain ip kube-proxy nat-postrouting",
        "pod-1-3",
        OWN,
        False,
    ),
    "the bridge's firewall sees the answer": (
        "node1",
        "nft flush chain ip kube-proxy nat-postrouting; sysctl -qw net.bridge.bridge-nf-call-iptables=1",
        "pod-1-3",
        OWN,
        True,
    ),
}


@pytest.mark.nft
@pytest.mark.parametrize("name", SERVICES)
def test_a_way_through_a_service_is_explained_as_it_is(wired, name):
    node, command, source, (address, port), arrives = SERVICES[name]
    wired.services(WEB)
    for pod in ("pod-1-2", "pod-2-2"):
        wired.serve(pod, 8080)
    if node:
        wired[node].shell(command)
    said = wired.explain(source, address, tcp=port)
    # One of the two Pods is drawn: what holds for both holds each time, what does not is met soon.
    tried = [bool(wired.trace(source, address, tcp=port, patience=0.5)) for _ in range(3 if arrives else 12)]
    wired.stop_serving("pod-1-2")
    wired.stop_serving("pod-2-2")
    assert bool(said) == all(tried) == arrives, f"{said} {tried}"
    assert said.unsure == ()


@pytest.mark.nft
def test_a_service_without_pods_is_refused_and_that_is_said(wired):
    wired.services(WEB.to())
    assert "says reject" in wired.explain("pod-1-3", "10.96.0.20", tcp=80).cause
    assert "its own kernel says connection refused" in str(wired.trace("pod-1-3", "10.96.0.20", tcp=80))


def test_what_is_asked_for_is_looked_at(wired):
    with pytest.raises(BadInput, match="not of both"):
        wired.explain("pod-1-2", "pod-2-2", tcp=80, size=1000)
    with pytest.raises(BadInput, match="28 to 65507 bytes, not 5"):
        wired.explain("pod-1-2", "pod-2-2", size=5)
    with pytest.raises(BadInput, match="port"):
        wired.explain("pod-1-2", "pod-2-2", tcp=0)
    with pytest.raises(BadInput, match="no Pod or node is called 'pod-9-9'"):
        wired.explain("pod-1-2", "pod-9-9")
