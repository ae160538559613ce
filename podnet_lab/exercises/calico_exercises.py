"""Exercises of notebook 11: a Pod whose node says nothing, a node in another autonomous system, and a second block."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.checks.check import Check
from podnet_lab.daemons import bird
from podnet_lab.devices.roles import cable, pod_addresses
from podnet_lab.exercises.claims import Cluster, exam, reaches
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.model import Namespace, Snapshot
from podnet_lab.model.bgp import BgpSession
from podnet_lab.model.route import BIRD
from podnet_lab.networks.calico import bird_config, checks, names

NETWORK = "calico"

CONF = f"{bird.folder('bird')}/bird.conf"
READ_AGAIN = bird.ask("configure")
SEND_AGAIN = bird.ask("reload", "out", "all")
"""BIRD 2.0.12 takes a filter for the same if only a set of networks in it has changed, and lets nothing through it anew by itself."""

SETTLES, QUIET, PERIOD = 6.0, 1.0, 0.1
"""Seconds in which BIRDs find each other; in which, if nothing changes, none has anything more to say; and between two looks."""


def _sessions(node: Snapshot) -> tuple[BgpSession, ...]:
    return node.bgp.sessions if node.bgp is not None else ()


def _settled(lab) -> Cluster:
    """Snapshots of all nodes, so late that all holds, or that what was typed just now has had its time."""
    last, since, begun = None, time.monotonic(), time.monotonic()
    while not all(_as_calico(cluster := lab.snapshot())):
        now, said = time.monotonic(), {name: (node.bgp, node.own.routes) for name, node in cluster.items()}
        last, since = (last, since) if said == last and not _find_each_other(cluster) else (said, now)
        if now - since > QUIET or now - begun > SETTLES:
            break
        time.sleep(PERIOD)
    return cluster


def _find_each_other(cluster: Cluster) -> bool:
    """Whether there is a session yet to come: both ends want it, and agree on their numbers."""
    sessions = [session for node in cluster.values() for session in _sessions(node)]
    numbers = {number for session in sessions for number in (session.number, session.neighbour_number)}
    return len(numbers) == 1 and any(not session.established and session.state != "Down" for session in sessions)


def _as_calico(cluster: Cluster) -> Iterator[Check]:
    """What holds on each of Calico's nodes, whoever has made it, in few words: the first that does not is told whole."""
    for name, node in cluster.items():
        yield _all(f"{name} has a cable for each Pod as Calico's are, and no bridge", checks.cables(node, names.ETHERNET_MTU))
        yield _all(f"{name} forwards, and answers ARP at each Pod's cable", checks.answers(node))
        yield _all(f"{name}'s Pods have their addresses and routes", checks.addresses(node, cluster))
        yield _all(f"{name} has a route to each of its Pods", checks.pod_routes(node))
    for name, node in cluster.items():
        yield _all(f"{name}'s BIRD has its sessions, and announces its blocks alone", _speaks(node))
        yield _all(f"{name} has its blocks, and a route of BIRD's to each other node's", checks.by_bgp(node, cluster))
        yield _all(f"{name} has Calico's rules", checks.rules(node))


def _all(claim: str, found: Iterable[Check]) -> Check:
    """One claim for many."""
    wrong = next((check for check in found if not check), None)
    return Check(claim, None if wrong is None else f"{wrong.claim}: {wrong.problem}")


def _speaks(node: Snapshot) -> Iterator[Check]:
    far = [session for session in _sessions(node) if not session.established]
    lacks = f"that with {far[0].neighbour} is {far[0].state}" if far else None if _sessions(node) else "no BIRD runs there"
    yield Check("all are there", lacks)
    odd = sorted({network for session in _sessions(node) for network in session.announces} - set(checks.blocks_of(node)))
    yield Check("of networks there is no other", f"it announces {odd[0]}" if odd else None)


def _pod(cluster: Cluster, node: str, name: str) -> Namespace:
    return next(pod for pod in cluster[node].pods if pod.name == name)


def _by_hand(cluster: Cluster) -> bool:
    """Whether a node has a route to another one's Pods that BIRD has not made."""
    for name, node in cluster.items():
        others = [address.ip for other in cluster if other != name for pod in cluster[other].pods for address in pod_addresses(pod)]
        ways = [route for route in node.own.routes if route.to.prefixlen and route.protocol != BIRD]
        if any(ip in route.to for ip in others for route in ways):
            return True
    return False


_BY_HAND = "That route is yours, and nobody tells you when that node's Pods move. Who is to make it, and of what has it to hear for that?"

_LONE = "pod-2-3"


def _says_nothing(lab) -> None:
    """Node 2 answers ARP for nobody at that Pod's cable, and has no route to it; and the Pod has forgotten what it once heard."""
    cluster = lab.snapshot("node2")
    pod = _pod(cluster, "node2", _LONE)
    end, ip = checks.host_end(cluster["node2"], pod).name, pod_addresses(pod)[0].ip
    off = f"sysctl -qw net/ipv4/conf/{end}/proxy_arp=0; ip route del {ip}"
    lab["node2"].shell(f"{off}; ip -n {_LONE} neigh flush dev {cable(pod).name}")


