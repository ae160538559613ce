"""The table of productions: each file of this folder adds its own."""

from __future__ import annotations

from collections.abc import Callable

from live.mischief.grammar.draw import Draw

Production = Callable[[Draw], str]
TABLE: dict[str, list[Production]] = {}
"""By program (`ip link`, `nft`, `sysctl` …): what can be typed."""


def production(program: str, times: int = 1) -> Callable[[Production], Production]:
    """Add a function that draws one command of *program*; one that is *times* as likely as others."""

    def add(function: Production) -> Production:
        TABLE.setdefault(program, []).extend([function] * times)
        return function

    return add
