"""Exercises of notebook 7: an address that nobody has, and answers that have to come back the same way."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import pod_addresses
from podnet_lab.exercises.claims import Cluster, answers, name_for_ping, reaches, rules_with
from podnet_lab.exercises.exercise import Exercise, Mistake

FRONT, NEAR = "10.96.0.50:80", "10.96.0.60:80"


def _serve_far(lab) -> None:
    lab.serve("pod-2-2", 8080)


def _check_front(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    lab.forget_flows()  # of what was tried before the rules were right
    pods = list(cluster["node1"].pods)
    yield Check("node1 has Pods", None if pods else "it has none")
    for pod in pods:
        name = name_for_ping(cluster, "node1", pod.name)
        yield answers(lab, name, FRONT, "pod-2-2")
        (got,) = lab.ask(name, FRONT)
        own = [str(interface.ip) for interface in pod_addresses(pod)]
        yield Check(f"pod-2-2 saw {name}'s own address", None if got.client in own else f"it saw {got.client}")


def _at_the_wrong_hook(cluster: Cluster) -> bool:
    node = cluster["node1"].own
    return bool(rules_with(node, "dnat", "output")) and not rules_with(node, "dnat", "prerouting")


def _to_the_wrong_port(cluster: Cluster) -> bool:
    return any(
        "port" not in statement["dnat"] for rule in rules_with(cluster["node1"].own, "dnat") for statement in rule if "dnat" in statement
    )


SERVICE = Exercise(
    "services-1",
    "An address that nobody has",
    f"The server of pod-2-2 answers at 10.244.2.2:8080. Pods of node1 are to reach it at {FRONT}, which nobody has.\n"
    "Write what it takes on node1 with nft, in a table of your own. pod-2-2 sees the caller's own address.",
    _check_front,
    (
        "At which hook is a packet that comes from a Pod before its node looks for a route?",
        "`nft list ruleset` on node1; notebook 7, *An address that nobody has*",
        "`nft add table ip mine`, `nft 'add chain ip mine pre { type nat hook prerouting priority -100 ; }'`,"
        " `nft add rule ip mine pre ip daddr 10.96.0.50 tcp dport 80 dnat to 10.244.2.2:8080`",
    ),
    (
        Mistake(
            "at the hook output",
            _at_the_wrong_hook,
            "At the hook output are packets that node1 itself sends. Where do those of its Pods come by?",
        ),
        Mistake(
            "to the wrong port",
            _to_the_wrong_port,
            "The address is rewritten. And the port? The caller asks for 80; where does the server listen?",
        ),
        Mistake(
            "the caller is translated, too",
            lambda cluster: bool(rules_with(cluster["node1"].own, "masquerade") or rules_with(cluster["node1"].own, "snat")),
            "The answer comes, but whose address did pod-2-2 see? Which of your rules is about the source?",
        ),
    ),
    start="services",
    prepare=_serve_far,
    needs=("nft",),
)


def _serve_near(lab) -> None:
    lab.serve("pod-1-2", 8080)
    lab["node1"].shell(
        "nft add table ip mine; nft 'add chain ip mine pre { type nat hook prerouting priority -100 ; }'; "
        "nft add rule ip mine pre ip daddr 10.96.0.60 tcp dport 80 dnat to 10.244.1.2:8080"
    )


def _check_near(lab) -> Iterator[Check]:
    lab.forget_flows()
    yield answers(lab, "pod-1-3", NEAR, "pod-1-2")
    yield answers(lab, "pod-1-2", NEAR, "pod-1-2")
    for source, target in (("pod-1-2", "pod-2-2"), ("pod-1-3", "pod-2-3"), ("pod-1-2", "pod-1-3")):
        yield reaches(lab, source, target)


def _without_condition(cluster: Cluster) -> bool:
    rules = rules_with(cluster["node1"].own, "masquerade")
    return any(not any("match" in statement for statement in rule) for rule in rules)


def _by_another_source(cluster: Cluster) -> bool:
    return bool(rules_with(cluster["node1"].own, "masquerade", "postrouting"))


NEIGHBOUR = Exercise(
    "services-2",
    "The neighbour does not hear",
    f"On node1, {NEAR} leads to the server of pod-1-2. But its neighbour pod-1-3 hears nothing, if it asks there,\n"
    "and neither does pod-1-2 itself. Mend it on node1 with nft.\n"
    "What Pods send each other without a Service stays untranslated.",
    _check_near,
    (
        "Whom does pod-1-2 answer, and does that answer pass node1's rules?",
        '`lab.trace("pod-1-3", "10.96.0.60", tcp=80)` shows who answers whom',
        "`nft 'add chain ip mine post { type nat hook postrouting priority 100 ; }'`, `nft add rule ip mine post"
        " ip saddr 10.244.1.0/24 ip daddr 10.244.1.0/24 ct status dnat masquerade`",
    ),
    (
        Mistake(
            "everything is translated",
            _without_condition,
            "The neighbour is answered. But which packets does your rule fit? Now no Pod is seen with its own address any more.",
        ),
        Mistake(
            "the rule fits other packets",
            _by_another_source,
            "There is a rule that masquerades. Which addresses has the packet, source and destination, when it comes to postrouting?",
        ),
    ),
    start="services",
    prepare=_serve_near,
    needs=("nft",),
)

EXERCISES = (SERVICE, NEIGHBOUR)