def _check_lone(lab) -> Iterator[Check]:
    cluster = _settled(lab)
    pod = _pod(cluster, "node2", _LONE)
    written = [entry for entry in pod.neighbours if entry.state == "PERMANENT"]
    yield Check(f"{_LONE} was told of no neighbour", f"{written[0].address} is written down there" if written else None)
    yield from _as_calico(cluster)
    yield reaches(lab, _LONE, "pod-2-2")
    yield reaches(lab, "pod-1-2", _LONE)
    yield from exam(lab)


def _state(cluster: Cluster) -> tuple[bool, bool]:
    """Whether node 2 answers at that Pod's cable, and whether it has a route out of it."""
    node, pod = cluster["node2"], _pod(cluster, "node2", _LONE)
    end = checks.host_end(node, pod).name
    return bool(node.own.conf[end].proxy_arp), any(route.dev == end for route in node.own.routes)


def _gateway_is_somebodys(cluster: Cluster) -> bool:
    return any(address.interface.ip == names.GATEWAY for node in cluster.values() for address in node.own.addresses)


LONE = Exercise(
    "calico-1",
    "A node that says nothing",
    f"Somebody has tidied up on node2. Since then {_LONE} reaches nobody, not even pod-2-2, and nobody reaches it. The Pod itself has its "
    "cable, its address and its two routes, and all of that is as it should be.\nGive it back what it lacks, on node2.",
    _check_lone,
    (
        "Before a Pod sends anything, it asks for somebody. Who is to answer? And by what does the answer to a ping come back to the Pod?",
        f"`lab.explain('{_LONE}', 'pod-2-2')`; and compare the two cables on node2: "
        "`sysctl -a 2> /dev/null | grep cali.*proxy_arp`, `ip route | grep cali`",
        f"on node2: `end=$(ip -o link | grep -o 'cali[0-9a-f]*@.*netns {_LONE}' | cut -d @ -f 1)`, "
        "`sysctl -w net/ipv4/conf/$end/proxy_arp=1`, `ip route add 10.244.2.3 dev $end`",
    ),
    (
        Mistake(
            "somebody has the gateway",
            _gateway_is_somebodys,
            "That address is nobody's, and may stay so on all nodes: how can a node answer for an address that it does not have?",
        ),
        Mistake(
            "written down",
            lambda cluster: any(entry.state == "PERMANENT" for entry in _pod(cluster, "node2", _LONE).neighbours),
            "That Pod knows its gateway's MAC by now. Whom will the next Pod ask at such a cable, and who answers?",
        ),
        Mistake(
            "the route alone",
            lambda cluster: _state(cluster) == (False, True),
            "node2 knows the way to the Pod by now. But what does the Pod do before it sends its first packet?",
        ),
        Mistake(
            "the answer alone",
            lambda cluster: _state(cluster) == (True, False),
            "The Pod gets an answer by now, and sends. Which route of node2 leads back to it?",
        ),
    ),
    start="done",
    prepare=_says_nothing,
    network=NETWORK,
)


_OTHER_AS = 64600


def _another_number(lab) -> None:
    lab["node3"].shell(f"sed -i 's/local as {bird_config.AS}/local as {_OTHER_AS}/' {CONF}; {READ_AGAIN} > /dev/null")


def _check_number(lab) -> Iterator[Check]:
    cluster = _settled(lab)
    numbers = {name: {session.number for session in _sessions(node)} for name, node in cluster.items()}
    expected = {name: {session.neighbour_number for session in _sessions(node)} for name, node in cluster.items()}
    for name, node in cluster.items():
        odd = sorted((numbers[name] | expected[name]) - {bird_config.AS})
        lacks = f"it has {odd[0]}, too" if odd else None if _sessions(node) else "no BIRD runs there"
        yield Check(f"{name}'s BIRD is in {bird_config.AS}, as are all that it expects", lacks)
    yield from _as_calico(cluster)
    yield reaches(lab, "pod-1-2", "pod-3-2")
    yield from exam(lab)


def _not_read(cluster: Cluster) -> bool:
    """Whether node 3's file says something else than BIRD does."""
    specs = [process.spec for process in cluster["node3"].processes if process.daemon == "bird"]
    as_was = any(session.number == _OTHER_AS for session in _sessions(cluster["node3"]))
    return as_was and any(f"local as {bird_config.AS}" in spec for spec in specs)


