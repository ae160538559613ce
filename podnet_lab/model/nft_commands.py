"""
Commands of nft's JSON as a person types them: what undo, goto and hints bring tables back with. Pure.

What a person would read is not JSON. Where a command has no typed form here, such as one about a counter with a name, there is none
for all of them: half a transaction mends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podnet_lab.model.nft_expressions import Untold, element, expression, only, quoted
from podnet_lab.model.nft_statements import typed_rule

_PLACE = ("family", "table", "name", "handle")
_WITH_DEVICES = ("ingress", "egress")


def typed_commands(commands: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Each command as it is typed behind `nft`; elements that follow each other in one map or set are one. None if one can't be said."""
    typed: list[str] = []
    last: tuple[str, str] | None = None
    try:
        for command in commands:
            ((verb, subject),) = command.items()
            ((kind, of),) = subject.items()
            if kind != "element":
                typed, last = [*typed, _typed(verb, kind, of)], None
                continue
            place, words = f"{verb} element {_path(of)}", ", ".join(_elements(verb, of))
            if last is not None and last[0] == place:
                words = f"{last[1]}, {words}"
                del typed[-1]
            typed, last = [*typed, f"{place} {{ {words} }}"], (place, words)
    except Untold:
        return None
    return typed


def _path(of: Mapping[str, Any]) -> str:
    return " ".join(str(of[part]) for part in ("family", "table", "name") if part in of)


def _elements(verb: str, of: Mapping[str, Any]) -> list[str]:
    only(of, *_PLACE, "elem")
    # What is deleted is known by its key.
    return [expression(one[0]) if verb == "delete" and isinstance(one, list) else element(one) for one in of["elem"]]


def _typed(verb: str, kind: str, of: Mapping[str, Any]) -> str:
    if kind == "rule":
        only(of, *_PLACE, "chain", "expr", "comment")
        comment = f" comment {quoted(of['comment'])}" if "comment" in of else ""
        return f"{verb} rule {of['family']} {of['table']} {of['chain']} {typed_rule(of['expr'])}{comment}"
    if verb != "add" or kind == "table":
        only(of, *_PLACE, *(() if verb == "add" else of))
        return f"{verb} {kind} {_path(of)}"
    described = _DESCRIBED.get(kind)
    if described is None:
        raise Untold(kind)
    parts = described(of)
    return f"add {kind} {_path(of)}" + (f" {_braced(parts)}" if parts else "")


def _braced(parts: Iterable[str]) -> str:
    return f"{{ {' ; '.join(parts)} ; }}"


def object_words(kind: str, of: Mapping[str, Any]) -> str:
    """What a chain, a map or a set is, as it is typed in its braces; in other words where there is nothing to type."""
    try:
        parts = _DESCRIBED[kind](of)
    except (Untold, KeyError):
        return "one that no step makes"
    return _braced(parts) if parts else "a chain at no hook"


def chain_words(of: Mapping[str, Any]) -> list[str]:
    """What a chain is, part by part; nothing of one without a hook."""
    only(of, *_PLACE, "type", "hook", "prio", "policy", "dev")
    if "hook" not in of:
        return []
    devices = [of["dev"]] if isinstance(of.get("dev"), str) else of.get("dev", ())
    if (of["hook"] in _WITH_DEVICES) != bool(devices) and of["family"] != "inet":
        raise Untold("the devices of a chain")
    at = f" devices = {{ {', '.join(map(quoted, devices))} }}" if devices else ""
    policy = [f"policy {of['policy']}"] if "policy" in of else []
    return [f"type {of['type']} hook {of['hook']}{at} priority {of['prio']}", *policy]


def set_words(of: Mapping[str, Any]) -> list[str]:
    """What a set or a map is, part by part."""
    only(of, *_PLACE, "type", "map", "flags", "timeout", "gc-interval", "size", "auto-merge")
    types = [of["type"]] if isinstance(of["type"], str) else of["type"]
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise Untold("typeof")
    flags = [of["flags"]] if isinstance(of.get("flags"), str) else of.get("flags", ())
    parts = [f"type {' . '.join(types)}{' : ' + of['map'] if 'map' in of else ''}"]
    parts += [f"flags {','.join(flags)}"] if flags else []
    parts += [f"{name} {of[name]}s" for name in ("timeout", "gc-interval") if of.get(name)]
    parts += [f"size {of['size']}"] if "size" in of else []
    return [*parts, *(["auto-merge"] if of.get("auto-merge") else [])]


_DESCRIBED = {"chain": chain_words, "set": set_words, "map": set_words}
