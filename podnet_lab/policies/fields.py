"""Reading an object's fields, with the path of whatever is wrong, as Kubernetes' API says it: ``spec.ingress[0].ports[1].port``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")


def wrong(path: str, words: str) -> BadInput:
    """The error of one field."""
    return BadInput(f"{path}: {words}")


def mapping(has: Any, path: str, known: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """An object's fields; absent, it has none. A field that is not *known* is refused, as a strict API server does."""
    if has is None:
        return {}
    if not isinstance(has, Mapping):
        raise wrong(path, f"must be an object, not {has!r}")
    for name in has:
        if not isinstance(name, str):
            raise wrong(path, f"a field's name is text, not {name!r}")
        if known is not None and name not in known:
            raise wrong(f"{path}.{name}".lstrip("."), f"unknown field{did_you_mean(name, known)}")
    return has


def several(has: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The entries of a list, each with its path; absent, there is none."""
    if has is None:
        return
    if not isinstance(has, list):
        raise wrong(path, f"must be a list, not {has!r}")
    for number, entry in enumerate(has):
        yield entry, f"{path}[{number}]"


def text(has: Any, path: str) -> str:
    """Text; YAML reads some of it as something else, such as a version or yes, if it has no quotes."""
    if not isinstance(has, str):
        raise wrong(path, f"must be text, not {has!r}: does it need quotes?")
    return has


def one_of(has: Any, path: str, known: tuple[str, ...]) -> str:
    """One of the words that are known."""
    if has not in known:
        raise wrong(path, f"unsupported value {has!r}: supported are {', '.join(known)}{did_you_mean(str(has), known)}")
    return has


def number(has: Any, path: str) -> int:
    """The number of a port."""
    if not isinstance(has, int) or isinstance(has, bool) or not 1 <= has <= 65535:
        raise wrong(path, f"must be a number from 1 to 65535, not {has!r}")
    return has


def object_name(has: Any, path: str, dots: bool = False) -> str:
    """The name of an object: of letters, digits and dashes (RFC 1123), in a policy's with dots between such parts."""
    if has is None:
        raise wrong(path, "required: an object has a name")
    name = text(has, path)
    parts = name.split(".") if dots else [name]
    if len(name) > (253 if dots else 63) or not all(_NAME.fullmatch(part) for part in parts):
        raise wrong(path, f"{name!r} is no name: small letters, digits and dashes, at most {253 if dots else 63}")
    return name


def labels(has: Any, path: str) -> dict[str, str]:
    """Labels: keys, perhaps with a prefix before a slash, and values, each of at most 63 letters, digits and - _ . ."""
    found = {}
    for key, value in mapping(has, path).items():
        found[label_key(key, path)] = label_value(value, f"{path}.{key}")
    return found


def label_key(has: Any, path: str) -> str:
    """The key of a label."""
    key = text(has, path)
    prefix, slash, name = key.rpartition("/")
    prefixed = not slash or (len(prefix) <= 253 and all(_NAME.fullmatch(part) for part in prefix.split(".")))
    if not name or len(name) > 63 or not _LABEL.fullmatch(name) or not prefixed:
        raise wrong(path, f"{key!r} is no label's key, like app or example.com/tier")
    return key


def label_value(has: Any, path: str) -> str:
    """The value of a label; it may be empty."""
    value = text(has, path)
    if len(value) > 63 or not _LABEL.fullmatch(value):
        raise wrong(path, f"{value!r} is no label's value: letters, digits and - _ . between them, at most 63")
    return value
