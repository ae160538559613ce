"""Firewalls of a lab, as people and their programs write them: what is explained is held against real echoes and connections."""

import re

import pytest

from live.firewall_cases import IPTABLES, PRELUDE, Case, cases
from live.firewall_flush import flush, forget_neighbours, left
from podnet_lab import Lab
from podnet_lab.checks.reachability import Verdict

pytestmark = [pytest.mark.nft, pytest.mark.lab]

QUICK, PATIENT = 0.3, 2.5
"""Seconds that an answer is waited for; more where what comes is not what should."""

SERVERS = {"pod-1-2": 8080, "pod-2-2": 8080, "pod-2-3": 8080, "node1": 8080}


@pytest.fixture(scope="module")
def wired():
    """A lab that is wired, with servers; each test takes its rules away again."""
    with Lab.open(name="firewalls", where="namespaces") as lab:
        lab.goto("done")
        serve(lab)
        yield lab
        assert left(lab) == "", "rules that no test's end took away were there for those behind it"


@pytest.fixture
def typed(wired):
    """A function that types a case's commands; what they did is taken back."""
    changed = []

    def type_in(case: Case, kind: str) -> None:
        node = wired[case.node]
        changed.append(case)
        forget_neighbours(wired, case)
        node.shell(PRELUDE + (re.sub(IPTABLES, kind, case.typed) if kind else case.typed))
        for other, command in case.also:
            wired[other].shell(command)

    yield type_in
    for case in changed:
        flush(wired, case)
    if any(case.also for case in changed):
        wired.goto("done")
        serve(wired)


def serve(lab):
    """Servers that wait for connections, in two Pods and on a node."""
    for name, port in SERVERS.items():
        lab.serve(name, port)


def arrives(lab, case: Case, patience: float) -> bool:
    """Whether it really does: an echo is answered, or a connection made."""
    if case.port is None:
        return lab.ping(case.source, case.target, patience=patience).verdict in (Verdict.REACHED, Verdict.TRANSLATED)
    node, address = f"node{case.source[4]}", ADDRESSES.get(case.target, case.target)
    inside = f"nsenter --net=/run/netns/{case.source} " if case.source.startswith("pod") else ""
    command = f"{inside}timeout {patience} bash -c '</dev/tcp/{address}/{case.port}' && echo connected"
    return "connected" in lab[node].shell(command, may_fail=True)


ADDRESSES = {"pod-1-2": "10.244.1.2", "pod-2-2": "10.244.2.2", "node1": "192.168.1.11"}

CASES = cases("programs") | cases("iptables") | cases("nft")
KINDS = ("iptables-nft", "iptables-legacy")
ALL = {f"{name}, {kind}": (case, kind) for name, case in CASES.items() if case.iptables for kind in KINDS}
ALL |= {name: (case, "") for name, case in CASES.items() if not case.iptables}


@pytest.mark.parametrize("name", ALL)
def test_what_is_explained_of_a_firewall_is_so(wired, typed, name):
    case, kind = ALL[name]
    typed(case, kind)
    truth = arrives(wired, case, QUICK)
    if truth != case.arrives:
        truth = arrives(wired, case, PATIENT)
    assert truth == case.arrives, "the case itself is not what its author thought"
    said = wired.explain(case.source, case.target, tcp=case.port, probe=False)
    if case.judged or not said.unsure:
        assert not said.unsure, str(said)
        assert bool(said) == truth, str(said)
