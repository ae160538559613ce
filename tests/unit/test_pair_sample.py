"""A sample of pairs: as many as was asked for, of both kinds, and the same for the same seed."""

import pytest

from podnet_lab.errors import BadInput
from podnet_lab.lab.pair_sample import some_pairs


def kinds(nodes, pairs):
    return sum(nodes[a] == nodes[b] for a, b in pairs), sum(nodes[a] != nodes[b] for a, b in pairs)


def test_a_sample_has_pairs_of_both_kinds_and_the_same_seed_draws_the_same():
    nodes = [f"node{n}" for n in range(50) for _ in range(20)]
    drawn = some_pairs(nodes, 500, seed=7)
    assert len(set(drawn)) == 500
    assert all(a != b for a, b in drawn)
    near, far = kinds(nodes, drawn)
    assert near > 50
    assert far > 300
    assert some_pairs(nodes, 500, seed=7) == drawn
    assert some_pairs(nodes, 500, seed=8) != drawn


@pytest.mark.parametrize("nodes", [["a"] * 4, ["a", "b", "c", "d"], ["a"]])
def test_a_sample_of_a_cluster_with_one_kind_of_pair_is_of_that_kind(nodes):
    assert len(some_pairs(nodes, 5, seed=0)) == (5 if len(nodes) == 4 else 0)


@pytest.mark.parametrize("size", range(2, 31))
@pytest.mark.parametrize("seed", range(5))
def test_a_small_sample_has_a_pair_of_each_kind_and_is_as_large_as_was_asked(size, seed):
    """The rules are about both: a healthy network of 2, 2 and 2 Pods failed most samples of less than 7 pairs."""
    nodes = ["node1", "node1", "node2", "node2", "node3", "node3"]
    drawn = some_pairs(nodes, size, seed)
    assert len(set(drawn)) == len(drawn) == size
    assert all(kinds(nodes, drawn))


@pytest.mark.parametrize("share", [0.4, 0.5, 0.9, 0.999])
def test_a_sample_of_most_pairs_ends_soon(share):
    nodes = [f"node{n}" for n in range(3) for _ in range(40)] + ["node4"]
    size = int(share * len(nodes) * (len(nodes) - 1))
    assert len(set(some_pairs(nodes, size, seed=1))) == size


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(BadInput, match="a sample of 0 pairs is none"):
        some_pairs(["a", "b"], 0, seed=0)
