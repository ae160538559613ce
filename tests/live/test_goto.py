"""`goto` and `reset` come from anywhere, whoever made what is there, and say what was not ours."""

import itertools

import pytest

from live.helpers import UPLINK, VMS, everything, stable, until
from live.lab_facade import processes
from podnet_lab import bridge, errors, link, recipes, route
from podnet_lab.kernel.node_setup import BASELINE

STAGES = (*recipes.STAGES, "done")

GONE = "netns 1" if VMS else "cable to the external network"
"""How a goto says that it brought a card, or a cable, back."""

# On node1 of a wired small cluster, by hand; what the list of removals must name.
BY_HAND = {
    "removed objects": ("ip netns del pod-1-2; ip link del v-net-0; ip route del 10.244.2.0/24", []),
    "a bridge": ("ip link add mine type bridge; ip link set mine up; ip addr add 172.16.0.1/24 dev mine", ["mine"]),
    "a namespace": ("ip netns add mine; ip -n mine link set lo up", ["mine"]),
    "a cable": ("ip link add mine1 type veth peer name mine2; ip link set mine2 master v-net-0 up", ["mine1"]),
    "a cable in a Pod": ("ip link add mine1 type veth peer name mine2 netns pod-1-2; ip -n pod-1-2 link set mine2 up", ["mine1"]),
    "an interface of another kind": ("ip link add mine link v-net-0 type vlan id 7 || ip link add mine type macvlan || true", []),
    "addresses": (f"ip addr add 172.16.0.1/24 dev {UPLINK}; ip -n pod-1-2 addr add 172.16.0.2/24 dev veth-1-2", ["172.16.0.1/24"]),
    "another first address": (f"ip addr flush dev {UPLINK}; ip addr add 192.168.1.99/24 dev {UPLINK}", ["192.168.1.99/24"]),
    "a secondary address": (f"ip addr add 192.168.1.98/24 dev {UPLINK}", ["192.168.1.98/24"]),
    "an address on lo": ("ip addr add 10.9.9.9/32 dev lo", ["10.9.9.9/32"]),
    "routes": ("ip route add 172.20.0.0/16 via 192.168.1.12; ip route add default via 192.168.1.1 metric 50", ["172.20.0.0/16", "default"]),
    "a route of another table": ("ip route add 172.20.0.0/16 via 192.168.1.12 table 7", ["table 7"]),
    "a route with a metric": ("ip route add 172.20.0.0/16 via 192.168.1.12 metric 9", ["172.20.0.0/16"]),
    "routes of other kinds": ("ip route add unreachable 172.20.0.0/16; ip route add prohibit 172.21.0.0/16", ["unreachable", "prohibit"]),
    "uplink deleted": (f"ip link del {UPLINK}", [GONE]),
    "uplink in a Pod": (f"ip link set {UPLINK} netns pod-1-2", [GONE]),
    "uplink in a new namespace": (f"ip netns add mine; ip link set {UPLINK} netns mine", ["mine", GONE]),
    "uplink by another name": (f"ip link set {UPLINK} down; ip link set {UPLINK} name mine; ip link set mine up", [GONE]),
    "uplink down": (f"ip link set {UPLINK} down", [f"{UPLINK} up"]),
    "uplink changed": (f"ip link set {UPLINK} mtu 1300 arp off address 02:00:00:00:00:33", [UPLINK]),
    "uplink in a bridge": (f"ip link set {UPLINK} master v-net-0", [UPLINK]),
    "uplink replaced": (f"ip link del {UPLINK}; ip link add {UPLINK} type bridge; ip link set {UPLINK} up", []),
    "a connected route deleted": (f"ip route del 192.168.1.0/24 dev {UPLINK}", []),
    "a connected route replaced": (f"ip route del 192.168.1.0/24; ip route add 192.168.1.0/24 dev {UPLINK} metric 7", []),
    "lo down": ("ip link set lo down", ["lo up"]),
    "permanent neighbours": (f"ip neigh replace 192.168.1.12 lladdr 02:00:00:00:00:44 dev {UPLINK} nud permanent", ["192.168.1.12"]),
    "a neighbour that is oneself": (
        f"ip neigh replace 192.168.1.11 lladdr 02:00:00:00:00:44 dev {UPLINK} nud noarp",
        [f"neigh del 192.168.1.11 dev {UPLINK}"],
    ),
    "neighbours that are nobody": (
        f"for one in '192.168.1.255 dev {UPLINK}' '224.0.0.99 dev {UPLINK}' '127.0.0.9 dev lo';"
        " do ip neigh replace $one lladdr 02:00:00:00:00:44 nud noarp; done",
        [f"neigh del {one}" for one in (f"192.168.1.255 dev {UPLINK}", f"224.0.0.99 dev {UPLINK}", "0.0.0.0 dev lo")],  # lo has one for all
    ),
    "settings": (
        f"cd /proc/sys/net/ipv4; echo 1 > ip_forward; echo 2 > conf/all/rp_filter; echo 1 > conf/{UPLINK}/proxy_arp",
        ["rp_filter"],
    ),
    "a held Pod": ("setsid -f ip netns exec pod-1-2 sleep 30 <&- >&- 2>&-; ip netns del pod-1-2", []),
}


