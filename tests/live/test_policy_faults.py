"""Every mistake of a NetworkPolicy on the real kernel: named at its place, really there, and mended."""

import pytest

from live.fault_cases import PLACES
from live.helpers import everything
from live.lab_facade import inject
from live.test_faults import QUICK, named
from live.test_hints import followed
from podnet_lab import policies
from podnet_lab.errors import LabError
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.explain.policy_faults import POLICY_FAULTS
from podnet_lab.networks.registry import LESSON

pytestmark = [pytest.mark.lab, pytest.mark.nft]

OTHERS = ("flannel", "calico")


def cases():
    """Parameters (network, fault, places): each fault at one place of the lesson's network; at all others, and elsewhere, it takes long."""
    for number, fault in enumerate(POLICY_FAULTS):
        first = PLACES[number % len(PLACES)]
        yield pytest.param(LESSON, fault, [first], id=fault.name)
        yield pytest.param(LESSON, fault, [place for place in PLACES if place != first], id=f"{fault.name}-all", marks=pytest.mark.long)
        for network in OTHERS:
            yield pytest.param(network, fault, PLACES[:1], id=f"{network}-{fault.name}", marks=[pytest.mark.long, *needs(network)])


def needs(network):
    return [pytest.mark.bird] if network == "calico" else []


@pytest.mark.parametrize(("network", "fault", "places_there"), list(cases()))
def test_a_mistake_of_a_policy_is_named_and_mended(whole, network, fault, places_there):
    before = everything(whole)
    for place in places_there:
        places = fault_places(whole.everyone(), *place)
        assert whole.explain(*fault.pair(places))
        assert named(whole, fault, places) == ""
        inject(whole, fault, places)
        assert not whole.trace(*fault.pair(places), patience=QUICK), "explained, but it arrives"
        whole.give_up()
    assert everything(whole) == before


def test_a_mistake_is_made_by_its_name_and_never_drawn(wired):
    assert "does not reach" in wired.break_something(fault=POLICY_FAULTS[0].name)
    assert not wired.check()
    assert "denied" not in str(wired.matrix()), "why is for somebody to find out"
    assert "NetworkPolicies" in wired.hint()
    assert "nft list chain ip network-policy ingress-default/default-deny" in wired.hint()
    assert "nft delete table ip network-policy" in wired.hint()
    wired.give_up()
    assert wired.check()


CLOSED = "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}]}]}"


def close(lab, *friends):
    """Nobody is let in by any Pod but by *friends*."""
    labels = [f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {{app: friend}}}}}}" for name in friends]
    policy = f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: closed}}, spec: {CLOSED}}}"
    lab.apply(*policies.load("\n---\n".join([*labels, policy])))


@pytest.mark.parametrize("fault", [None, "the cable's MTU is too small", POLICY_FAULTS[1].name])
def test_only_who_was_let_in_is_cut_off(wired, fault):
    close(wired, "pod-2-3")
    for seed in range(4):
        wired.break_something(seed=seed, fault=fault)
        source, target = wired.broken.pair
        wired.give_up()
        assert wired.ping(source, target), "it reached it before, and does again"
        wired.break_something(seed=seed, fault=fault)
        assert wired.broken.pair == (source, target), "the same seed breaks the same"
        wired.give_up()


@pytest.mark.parametrize("fault", POLICY_FAULTS, ids=lambda fault: fault.name)
def test_hints_beside_policies_that_hold_are_typed_as_they_stand(wired, fault):
    close(wired, *(pod.name for node in wired.snapshot().values() for pod in node.pods))
    before = everything(wired)
    wired.break_something(seed=3, fault=fault)
    (mend,) = followed(wired, fault)
    assert "# nft " in mend
    assert everything(wired) == before, mend
    wired.give_up()


def test_where_nobody_is_let_in_nothing_is_cut_off_and_nothing_changes(wired):
    close(wired)
    before = everything(wired)
    with pytest.raises(LabError, match="nobody whom it would cut off was reached before"):
        wired.break_something(fault="the cable's MTU is too small")
    assert wired.broken is None
    assert everything(wired) == before


def test_what_policies_deny_is_no_hint_about_what_is_broken(wired):
    close(wired, "pod-2-3")
    wired.break_something(seed=1, fault="the Pod's end is down")
    places = wired.broken.where
    wired[places.node.name].shell(wired.hint() and wired.parts.faults.hints()[2].partition("# ")[2])
    assert wired.ping(*wired.broken.pair)
    assert "nothing is seen in the way any more" in wired.hint()
    wired.give_up()
