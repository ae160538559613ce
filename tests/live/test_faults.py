"""Every fault of the catalogue on the real kernel: explained rightly, really there, and mended; also two at once."""

import pytest

from live.fault_cases import MENDS, OWN, PLACES, cases, marks, until_whole
from live.helpers import everything, until
from live.lab_facade import Undamaged, inject
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.explain.faults import FAULTS
from podnet_lab.networks.calico.dispatch_faults import DISPATCH

QUICK = 0.3
"""Seconds to wait for an answer that should not come."""

NO_STEP = {"firewall", "policy"}
"""Layers at which no step of the lesson mends anything: rules of nft go by hand."""

BY_HAND = {
    "the bridge is gone",
    "a port of the bridge is blocked",
    "two ports are isolated from each other",
    "the bridge has lost its address",
    "the bridge has the wrong prefix",
    "the Pod's prefix is too short",
    "a neighbour has the Pod's address, too",
    "a Pod of another node has the Pod's address, too",
    "the node's subnet takes in the other's",
    "the Pod has no address",
    "the Pod's address is outside its subnet",
    "a policy rule refuses the Pod",
    "the tunnel sends from an address of another host",
    "the other node's tunnel sends from an address of another host",
}
"""Others: there is no step for them, or it can't be seen which address was right."""

BY_STEP = {fault.name for fault in DISPATCH}
"""But which of the node's cables its rules lack is seen, and what they would say of it."""

EACH = [pytest.param(one, id=one.name, marks=marks(one)) for one in FAULTS]


def named(lab, fault, places) -> str:
    """What is wrong with what is said of a fault at some places, and of the network around it; nothing if all is right."""
    pair, size = fault.pair(places), {"size": fault.size}
    inject(lab, fault, places)
    found = lab.explain(*pair, **size)
    said = found.cause and (found.cause.layer, found.cause.place[1] or found.cause.place[0])
    hints = [lab.hint() for _ in range(3)] if said else []
    told = lab.give_up()
    if said != (fault.layer, fault.place(places)):
        return f"{fault.name} at {fault.place(places)}, {fault.layer}: {found}"
    if not hints[0].endswith("?") or not all("# " in hint for hint in hints[1:2]) or not told.startswith(fault.name):
        return f"{fault.name}: {hints}, {told}"
    return ""


def wrong_elsewhere(lab, fault, places) -> str:
    """What is wrong with what is said of a fault in another network than the lesson's: it is named, or it arrives, as is said."""
    inject(lab, fault, places)
    pair, size = fault.pair(places), {"size": fault.size}
    found = lab.explain(*pair, **size, probe=False)
    arrives = lab.trace(*pair, **size, patience=QUICK)
    said = found.cause and (found.cause.layer, found.cause.place[1] or found.cause.place[0])
    lab.give_up()
    fine = bool(arrives) == bool(found) and (bool(found) or said == (fault.layer, fault.place(places)))
    return "" if fine else f"{fault.name} at {fault.place(places)}, {fault.layer}: {found}; {arrives}"


@pytest.mark.parametrize(("network", "fault", "place"), cases((0, 0, 1), (2, 1, 2), share=2))
def test_a_fault_is_named_at_its_place_and_mended(whole, network, fault, place):
    before = everything(whole)
    places = fault_places(whole.everyone(), *place)
    pair, size = fault.pair(places), {"size": fault.size}
    assert whole.explain(*pair, **size)
    assert named(whole, fault, places) == ""
    until(lambda: everything(whole) == before, MENDS if fault.takes else 0)
    inject(whole, fault, places)
    assert not whole.trace(*pair, **size, patience=QUICK), "explained, but it arrives"
    assert whole.give_up().startswith(fault.name)
    until_whole(whole, fault)
    assert whole.ping(*pair, patience=12)
    assert whole.explain(*pair, **size)


@pytest.mark.parametrize(("network", "fault", "place"), cases((0, 0, 1), share=3))
def test_its_repair_mends_it_where_a_step_can(whole, network, fault, place):
    places = fault_places(whole.everyone(), *place)
    pair, size = fault.pair(places), {"size": fault.size}
    inject(whole, fault, places)
    found, repairs = whole.explain(*pair, **size), 0
    while found.repair and repairs < 4:  # what went along with the fault may be next
        whole.run(found.repair)
        found, repairs = whole.explain(*pair, **size), repairs + 1
    # A bridge that loses and gets a port has another MAC: who has learnt the old one asks again in some seconds.
    mended = bool(found) or "no longer its own" in str(found.cause)
    assert mended != ((fault.layer in NO_STEP and fault.name not in BY_STEP) or fault.name in BY_HAND or bool(fault.takes)), str(found)
    assert mended or not found.repair, str(found)
    if mended:
        assert whole.ping(*pair, patience=12)
    whole.give_up()
    until_whole(whole, fault)


@pytest.mark.nft
@pytest.mark.long
def test_each_fault_is_named_at_every_place_of_three_nodes_with_three_pods(big):
    places = [(node, pod, step) for node in range(3) for pod in range(3) for step in (1, 2)]
    wrong = []
    for fault in FAULTS:
        wrong += [words for one in places if (words := named(big, fault, fault_places(big.everyone(), *one)))]
        assert big.check(), fault.name
    assert wrong == []