NUMBER = Exercise(
    "calico-2",
    "A node in another autonomous system",
    f"Whoever has set up node3 gave its BIRD the autonomous system {_OTHER_AS}; all others are in {bird_config.AS}. Now nobody has a "
    "session with it.\nBring node3 to them; node1 and node2 stay as they are. Its BIRD reads "
    f"{CONF}, and answers to `birdc -s {bird.CONTROL}`.",
    _check_number,
    (
        "Two BIRDs tell each other in their first message who they are. What does node1 expect of node3, and what does it hear?",
        f"`lab.bgp()`; on node3: `grep -n ' as ' {CONF}`, `{bird.ask('show', 'protocols', 'all')}`",
        f"on node3: `sed -i 's/local as {_OTHER_AS}/local as {bird_config.AS}/' {CONF}`, `{READ_AGAIN}`",
    ),
    (
        Mistake(
            "the others give in",
            lambda cluster: any(one.neighbour_number == _OTHER_AS for node in cluster.values() for one in _sessions(node)),
            "That would be the way between two organisations. How many nodes would have to be told, each time that one more comes?",
        ),
        Mistake(
            "not read again",
            _not_read,
            f"The file says {bird_config.AS} by now. Has BIRD read it since? (`{bird.ask()}` takes `configure`.)",
        ),
        Mistake("a route by hand", _by_hand, _BY_HAND),
    ),
    start="done",
    prepare=_another_number,
    needs=("bird",),
    network=NETWORK,
)


_BLOCK, _MOVED, _NEW = IPv4Network("10.244.1.64/26"), "pod-1-3", IPv4Address("10.244.1.70")


def _in_another_block(lab) -> None:
    """Give that Pod an address of a second block, and let its node know of it; nobody else does."""
    cluster = lab.snapshot("node1")
    pod = _pod(cluster, "node1", _MOVED)
    end, own, old = checks.host_end(cluster["node1"], pod).name, cable(pod), pod_addresses(pod)[0]
    lab["node1"].shell(
        f"ip -n {_MOVED} addr add {_NEW}/32 dev {own.name}; ip -n {_MOVED} addr del {old} dev {own.name}; "
        f"ip route add {_NEW} dev {end}; ip route del {old.ip}; "
        f"ip neigh replace {_NEW} lladdr {own.mac} dev {end} nud permanent; ip neigh del {old.ip} dev {end}"
    )


def _check_block(lab) -> Iterator[Check]:
    cluster = _settled(lab)
    has = pod_addresses(_pod(cluster, "node1", _MOVED))
    yield Check(f"{_MOVED} has {_NEW}", None if [one.ip for one in has] == [_NEW] else f"it has {', '.join(map(str, has)) or 'none'}")
    known = _BLOCK in checks.blocks_of(cluster["node1"])
    yield Check(f"node1 throws away what is for {_BLOCK}, and no Pod's", None if known else "it has no such blackhole")
    told = [session for session in _sessions(cluster["node1"]) if _BLOCK in session.announces]
    yield Check(f"node1's BIRD announces {_BLOCK} to both others", None if len(told) == 2 else f"it does to {len(told)}")
    yield from _as_calico(cluster)
    yield reaches(lab, "pod-2-2", _MOVED)
    yield from exam(lab)


def _not_told(cluster: Cluster) -> bool:
    sessions = _sessions(cluster["node1"])
    known = any(route.to == _BLOCK and route.protocol == BIRD for route in cluster["node1"].own.routes)
    return known and bool(sessions) and not any(_BLOCK in session.announces for session in sessions)


BLOCK = Exercise(
    "calico-3",
    "When the block is full",
    f"Let us say that all 64 addresses of node1's block are taken. The next Pod, {_MOVED}, was given {_NEW}, which is of a second block, "
    f"{_BLOCK}. node1 has a route to it; the other nodes have none.\n"
    f"Claim that block for node1, as Calico would: its BIRD is to know of it, and to tell the others of the block, not of the Pod. "
    f"It reads {CONF}, and answers to `birdc -s {bird.CONTROL}`.",
    _check_block,
    (
        "By what does node1's BIRD know which blocks are its own? And by what does it choose what it tells the others?",
        f"on node1: `grep -n 10.244.1.0/26 {CONF}`; after a change: `{READ_AGAIN}`, and `{SEND_AGAIN}`, so that all goes through "
        "the filter once more",
        f"on node1: `sed -i 's|route 10.244.1.0/26 blackhole;|& route {_BLOCK} blackhole;|; "
        f"s|10.244.1.0/26 \\]|10.244.1.0/26, {_BLOCK} ]|' {CONF}`, `{READ_AGAIN}`, `{SEND_AGAIN}`",
    ),
    (
        Mistake(
            "the Pod alone",
            lambda cluster: any(network.prefixlen == 32 for one in _sessions(cluster["node1"]) for network in one.announces),
            "The others hear of a single Pod. What would they have to be told when the next one comes, and what if it is a block instead?",
        ),
        Mistake(
            "known and not told",
            _not_told,
            "node1's BIRD knows of that block by now, and has told nobody. What does its filter for the others let pass? If that is right: "
            "has the route gone through it since? (`birdc` takes `reload out all`.)",
        ),
        Mistake("a route by hand", _by_hand, _BY_HAND),
    ),
    start="done",
    prepare=_in_another_block,
    needs=("bird",),
    network=NETWORK,
)

EXERCISES = (LONE, NUMBER, BLOCK)
