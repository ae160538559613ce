"""A change in a kernel is told, whoever made it; nothing is kept alive by listening, and nothing is told of nothing."""

import sys
import threading
from pathlib import Path

import pytest

from live.helpers import everything
from live.lab_facade import agents
from live.lab_facade import watcher as new_watcher
from podnet_lab import Lab, bridge, link

BEFORE = "ip netns add blue && ip link add br9 type bridge && ip addr add 10.9.9.1/24 dev br9"
"""What some of the following need; nothing is sent anywhere."""

BY_HAND = {
    "a namespace comes": "ip netns add red",
    "and in it something": "ip -n blue link set dev lo up",
    "an interface comes": "ip link add br8 type bridge",
    "an address": "ip addr add 10.9.8.1/24 dev br9",
    "in a Pod": "ip -n pod-1-2 addr add 10.9.9.2/24 dev veth-1-2",
    "a Pod's route": "ip -n pod-1-2 route add 10.9.7.0/24 via 10.244.1.1",
    "a neighbour": "ip neigh add 10.9.9.7 lladdr 02:00:00:00:00:07 dev br9",
    "a setting": "sysctl -q -w net.ipv4.ip_forward=0",
    "a policy rule": "ip rule add from 10.9.9.9 prohibit",
    "a port": "ip link set dev veth-1-3-br nomaster",
    "a namespace goes": "ip netns del blue",
}


ROOT = Path(__file__).parents[2]


class Ear:
    """Hears a watcher, and can be waited for."""

    def __init__(self):
        self.heard = threading.Event()

    def on_change(self):
        self.heard.set()


@pytest.fixture(scope="module")
def listening(running):
    running.reset()
    running.build()
    running["node1"].shell(BEFORE)
    ear, watcher = Ear(), new_watcher(running)
    watcher.call(ear.on_change)
    yield ear
    watcher.end()


def settled(ear):
    """Wait until nothing more is told of what was done before."""
    for _ in range(100):
        ear.heard.clear()
        if not ear.heard.wait(0.6):
            return
    raise AssertionError("it is told without end")


@pytest.mark.parametrize("what", BY_HAND)
def test_what_is_typed_is_told(running, listening, what):
    settled(listening)
    running["node1"].shell(BY_HAND[what])
    assert listening.heard.wait(5), f"nobody was told of: {BY_HAND[what]}"


def test_a_name_that_becomes_a_namespace_late_is_heard_though_much_happens_meanwhile(running, listening):
    """Its file comes first; what is mounted there later nobody announces."""
    settled(listening)
    running["node3"].shell(
        "touch /run/netns/late; for i in $(seq 60); do ip link set dev lo mtu $((1000 + i)); done; "
        "unshare -n sh -c 'mount --bind /proc/self/ns/net /run/netns/late'"
    )
    settled(listening)
    running["node3"].shell("ip -n late link set dev lo up")
    assert listening.heard.wait(5)


NO_NOTICES = """
import os, sys, threading
from podnet_lab.kernel import watch
watch._libc.inotify_init1 = lambda _: -1
seen = watch.Watch()
other, _ = os.pipe()
threading.Timer(0.3, os.system, ["ip netns add unannounced"]).start()
print(any(seen.wait(other) for _ in range(3)))
seen.close()
"""


def test_without_notices_of_names_it_looks_now_and_then(running):
    """An ordinary user has 128 of them, and an editor may have taken all."""
    said = running["node3"].shell(f"cd {ROOT}; exec {sys.executable} - <<'END'\n{NO_NOTICES}\nEND")
    assert said.strip() == "True"


@pytest.mark.parametrize(("typed", "told"), [("", False), ("ip link set br9 mtu $(($(cat /sys/class/net/br9/mtu) - 1))", True)])
def test_looking_is_no_change(running, listening, typed, told):
    """Of three looks: a bridge tells by itself of a port that came 15 s ago (br_forward_delay_timer_expired), which may fall into one."""
    heard = []
    while all(heard) and len(heard) < 3:
        settled(listening)
        running["node1"].shell(f"ip netns list; ip addr; ip -n pod-1-2 route; bridge fdb show; {typed}")
        running.snapshot()
        heard.append(listening.heard.wait(1))
    assert all(heard) == told


def test_a_step_is_told(running, listening):
    settled(listening)
    running["node2"].run(link.down("v-net-0"))
    assert listening.heard.wait(5)
    running.undo()


def test_a_deleted_pod_is_not_kept_alive():
    """Its end of the cable goes with it, and so does the node's."""
    with Lab.open(nodes=1, pods=1, name="kept", where="namespaces") as lab:
        ear, watcher = Ear(), new_watcher(lab)
        watcher.call(ear.on_change)
        lab.build()
        assert ear.heard.wait(5)
        lab["node1"].shell(
            "ip netns del pod-1-2; for i in $(seq 100); do ip link show veth-1-2-br >/dev/null 2>&1 || exit 0; sleep 0.05; done; exit 1"
        )
        assert lab["node1"].snapshot().link(None, "veth-1-2-br") is None


def test_what_changed_before_it_listened_is_told_though_nothing_more_happens():
    """Its agent begins to listen some time after it was asked to: on a busy machine, after what was done next."""
    with Lab.open(nodes=1, pods=0, name="begins", where="namespaces") as lab:
        first, second = threading.Event(), threading.Event()
        agents(lab)["node1"].watch(lambda message: first.set())
        assert first.wait(5)
        agents(lab)["node1"].watch(lambda message: second.set())  # by now nothing happens any more
        assert second.wait(5)


def test_a_watcher_tells_a_last_time_when_the_lab_ends_and_stops():
    with Lab.open(nodes=1, pods=0, name="ends", where="namespaces") as lab:
        ear, watcher = Ear(), new_watcher(lab)
        watcher.call(ear.on_change)
        lab["node1"].run(bridge.add("br0"))
        assert ear.heard.wait(5)
        settled(ear)
    assert ear.heard.wait(5)
    ear.heard.clear()
    watcher.notify()
    assert not ear.heard.wait(0.5)


def test_who_is_gone_is_told_no_more(running):
    ear, watcher = Ear(), new_watcher(running)
    watcher.call(ear.on_change)
    other = Ear()
    watcher.call(other.on_change)
    del ear
    running["node3"].shell("ip link add br7 type bridge; ip link del br7")
    assert other.heard.wait(5)
    assert watcher.listeners == 1
    watcher.end()


def test_watching_leaves_no_trace_in_the_lab(running):
    running.reset()
    before = everything(running)
    watcher = new_watcher(running)
    watcher.end()
    assert everything(running) == before
