"""All shapes, in the order in which seeds take them."""

from __future__ import annotations

import random

from live.mischief import shapes, shapes_overlay
from live.mischief.shapes import Shape

MAKERS = (
    shapes.lesson, shapes_overlay.layer2, shapes_overlay.proxy_arp, shapes.two_bridges, shapes_overlay.masquerade, shapes.lesson,
    shapes.macvlan, shapes.routers, shapes_overlay.routed_vxlan,
)  # fmt: skip
"""The lesson is what people have most often."""

LONG_LINE = 7
"""Of so many lines of routers, one has more hops than most programs expect."""


def shape_of(seed: int) -> Shape:
    """The shape that a seed stands for, with all that is drawn for it."""
    rng, maker = random.Random(f"shape {seed}"), MAKERS[seed % len(MAKERS)]  # noqa: S311 - no secret
    if maker is shapes.routers and seed // len(MAKERS) % LONG_LINE == LONG_LINE - 1:
        return shapes.routers(rng, 22)
    return maker(rng)
