"""Snapshots that follow each other hold what is the same in both once: a journal of many keeps their differences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from podnet_lab.model import Namespace, Snapshot
from podnet_lab.model.nftables import Ruleset

Value = TypeVar("Value")

DEEP = (Snapshot, Namespace, Ruleset)
"""Values that have mappings, or fields that `==` leaves out."""


def shared(value: Value, earlier: Any) -> Value:
    """
    The same *value*, made of *earlier*'s own parts wherever those are equal.

    Looks into mappings, tuples, and `DEEP` values; mappings in another order are not the same.
    """
    if value is earlier or type(value) is not type(earlier):
        return value
    if isinstance(value, Mapping):
        return _mapping(value, earlier)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return _tuple(value, earlier)
    if type(value) in DEEP:
        return _dataclass(value, earlier)
    return earlier if _whole(value) == _whole(earlier) else value


def _whole(value: Any) -> Any:
    """What stands for a value where two are compared, with the fields that its own `==` leaves out."""
    hidden = _hidden(type(value))
    return (value, *[getattr(value, name) for name in hidden]) if hidden else value


@cache
def _hidden(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.compare) if is_dataclass(kind) else ()


def _mapping(value: Mapping, earlier: Mapping) -> Any:
    if type(value) is not dict:
        return earlier if value == earlier else value  # what is left out of `==` is looked at in a dict alone: a model has no other
    keys = {key: key for key in earlier}
    made = {keys.get(key, key): shared(part, earlier.get(key)) for key, part in value.items()}
    return earlier if list(made) == list(earlier) and all(made[key] is earlier[key] for key in made) else made


def _tuple(value: tuple, earlier: tuple) -> Any:
    wholes, earlier_wholes = [*map(_whole, value)], [*map(_whole, earlier)]
    if wholes == earlier_wholes:
        return earlier
    try:
        known = dict(zip(earlier_wholes, earlier, strict=True))
        return tuple(known.get(whole, part) for whole, part in zip(wholes, value, strict=True))
    except TypeError:  # parts that have no hash: what `nft` printed
        known = {repr(whole): part for whole, part in zip(earlier_wholes, earlier, strict=True)}
        return tuple(known.get(repr(whole), part) for whole, part in zip(wholes, value, strict=True))


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _dataclass(value: Any, earlier: Any) -> Any:
    had = {name: getattr(earlier, name) for name in _names(type(value))}
    parts = {name: shared(getattr(value, name), part) for name, part in had.items()}
    if all(parts[name] is part for name, part in had.items()):
        return earlier
    return type(value)(**parts)