@pytest.fixture(scope="module")
def states(small_running):
    """The small lab before each stage, as a lab shows it that was never anywhere else."""
    found = {}
    for stage in STAGES:
        small_running.reset()
        small_running.run({name: steps for name, steps in recipes.before(stage, small_running.plan).items() if steps})
        found[stage] = everything(small_running)
    assert len({str(state) for state in found.values()}) == len(STAGES)
    return found


def test_every_stage_from_every_other(small, states):
    ways, here, tried = {*itertools.product(STAGES, STAGES)}, "namespaces", 0
    small.goto(here)
    while ways and tried < 50:
        left = sorted(way for way in ways if way[0] == here) or [(here, min(ways)[0])]
        tried += 1
        reset = small.goto(left[0][1])
        assert (everything(small), reset.undone) == (states[left[0][1]], ()), left[0]
        ways.discard(left[0])
        here = left[0][1]
    assert not ways


@pytest.fixture
def wired_small(small_running, states):
    """The small lab, wired: by its last stage alone where it is ready for that."""
    if everything(small_running) == states["route"]:
        small_running.run({node.name: recipes.stage("route", node, small_running.plan) for node in small_running.plan.nodes})
    else:
        small_running.goto("done")
    assert everything(small_running) == states["done"]
    return small_running


NOT_IN_VMS = {"uplink deleted", "uplink replaced"}
"""A real card can't be deleted."""


@pytest.mark.parametrize("name", [name for name in BY_HAND if not (VMS and name in NOT_IN_VMS)])
def test_after_changes_by_hand(wired_small, states, name):
    script, named = BY_HAND[name]
    wired_small["node1"].shell(script)
    reset = wired_small.goto("route")
    assert everything(wired_small) == states["route"]
    said = " / ".join(reset.undone)
    assert [one for one in named if one not in said] == []
    assert [one for one in reset.undone if "node2" in one or "veth-1-2-br" in one] == []
    if "uplink" in name:
        wired_small.run({node.name: recipes.stage("route", node, wired_small.plan) for node in wired_small.plan.nodes})
        assert wired_small.matrix(), "the mended cable carries"


@pytest.mark.parametrize("script", ["umount /run/netns/pod-1-2", "touch /run/netns/mine", "ip netns del pod-1-2; touch /run/netns/pod-1-2"])
def test_a_name_without_a_namespace(wired_small, states, script):
    """What is left in /run/netns by an `ip netns` that was cut short, or by a hand: a plain file."""
    wired_small["node1"].shell(script)
    try:
        wired_small.goto("route")
        assert everything(wired_small) == states["route"]
        assert "mine" not in wired_small["node1"].shell("ls /run/netns")
    finally:
        wired_small["node1"].shell("for one in /run/netns/*; do ip netns exec ${one##*/} true 2>/dev/null || rm -f $one; done")


def test_policy_by_hand(small, states):
    """Rules and other tables decide what routes say: they go, too."""
    small.goto("done")
    before = small["node1"].shell("ip rule")
    small["node1"].shell("ip rule add to 10.244.2.0/24 blackhole pref 10; ip rule add from all lookup 7 pref 11")
    small.goto("done")
    assert everything(small) == states["done"]
    assert small["node1"].shell("ip rule") == before
    assert small.matrix()


