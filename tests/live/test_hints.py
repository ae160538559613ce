"""Hints about what was broken on purpose, followed to the letter: each can be typed as it stands, and in the end all is whole."""

import re

import pytest

from live.fault_cases import MENDS, cases, until_whole
from live.helpers import everything, until
from live.lab_facade import inject
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.networks.registry import LESSON

ROUNDS = 4
"""What was broken, and what had gone along with it."""

NOTHING = "nothing is seen in the way any more"

LATER = ((2, 1, 2), (1, 0, 1), (2, 0, 1), (1, 1, 2))
LATER_CASES = [pytest.param(*one.values, id=one.id, marks=(*one.marks, pytest.mark.long)) for one in cases(*LATER) if LESSON in one.values]


def followed(lab, fault) -> list[str]:
    """Ask for hints, and do what they say, until there are no more; returns what was typed."""
    typed = []
    for _ in range(ROUNDS):
        question, look, mend, more = asked = [lab.hint() for _ in range(4)]
        if NOTHING in question or (typed and any(NOTHING in one for one in asked)):  # a carrier comes a moment after its cable is up
            return typed
        assert question.endswith("?")
        assert more.startswith("there are no more hints")
        for words in (look, mend):
            assert "…" not in words
            assert "…" not in question
            assert '{"' not in words, "JSON is nothing that a person types"
        node, _, command = look.partition("# ")
        lab[node].shell(command, may_fail=True)  # what is not there can't be shown
        node, _, command = mend.partition("# ")
        lab[node].shell(f"set -e; {command}")
        typed.append(mend)
        until_whole(lab, fault)
    raise AssertionError(f"after {typed} there are hints still: {lab.hint()}")


def inside(lab, node: str) -> set[str]:
    """All names and addresses that there are on a node, but its own name."""
    pods = "for pod in $(ip netns | cut -d' ' -f1); do ip -n $pod -o addr; done"
    words = lab[node].shell(f"ip -o link; ip -o addr; ip netns; ip route; {pods}")
    named = re.findall(r"[\w.:/-]*\d[\w.:/-]*\w", words)
    return {word for name in named for word in (name, name.partition("/")[0])} - {node}


@pytest.mark.parametrize(("network", "fault", "place"), [*cases((0, 0, 1), share=3, begin=1), *LATER_CASES])
def test_following_the_hints_mends_it(whole, network, fault, place):
    before = everything(whole)
    places = fault_places(whole.everyone(), *place)
    inject(whole, fault, places)
    cause = whole.explain(*fault.pair(places), size=fault.size).cause  # it knows less: only what the kernels say
    assert "…" not in "".join(cause.hints)
    assert cause.hints[2].startswith((f"{cause.place[0]}# ", "no command can be told: "))
    narrowing, look, _ = whole.fault_hints()
    assert cause.place[0] in narrowing
    assert look == cause.hints[1]
    assert not (inside(whole, cause.place[0]) & set(re.findall(r"[\w.:/-]*\w", narrowing))), "the first names nothing on the node"
    typed = followed(whole, fault)
    assert 1 <= len(typed) <= 2, typed
    assert all(one.startswith(f"{fault.node(places)}# ") for one in typed[:1]), typed
    assert whole.check()
    assert whole.ping(*fault.pair(places), patience=12)
    whole.give_up()
    until(lambda: everything(whole) == before, MENDS if fault.takes else 0)