def test_what_a_network_adds_has_names_of_its_own_and_is_drawn(other_networks):
    for network, faults in OWN.items():
        everywhere = [fault.name for fault in (*FAULTS, *faults)]
        assert len(set(everywhere)) == len(everywhere), network
    lab, drawn = other_networks.whole("flannel"), set()
    for seed in range(6):
        lab.break_something(seed=seed)
        drawn.add(lab.broken.fault)
        lab.give_up()
    assert drawn & set(OWN["flannel"])
    assert drawn & set(FAULTS)


def all_elsewhere(lab, faults) -> list[str]:
    """What is wrong with what is said of each of these faults, made at another place each."""
    found = []
    for number, fault in enumerate(faults):
        places = fault_places(lab.everyone(), *PLACES[number % len(PLACES)])
        if not marks(fault) and (words := wrong_elsewhere(lab, fault, places)):
            found.append(words)
    return found


@pytest.mark.parametrize("network", OWN)
def test_what_every_network_has_is_named_there_too(whole, network):
    """Or it cuts nobody off there: a Pod of Flannel's has two routes out, and the tunnel's packets may be cut."""
    assert all_elsewhere(whole, whole.network.common_faults[::5]) == []


@pytest.mark.long
@pytest.mark.parametrize("network", OWN)
def test_all_that_every_network_has_is_named_there_too(whole, network):
    assert all_elsewhere(whole, whole.network.common_faults) == []


@pytest.mark.parametrize("fault", EACH)
def test_a_fault_is_named_in_a_cluster_wired_by_hand_with_other_names(by_hand, fault):
    assert named(by_hand, fault, fault_places(by_hand.everyone(), 0, 0, 1)) == ""
    assert named(by_hand, fault, fault_places(by_hand.everyone(), 1, 1, 1)) == ""


HAND = """
set -e
ip link add br0 type bridge
ip link set br0 up
ip addr add 172.16.N.254/24 dev br0
for host in red blue; do
  ip netns add $host
  ip link add $host-cable type veth peer name eth0 netns $host
  ip link set $host-cable master br0 up
  ip -n $host link set lo up
done
ip -n red addr add 172.16.N.7/24 dev eth0
ip -n blue addr add 172.16.N.8/24 dev eth0
for host in red blue; do
  ip -n $host link set eth0 up
  ip -n $host route add default via 172.16.N.254
done
ip route add 172.16.M.0/24 via 192.168.1.1M
sysctl -qw net.ipv4.ip_forward=1
"""


@pytest.fixture
def by_hand(lab):
    """Two nodes of the lab, wired by hand: a bridge br0, Pods red and blue on both."""
    for here, there in ((1, 2), (2, 1)):
        lab[f"node{here}"].shell(HAND.replace("N", str(here)).replace("M", str(there)))
    return lab


@pytest.fixture(scope="module")
def big(running):
    """Three nodes with three Pods each, wired: for who takes no longer than to look."""
    running.reset()
    running.build()
    for node in running.nodes:
        running.add_pod(node.name)
    return running


def rank(found) -> tuple[bool, int]:
    """How far along its way a packet gets: there, or back, and past how many places."""
    return bool(found.back), len(found.there) + len(found.back)


PAIRS = [(one, other) for one in FAULTS for other in FAULTS if (one.on, other.on) == ("here", "there")]
PAIRS = [(one, other) for one, other in PAIRS if one.pair is FAULTS[0].pair is other.pair and not one.size and not other.size]


def place_of(found) -> tuple:
    """Where and at which layer an explanation says that it stops."""
    return found.cause.place, found.cause.layer


def first_of_two(lab, one, other) -> str:
    """What is wrong with what is said of two faults at once; nothing if the first on the path is named, or both are as near."""
    lab.goto("done")  # nobody has learnt anything from the pair before
    places = fault_places(lab.everyone(), 0, 0, 1)
    pair, alone = one.pair(places), []
    for fault in (one, other):
        inject(lab, fault, places)
        alone.append(lab.explain(*pair, probe=False))
        lab.give_up()
    undamaged = Undamaged(lab, [places.node.name, places.other_node.name])
    for fault in (one, other):
        inject(lab, fault, places)
    both = lab.explain(*pair, probe=False)
    first, second = sorted(alone, key=rank)
    fine = rank(first) == rank(second) or place_of(both) == place_of(first)
    if not fine and place_of(both) == place_of(second):
        # A wrong route may lead past the other fault, and further than that would have been: the kernel knows.
        seen = {(hop.seen.node, hop.seen.namespace) for hop in lab.trace(*pair, patience=QUICK).way("there")}
        fine = both.cause.place in seen and first.cause.place not in seen
    undamaged.bring_back()
    if fine:
        return ""
    return f"{one.name}, and {other.name}: {both}, not {first}"


@pytest.mark.nft
def test_of_two_faults_the_first_on_the_path_is_named(wired):
    assert len(PAIRS) > 200
    assert [words for one, other in PAIRS[::12] if (words := first_of_two(wired, one, other))] == []


@pytest.mark.nft
@pytest.mark.long
def test_of_any_two_faults_the_first_on_the_path_is_named(wired):
    assert [words for one, other in PAIRS if (words := first_of_two(wired, one, other))] == []


def test_a_lab_wired_by_hand_can_be_broken(by_hand):
    assert "red" in by_hand.break_something(seed=3, fault="the Pod's end is down") or "blue" in str(by_hand.broken.where.pod)
    assert by_hand.give_up()
    assert by_hand.ping("node1/red", "node2/blue")