def test_settings_that_no_snapshot_shows(small):
    small["node1"].shell(
        f"cd /proc/sys/net/ipv4/conf; echo 1 > {UPLINK}/arp_ignore; echo 2 > all/arp_announce; echo 1 > {UPLINK}/route_localnet"
    )
    small.reset()
    said = small["node1"].shell("cd /proc/sys/net/ipv4/conf; cat " + " ".join(f"{{all,{UPLINK}}}/{key}" for key in BASELINE))
    assert [int(word) for word in said.split()] == [value for value in BASELINE.values() for _ in ("all", UPLINK)]


def test_what_steps_made_is_not_named_and_what_a_hand_made_is(small, states):
    small["node1"].run(bridge.add("br0"), link.up("br0"), route.add("172.20.0.0/16", via="192.168.1.12"))
    small["node1"].shell("ip link add mine type bridge")
    undone = small.goto("namespaces").undone
    assert [line for line in undone if "mine" in line] == ["node1# ip link del mine"]
    assert [line for line in undone if "br0" in line or "172.20" in line] == []
    assert everything(small) == states["namespaces"]


def test_outside_is_brought_back_too(small, states):
    small.outside.shell(f"ip link set {UPLINK} down; ip addr add 10.1.1.1/24 dev lo; ip netns add mine")
    assert any("outside" in line for line in small.goto("done").undone)
    assert everything(small) == states["done"]


def test_a_process_in_the_background_ends_and_is_named(small):
    """Terminals that somebody has open stay: test_processes.py."""
    small.goto("done")
    small["node1"].shell("setsid -f bash -c 'echo $$ > /run/alive; exec sleep 100' <&- >&- 2>&-")
    pid = until(lambda: small["node1"].shell("cat /run/alive 2>/dev/null || true").strip())
    assert small.goto("veth").undone == ("node1# (ended: sleep 100)",)
    assert small["node1"].shell(f"ls -d /proc/{pid} 2>/dev/null || echo gone; rm /run/alive") == "gone\n"


def test_reset_is_polite_twice(small):
    small["node1"].run(bridge.add("br0"))
    assert "as it was opened" in str(small.reset())
    second = small.reset()
    assert "nothing to do" in str(second)
    assert second.undone == ()


def test_an_unknown_stage_changes_nothing(small):
    small.build()
    before = stable(small.snapshot())
    with pytest.raises(errors.BadInput, match="namespaces, bridge, veth, addr, route, done"):
        small.goto("cables")
    assert stable(small.snapshot()) == before


@pytest.mark.skipif(VMS, reason="a VM's namespaces are its own")
def test_a_name_for_another_node_or_for_the_lab_is_taken_away_and_what_it_names_stays(wired):
    """All of a lab's processes are in one PID namespace: a hand can give their networks names, by mistake or not."""
    before = {name: stable(wired[name].snapshot()) for name in ("node2", "outside")}
    pid = processes(wired)["node2"]["pid"]
    wired["node1"].shell(f"cd /run/netns; ln -s /proc/1/ns/net lab; ln -s /proc/{pid}/ns/net two; ip netns attach again {pid}")
    undone = wired.goto("done").undone
    assert {f"node1# rm /run/netns/{name}" for name in ("lab", "two", "again")} <= set(undone)
    assert wired["node1"].shell("ls /run/netns") == "pod-1-2\npod-1-3\n"
    assert {name: stable(wired[name].snapshot()) for name in before} == before
    assert wired.check()


@pytest.mark.parametrize("kind", ["multicast", "broadcast"])
def test_what_the_kernel_took_for_a_group_is_forgotten(wired_small, kind):
    """It sends to a neighbour as to a group as long as it remembers that a route said so."""
    wired_small["node1"].shell(f"ip route add {kind} 192.168.1.12 dev {UPLINK}")
    sent = "import socket; s = socket.socket(2, 2); s.setsockopt(1, 6, 1); s.sendto(b'x', ('192.168.1.12', 9))"
    remembered = f'ip neigh del 192.168.1.12 dev {UPLINK}; python3 -c "{sent}"; ip neigh show nud noarp to 192.168.1.12'
    until(lambda: wired_small["node1"].shell(remembered), what="such a neighbour, not one whose question came in between")
    wired_small.goto("done")
    assert "NOARP" not in wired_small["node1"].shell("ip neigh show nud all to 192.168.1.12")
    assert wired_small.matrix()
