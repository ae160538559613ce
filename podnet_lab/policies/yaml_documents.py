"""
YAML as Kubernetes reads it: what its words mean is up to sigs.k8s.io/yaml, which makes JSON of it. Pure.

PyYAML reads the text, and its own meanings are left aside: a date stays text, ``22:22`` is no number to the base of 60, an exponent
needs no dot, ``y`` and ``n`` are true and false. What stands in a mapping twice is refused, as a strict API server does, and so is
what JSON has no word for. (sigs.k8s.io/yaml, goyaml.v2/resolve.go and decode.go)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from yaml import YAMLError
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from podnet_lab.errors import BadInput
from podnet_lab.policies.fields import shown

MOST_LEVELS = 100
"""How deep something may stand in something else; objects of Kubernetes come to some twenty."""

MOST_VALUES = 1_000_000
"""How many values a text may come to: with anchors that stand for others a short one would fill a machine's memory."""

_TAG = "tag:yaml.org,2002:"
_PLAIN = f"{_TAG}plain"
"""What has no quotes, and so means what its letters look like."""

_WORDS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(?:0[bB]([01]+)|0[oO]?([0-7]+)|0[xX]([0-9a-fA-F]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES = (2, 8, 16, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_KINDS = {f"{_TAG}null": (type(None),), f"{_TAG}bool": (bool,), f"{_TAG}int": (int,), f"{_TAG}float": (float, int)}


def documents(text: str) -> Iterator[Any]:
    """What each document of a text says, as JSON would: dictionaries, lists, text, numbers. BadInput, with the line, for all else."""
    nodes = _Nodes(text)
    while (node := nodes.next()) is not None:
        yield _Values().value(node)


class _Nodes(Reader, Scanner, Parser, Composer, BaseResolver):
    """A text's documents as PyYAML's nodes, which know their lines; what has no quotes is not looked at yet."""

    def __init__(self, text: str) -> None:
        self._reading(lambda: Reader.__init__(self, text))
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        """PyYAML's word for it, but that of plain text."""
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else f"{_TAG}str"
        return f"{_TAG}{'seq' if kind is SequenceNode else 'map'}"

    def next(self) -> Node | None:
        """The next document; None after the last."""
        return self._reading(lambda: self.get_node() if self.check_node() else None)

    def _reading(self, read: Any) -> Any:
        try:
            return read()
        except YAMLError as error:
            raise BadInput(f"this is no YAML: {error}") from None
        except RecursionError:
            raise BadInput(f"line {self.line + 1}: {_TOO_DEEP}") from None
        except Exception as error:  # noqa: BLE001 - PyYAML fails in ways of its own, as for the letter "\UFFFFFFFF"
            raise BadInput(f"line {self.line + 1}: this is no YAML: {error}") from None


_TOO_DEEP = f"more than {MOST_LEVELS} lists and objects stand in each other"


def _wrong(node: Node, words: str) -> BadInput:
    return BadInput(f"line {node.start_mark.line + 1}: {words}")


class _Values:
    """The values of one document."""

    def __init__(self) -> None:
        self._count = 0

    def value(self, node: Node, level: int = 0) -> Any:
        self._count += 1
        if level > MOST_LEVELS:
            raise _wrong(node, _TOO_DEEP)
        if self._count > MOST_VALUES:
            raise _wrong(node, f"with what its anchors stand for, this comes to more than {MOST_VALUES:,} values")
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if node.tag not in (f"{_TAG}seq", f"{_TAG}map"):
            raise _no_json(node)
        if isinstance(node, SequenceNode):
            return [self.value(one, level + 1) for one in node.value]
        return self._mapping(node, level)

    def _mapping(self, node: MappingNode, level: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str | None, int] = {}
        for key, inner in node.value:
            # None is the sign << for "and all that stands there", which another key takes the place of.
            name = None if key.tag == f"{_TAG}merge" or (key.tag, key.value) == (_PLAIN, "<<") else self._key(key)
            if name in lines:
                raise _wrong(key, f"the key {shown(name or '<<')} is there twice: the first is in line {lines[name]}")
            lines[name] = key.start_mark.line + 1
            if name is None:
                merged = self._merged(inner, level)
            else:
                found[name] = self.value(inner, level + 1)
        return {**merged, **found} if merged else found

    def _key(self, node: Node) -> str:
        """JSON's keys are text: a number, or a word that means true, is written as JSON does."""
        key = self.value(node)
        if isinstance(key, bool):
            return str(key).lower()
        if not isinstance(key, str | int | float):
            raise _wrong(node, f"a key is text, not {shown(key)}")
        return str(key)

    def _merged(self, node: Node, level: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in reversed(node.value) if isinstance(node, SequenceNode) else [node]:
            if not isinstance(one, MappingNode):
                raise _wrong(one, "what << brings in is an object, or a list of them")
            found |= self.value(one, level + 1)
        return found


def _no_json(node: Node) -> BadInput:
    return _wrong(node, f"{node.tag.replace(_TAG, '!!')} is nothing that JSON has a word for")


def _scalar(node: ScalarNode) -> Any:
    if node.tag == f"{_TAG}str":
        return node.value
    if node.tag == _PLAIN:
        return plain(node.value)
    kinds = _KINDS.get(node.tag)
    if kinds is None:
        raise _no_json(node)
    value = plain(node.value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise _wrong(node, f"{shown(node.value)} is no {node.tag.replace(_TAG, '!!')}")
    return value


def plain(text: str) -> Any:
    """What text without quotes means: nothing, true or false, a number, or itself."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isdigit() and text[0] not in "+-.":
        return text
    digits = text.replace("_", "")
    if whole := _INTEGER.fullmatch(digits):
        sign, *parts = whole.groups()
        base, part = next((base, part) for base, part in zip(_BASES, parts, strict=True) if part)
        # Beyond 64 bits it is a number still, and nobody's port: how much it is does not matter.
        number = int(part, base) if len(part) <= 64 else 1 << 64
        if number < 1 << 64:
            return -number if sign == "-" else number
        return math.inf
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    if math.isinf(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number  # in JSON 80.0 is 80
