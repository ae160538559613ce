"""
Ten faults to be found: a whole cluster, and one thing in it broken.

What is checked is that everything works again, and that what was broken is mended, not worked around.

Faults are taken from the catalogue by name, and places by a seed, so that they stay the same when the catalogue grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import gateways, uplink
from podnet_lab.exercises.claims import Cluster, addresses, exam, reaches, route_taken, rules_with
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.exercises.mended_cluster import unchanged
from podnet_lab.model import DEFAULT, Namespace

TASK = (
    "The cluster was whole, then one thing in it was broken. Find it, and mend it by hand, in a shell on the node that needs it.\n"
    "Mend that very thing. A second route, address or rule that works around it does not count."
)


def _breaks(name: str, seed: int) -> Callable:
    return lambda lab: lab.break_something(seed=seed, fault=name).capitalize()


def _known_pair(lab) -> list[tuple[str, str]]:
    """The pair that the task names, as a list of one; empty for a process that joined the lab, and does not know it."""
    return [lab.broken.pair] if lab.broken else []


def _check(lab) -> Iterator[Check]:
    for source, target in _known_pair(lab):  # first: it takes a second, where all pairs may take five
        yield reaches(lab, source, target, silent=True)
    yield from exam(lab, silent=True)
    yield from unchanged(lab.snapshot(), lab.plan)


def _hint(lab, level: int) -> str:
    hints = lab.fault_hints() if lab.broken else ()
    return hints[level - 1] if hints else "nothing is seen any more that would keep one Pod from another; the check says what else there is"


def _case(number: int, fault: str, seed: int, *mistakes: Mistake, needs: tuple[str, ...] = ()) -> Exercise:
    return Exercise(f"trouble-{number}", f"Case {number}", TASK, _check, _hint, mistakes, "done", _breaks(fault, seed), needs)


def _spaces(cluster: Cluster) -> list[Namespace]:
    return [pod for node in cluster.values() for pod in node.pods]


def _own_bridge(cluster: Cluster) -> bool:
    used = [{link.master for link in node.own.links.values() if link.master} for node in cluster.values()]
    return any(len(bridges) > 1 for bridges in used)


def _up_without_default(cluster: Cluster) -> bool:
    ready = [pod for pod in _spaces(cluster) if any(link.kind == "veth" and link.up for link in pod.links.values())]
    return any(not pod.routes_to(DEFAULT) and not any(route.via for route in pod.routes) for pod in ready)


def _some_route(cluster: Cluster) -> bool:
    return any(not pod.routes_to(DEFAULT) and any(route.via for route in pod.routes) for pod in _spaces(cluster))


def _two_addresses(cluster: Cluster) -> bool:
    return any(len(gateways(node)) > 1 for node in cluster.values())


def _no_neighbours(cluster: Cluster) -> bool:
    return any(gateway.network.prefixlen == 32 for node in cluster.values() for gateway in gateways(node))


def _one_interface(cluster: Cluster) -> bool:
    real = [[on.forwarding for dev, on in node.own.conf.items() if dev not in ("all", "default", "lo")] for node in cluster.values()]
    return any(any(on) and not all(on) for on in real)


def _single_route(cluster: Cluster) -> bool:
    return any(route.via and route.to.prefixlen == 32 for node in cluster.values() for route in node.own.routes)


def _short_one_gone(cluster: Cluster) -> bool:
    for name, node in cluster.items():
        for target, theirs in cluster.items():
            missing = [ip for ip in addresses(theirs) if target != name and list(node.pods) and route_taken(node.own, ip) is None]
            if missing and _single_route({name: node}):
                return True
    return False


def _answers_there(cluster: Cluster) -> bool:
    uplinks = [(node, uplink(node)) for node in cluster.values()]
    return any(up and len(node.own.addresses_of(up.name)) > 1 for node, up in uplinks)


def _written_by_hand(cluster: Cluster) -> bool:
    return any(entry.state == "PERMANENT" for node in cluster.values() for space in node.spaces.values() for entry in space.neighbours)


def _accepted_elsewhere(cluster: Cluster) -> bool:
    return any(rules_with(node.own, "drop", "forward") and rules_with(node.own, "accept", "forward") for node in cluster.values())


_TRANSLATED = Mistake(
    "translated",
    lambda cluster: any(rules_with(node.own, "masquerade") for node in cluster.values()),
    "Answers come back, since the sender's address was replaced. Whose address does the receiver see now?",
    needs=("nft",),
)

EXERCISES = (
    _case(
        1,
        "the cable is unplugged",
        13,
        Mistake("a bridge of its own", _own_bridge, "It is plugged in again. But on which bridge are its neighbours, and the gateway?"),
    ),
    _case(
        2,
        "the Pod's end is down",
        9,
        Mistake("switched on, and no more", _up_without_default, "It is up again. What goes away with an interface that goes down?"),
    ),
    _case(
        3,
        "the bridge has lost its address",
        23,
        Mistake("without neighbours", _no_neighbours, "The address is back. How many neighbours does it have? What did it have before?"),
    ),
    _case(
        4,
        "the default route is missing",
        4,
        Mistake("some of the way", _some_route, "The Pod knows the way to some. Who else is there? One route fits everybody."),
    ),
    _case(
        5,
        "the default route has the wrong gateway",
        17,
        Mistake(
            "the gateway moved",
            _two_addresses,
            "Now somebody answers at that address. But was the gateway wrong, or the Pod's idea of it? The other Pods had the right one.",
        ),
    ),
    _case(
        6,
        "the other node does not forward",
        1,
        Mistake(
            "one interface alone", _one_interface, "It forwards what comes in by one interface. And the answers, by which do they come in?"
        ),
    ),
    _case(
        7,
        "the way back is missing",
        11,
        _TRANSLATED,
        Mistake("for one Pod alone", _single_route, "One Pod has its answers again. Who else is in that subnet?"),
    ),
    _case(
        8,
        "a longer prefix leads astray",
        6,
        Mistake(
            "the right route is gone",
            _short_one_gone,
            "A route is deleted, and more is broken now. Which of the two was wrong? The longer prefix wins.",
        ),
        Mistake(
            "somebody answers there",
            _answers_there,
            "Now somebody answers at that address. But who had sent what is for one Pod there, and why only that?",
        ),
    ),
    _case(
        9,
        "the neighbour does not answer ARP",
        2,
        Mistake(
            "written by hand",
            _written_by_hand,
            "Somebody knows the MAC now, for as long as it stays the same. Why did the Pod not say it itself, when it was asked?",
        ),
    ),
    _case(
        10,
        "a firewall drops pings alone",
        5,
        Mistake(
            "accepted elsewhere",
            _accepted_elsewhere,
            "An accept ends its own chain only; every other chain at that hook is asked as well. Which rule drops?",
        ),
        needs=("nft",),
    ),
)
