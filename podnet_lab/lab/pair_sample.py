"""Some of very many pairs, drawn so that both kinds are among them: of one node, and of two."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations

from podnet_lab.errors import BadInput

NEAR = 5
"""One in so many pairs of a sample is of one node: two of the three rules are about different pairs."""

Pair = tuple[int, int]


def some_pairs(nodes: Sequence[str], size: int, seed: int) -> list[Pair]:
    """
    Draw *size* different ordered pairs of places in *nodes*, where each Pod's node stands, in order; all, if there are no more.

    Of two pairs one is of each kind, where there is such. The same *seed* draws the same.
    """
    if size < 1:
        raise BadInput(f"a sample of {size} pairs is none")
    dice = random.Random(seed)  # noqa: S311 - nothing depends on its being hard to guess
    places: dict[str, list[int]] = {}
    for place, node in enumerate(nodes):
        places.setdefault(node, []).append(place)
    of_one = sum(len(here) * (len(here) - 1) for here in places.values())
    of_two = len(nodes) * (len(nodes) - 1) - of_one
    near = min(of_one, max(-(-size // NEAR), size - of_two))
    far = min(of_two, size - near)

    def near_pair() -> Pair:
        source = dice.randrange(len(nodes))
        return source, dice.choice(places[nodes[source]])

    def far_pair() -> Pair:
        return dice.randrange(len(nodes)), dice.randrange(len(nodes))

    drawn: list[Pair] = []
    for wanted, there, is_near, draw in ((near, of_one, True, near_pair), (far, of_two, False, far_pair)):
        fits = lambda pair, is_near=is_near: pair[0] != pair[1] and (nodes[pair[0]] == nodes[pair[1]]) == is_near  # noqa: E731
        found: set[Pair] = set()
        # By chance as long as that finds others soon; the last ones of a kind are drawn from the list of all.
        for _ in range(20 * wanted if 2 * wanted <= there else 0):
            if len(found) == wanted:
                break
            if fits(pair := draw()):
                found.add(pair)
        if len(found) < wanted:
            left = [pair for pair in permutations(range(len(nodes)), 2) if fits(pair) and pair not in found]
            found.update(dice.sample(left, wanted - len(found)))
        drawn += found
    return sorted(drawn)
