"""Snapshots that follow each other hold what is the same once, and nothing is lost by it."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from podnet_lab.lab.journal import MOST_RUNS, Entry, Journal
from podnet_lab.model import Link, Namespace, Process, Route, Snapshot
from podnet_lab.model.nftables import Ruleset
from podnet_lab.model.shared_parts import shared

MAC = "02:00:00:00:00:01"
LINKS = st.builds(
    Link,
    st.sampled_from("abc"),
    st.just("veth"),
    st.booleans(),
    st.just(MAC),
    st.integers(1, 3),
    port=st.sampled_from(["", "isolated"]),
    aliases=st.sampled_from([(), ("note",)]),
)
ROUTES = st.builds(Route, st.just(IPv4Network("10.0.0.0/8")), via=st.none(), dev=st.sampled_from("ab"), raw=st.sampled_from(["", "00"]))
PROCESSES = st.builds(Process, st.sampled_from(["a", "b"]), pid=st.integers(0, 2), born=st.integers(0, 1))
RULES = st.builds(
    Ruleset,
    objects=st.dictionaries(st.sampled_from("xyz"), st.integers(0, 1)),
    rules=st.dictionaries(st.sampled_from("xyz").map(tuple), st.lists(st.dictionaries(st.just("drop"), st.none()), max_size=2).map(tuple)),
    raw=st.dictionaries(st.just(("ip", "t")), st.lists(st.dictionaries(st.just("handle"), st.integers(0, 2)), max_size=3).map(tuple)),
)
SPACES = st.builds(
    Namespace,
    name=st.just("pod"),
    links=st.lists(LINKS, max_size=3).map(lambda links: {link.name: link for link in links}),
    routes=st.lists(ROUTES, max_size=3).map(tuple),
    rules=RULES,
    learnt=st.dictionaries(st.just(IPv4Address("10.0.0.1")), st.integers(500, 502)),
)
SNAPSHOTS = st.builds(
    Snapshot,
    node=st.just("node1"),
    spaces=st.dictionaries(st.sampled_from([None, "pod", "other"]), SPACES),
    processes=st.lists(PROCESSES, max_size=2).map(tuple),
)


def everything(value):
    """A value with all of its fields, those that are not compared among them, and the order of mappings."""
    if is_dataclass(value):
        return [type(value), *((field.name, everything(getattr(value, field.name))) for field in fields(value))]
    if isinstance(value, Mapping):
        return [(key, everything(part)) for key, part in value.items()]
    return [*map(everything, value)] if isinstance(value, tuple) else value


@given(SNAPSHOTS, SNAPSHOTS)
def test_it_is_the_same_value(value, earlier):
    made = shared(value, earlier)
    assert (made, everything(made)) == (value, everything(value))


@given(SNAPSHOTS)
def test_what_is_equal_is_held_once(value):
    again = replace(value, spaces={name: replace(space, links=dict(space.links)) for name, space in value.spaces.items()})
    assert shared(again, value) is value
    assert shared(value, None) is value


def test_only_what_differs_is_new():
    links = {name: Link(name, "veth", True, MAC, 1500) for name in ("a", "b")}
    pods = {name: Namespace(name, links=dict(links)) for name in ("p", "q")}
    earlier = Snapshot("node1", pods)
    same = replace(pods["p"], links={key: replace(link) for key, link in links.items()})
    down = replace(pods["q"], links={"a": replace(links["a"]), "b": replace(links["b"], up=False)})
    later = shared(Snapshot("node1", {"p": same, "q": down}), earlier)
    assert later.spaces["p"] is earlier.spaces["p"]
    assert later.spaces["q"].links["a"] is links["a"]
    assert not later.spaces["q"].links["b"].up


def test_a_journal_keeps_the_last_runs_and_says_what_it_let_go():
    journal = Journal()
    for number in range(MOST_RUNS + 3):
        journal.append(Entry({"node1": [number]}, {}, {}))
    assert len(journal) == MOST_RUNS
    assert [journal[0].steps, journal[-1].steps] == [{"node1": [3]}, {"node1": [MOST_RUNS + 2]}]
    assert "the 3 before them let go" in journal.let_go_words
    journal.clear()
    assert (len(journal), journal.let_go_words) == (0, "")
