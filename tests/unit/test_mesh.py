"""Which pairs of a mesh are tried together: every one of them once, and never more neighbours than the table holds."""

from collections import Counter
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.kernel.packed_flags import packed
from podnet_lab.lab import ping_mesh_schedule


def ends(sizes):
    pods = (
        Endpoint(f"pod-{node}-{host}", f"node{node}", f"pod-{node}-{host}", (f"10.{node}.{host // 250}.{host % 250}",))
        for node, size in enumerate(sizes, 1)
        for host in range(size)
    )
    return ping_mesh_schedule.NumberedEndpoints(pods)


clusters = st.lists(st.integers(0, 300), min_size=0, max_size=6) | st.lists(st.integers(0, 12), min_size=0, max_size=40)


def tried(some):
    """(source, target) of every echo that is sent, across nodes and within."""
    for one, other in combinations_with_replacement(ping_mesh_schedule.groups(some), 2):
        for blocks in ping_mesh_schedule._round(some, one, other, None).values():
            yield from ((source, target) for sources, targets in blocks for source in sources for target in targets)
    for numbers in some.of.values():
        for (source,), targets in ping_mesh_schedule._later(numbers, 60, None):
            yield from (pair for target in targets for pair in ((source, target), (target, source)))


@given(st.lists(st.integers(0, 40), max_size=7))
def test_every_ordered_pair_is_tried_once(sizes):
    some = ends(sizes)
    counted = Counter(tried(some))
    assert set(counted.values()) <= {1}
    assert len(counted) == len(some.all) * (len(some.all) - 1)


@given(clusters)
def test_two_groups_fit_into_the_table_together(sizes):
    some = ends(sizes)
    found = ping_mesh_schedule.groups(some)
    assert sorted(number for group in found for number in group) == list(range(len(some.all)))
    for one, other in combinations_with_replacement(found, 2):
        both = {*one, *other}
        assert ping_mesh_schedule.entries(len(both), len({some.node[number] for number in both})) <= ping_mesh_schedule.MOST_ENTRIES


def test_one_part_of_a_node_with_a_part_of_another_fills_much_of_the_table():
    """Groups that are too small would cost more rounds than need be."""
    assert len(ping_mesh_schedule.groups(ends([110, 110, 110]))) == 3
    assert len(ping_mesh_schedule.groups(ends([20] * 50))) <= 10
    assert len(ping_mesh_schedule.groups(ends([3, 3, 3]))) == 1


@given(st.lists(st.integers(0, 9), max_size=5), st.data())
def test_only_wanted_pairs_are_tried_across(sizes, data):
    some = ends(sizes)
    numbers = range(len(some.all))
    pairs = [(a, b) for a in numbers for b in numbers if a != b]
    wanted = set(data.draw(st.lists(st.sampled_from(pairs), max_size=9))) if pairs else set()
    sent = {
        (source, target)
        for one, other in combinations_with_replacement(ping_mesh_schedule.groups(some), 2)
        for blocks in ping_mesh_schedule._round(some, one, other, wanted).values()
        for sources, targets in blocks
        for source in sources
        for target in targets
    }
    assert sent == {(a, b) for a, b in wanted if some.node[a] != some.node[b]}


def test_an_address_that_two_have_is_for_the_slow_way():
    pods = [
        Endpoint(name, "node1", name, addresses)
        for name, addresses in (("a", ("1.1.1.1",)), ("b", ("1.1.1.1",)), ("c", ()), ("d", ("1.1.1.2",)))
    ]
    assert [one.name for one in ping_mesh_schedule.NumberedEndpoints(pods).all] == ["d"]


@pytest.mark.parametrize("missing", [None, (0, 1), (1, 0)])
def test_reached_needs_both_ends_word(missing):
    heard, replied = {0: bytearray(b"\0\1"), 1: bytearray(b"\1\0")}, {0: bytearray(b"\0\1"), 1: bytearray(b"\1\0")}
    if missing:
        heard[missing[1]][missing[0]] = 0  # the target's word for this pair
    answers = {node: {str(node): (packed(heard[node]), packed(replied[node]))} for node in (0, 1)}
    rows = ping_mesh_schedule._confirmations(answers, 2)
    assert {(a, b) for a, row in enumerate(rows) for b, one in enumerate(row) if one == ping_mesh_schedule.BOTH} == {(0, 1), (1, 0)} - {
        missing
    }
