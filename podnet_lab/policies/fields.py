"""Reading an object's fields, with the path of whatever is wrong, as Kubernetes' API says it: ``spec.ingress[0].ports[1].port``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from reprlib import Repr
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")


_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shown(value: Any) -> str:
    """A value as it is shown in a message: a long one is cut short."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python writes no number of thousands of digits
        return "a number of thousands of digits"


def wrong(path: str, words: str) -> BadInput:
    """The error of one field."""
    return BadInput(f"{path}: {words}")


def mapping(has: Any, path: str, known: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """An object's fields; absent, it has none. A field that is not *known* is refused, as a strict API server does."""
    if has is None:
        return {}
    if not isinstance(has, Mapping):
        raise wrong(path, f"must be an object, not {shown(has)}")
    for name in has:
        if not isinstance(name, str):
            raise wrong(path, f"a field's name is text, not {shown(name)}")
        if known is not None and name not in known:
            raise wrong(f"{path}.{name}".lstrip("."), f"unknown field{did_you_mean(name, known)}")
    return has


def several(has: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The entries of a list, each with its path; absent, there is none."""
    if has is None:
        return
    if not isinstance(has, list):
        raise wrong(path, f"must be a list, not {shown(has)}")
    for number, entry in enumerate(has):
        yield entry, f"{path}[{number}]"


def text(has: Any, path: str) -> str:
    """Text; YAML reads some of it as something else, such as a version or yes, if it has no quotes."""
    if not isinstance(has, str):
        raise wrong(path, f"must be text, not {shown(has)}: does it need quotes?")
    return has


def one_of(has: Any, path: str, known: tuple[str, ...]) -> str:
    """One of the words that are known."""
    if not isinstance(has, str) or has not in known:
        raise wrong(path, f"unsupported value {shown(has)}: supported are {', '.join(known)}{did_you_mean(has, known)}")
    return has


def number(has: Any, path: str) -> int:
    """The number of a port."""
    if not isinstance(has, int) or isinstance(has, bool) or not 1 <= has <= 65535:
        raise wrong(path, f"must be a number from 1 to 65535, not {shown(has)}")
    return has


def protocol(has: Any, path: str, judged: bool = True) -> str:
    """The protocol of a port, TCP if none is said; one that is *judged* is TCP or UDP."""
    name = "TCP" if has is None else one_of(has, path, ("TCP", "UDP", "SCTP"))
    if judged and name == "SCTP":
        raise wrong(path, "SCTP is not judged in this lab: TCP or UDP")
    return name


def port_name(has: Any, path: str) -> str:
    """IANA_SVC_NAME: at most 15 small letters, digits and dashes, one letter at least."""
    name = text(has, path)
    plain = name.isascii() and name.replace("-", "a").isalnum() and name == name.lower()
    if not plain or len(name) > 15 or name != name.strip("-") or "--" in name or not any(map(str.isalpha, name)):
        raise wrong(path, f"{shown(name)} is no port's name: at most 15 small letters, digits and dashes, one letter at least")
    return name


def object_name(has: Any, path: str, dots: bool = False) -> str:
    """The name of an object: of letters, digits and dashes (RFC 1123), in a policy's with dots between such parts."""
    if has is None:
        raise wrong(path, "required: an object has a name")
    name = text(has, path)
    parts = name.split(".") if dots else [name]
    if len(name) > (253 if dots else 63) or not all(_NAME.fullmatch(part) for part in parts):
        raise wrong(path, f"{shown(name)} is no name: small letters, digits and dashes, at most {253 if dots else 63}")
    return name


def labels(has: Any, path: str) -> dict[str, str]:
    """Labels: keys, perhaps with a prefix before a slash, and values, each of at most 63 letters, digits and - _ . ."""
    found = {}
    for key, value in mapping(has, path).items():
        found[label_key(key, path)] = label_value(value, f"{path}.{key}")
    return found


def annotations(has: Any, path: str) -> None:
    """Annotations: keys as labels have them, and any text."""
    for key, value in mapping(has, path).items():
        label_key(key.lower(), path)
        text(value, f"{path}.{key}")


def label_key(has: Any, path: str) -> str:
    """The key of a label."""
    key = text(has, path)
    prefix, slash, name = key.rpartition("/")
    prefixed = not slash or (len(prefix) <= 253 and all(_NAME.fullmatch(part) for part in prefix.split(".")))
    if not name or len(name) > 63 or not _LABEL.fullmatch(name) or not prefixed:
        raise wrong(path, f"{shown(key)} is no label's key, like app or example.com/tier")
    return key


def label_value(has: Any, path: str) -> str:
    """The value of a label; it may be empty."""
    value = text(has, path)
    if len(value) > 63 or not _LABEL.fullmatch(value):
        raise wrong(path, f"{shown(value)} is no label's value: letters, digits and - _ . between them, at most 63")
    return value
