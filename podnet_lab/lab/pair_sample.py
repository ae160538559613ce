"""Some of very many pairs, drawn so that both kinds are among them: of one node, and of two."""

from __future__ import annotations

import random
from collections.abc import Sequence

from podnet_lab.errors import BadInput

NEAR = 5
"""One in so many pairs of a sample is of one node: two of the three rules are about different pairs."""


def some_pairs(nodes: Sequence[str], size: int, seed: int) -> list[tuple[int, int]]:
    """
    Draw *size* different ordered pairs of places in *nodes*, where each Pod's node stands, in order.

    The same *seed* draws the same. Fewer come back where there are not as many of one kind.
    """
    if size < 1:
        raise BadInput(f"a sample of {size} pairs is none")
    dice = random.Random(seed)  # noqa: S311 - nothing depends on its being hard to guess
    places: dict[str, list[int]] = {}
    for place, node in enumerate(nodes):
        places.setdefault(node, []).append(place)
    drawn: set[tuple[int, int]] = set()
    for attempt in range(20 * size):  # enough, even where most were drawn before
        if len(drawn) == size:
            break
        source = dice.randrange(len(nodes))
        near = attempt % NEAR == 0
        target = dice.choice(places[nodes[source]]) if near else dice.randrange(len(nodes))
        if target != source and (nodes[target] == nodes[source]) == near:
            drawn.add((source, target))
    return sorted(drawn)
