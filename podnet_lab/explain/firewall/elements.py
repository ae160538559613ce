"""The elements of named sets and maps, and of those that stand in a rule. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from podnet_lab.model.nftables import Ruleset


@dataclass(frozen=True)
class Elements:
    """(key, data) of each element, data None in a set; *unknown*: packets fill it, or it is not there."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    unknown: bool = False


def is_default(key: Any) -> bool:
    """Whether an element is the one for all that no other is for: ``*``."""
    return key == "*"


def elements(ruleset: Ruleset, table: tuple[str, str], name: str) -> Elements:
    """Those of a named set or map."""
    listed = ruleset.sets.get((*table, name))
    if listed is None or (*table, name) in ruleset.filled:
        return Elements(unknown=True)
    return Elements([pair(element) for element in listed])


def pair(element: Any) -> tuple[Any, Any]:
    """An element of a map as (key, data), of a set as (key, None)."""
    return (element[0], element[1]) if isinstance(element, list) else (element, None)
