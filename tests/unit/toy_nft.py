"""A toy nftables, which takes nft's JSON commands and lists what they add up to, refusals included as far as the steps meet them."""

from __future__ import annotations

import errno
import itertools
import os
from typing import Any

from podnet_lab.model.nftables import Ruleset, name, ruleset

_handles = itertools.count(1)


def _refuse(code: int) -> None:
    raise OSError(code, os.strerror(code))


def _table(kind: str, has: dict[str, Any]) -> str:
    return has["name"] if kind == "table" else has["table"]


class Tables:
    """What `nft -j list ruleset` would list."""

    def __init__(self, was: Ruleset) -> None:
        self.listing: list[dict[str, Any]] = [one for raw in was.raw.values() for one in raw]

    def frozen(self) -> Ruleset:
        return ruleset(self.listing)

    def _find(self, kind: str, has: dict[str, Any]) -> dict[str, Any] | None:
        """The named thing itself."""
        same = (one[kind] for one in self.listing if kind in one)
        return next((one for one in same if _table(kind, one) == _table(kind, has) and one["name"] == has["name"]), None)

    def do(self, commands: list[dict[str, Any]]) -> None:
        before = list(self.listing)
        try:
            for one in commands:
                ((verb, what),) = one.items()
                ((kind, has),) = what.items()
                getattr(self, verb)(kind, has)
        except OSError:
            self.listing = before
            raise

    def _needs(self, has: dict[str, Any], *what: tuple[str, str]) -> None:
        for kind, which in what:
            if self._find(kind, {"table": has["table"], "name": which}) is None:
                _refuse(errno.ENOENT)

    def add(self, kind: str, has: dict[str, Any]) -> None:
        if kind != "table" and self._find("table", {"name": has["table"]}) is None:
            _refuse(errno.ENOENT)
        if kind == "rule":
            self._needs(has, ("chain", has["chain"]), *(("chain", one) for one in _targets(has["expr"])))
            self.listing.append({"rule": has | {"handle": next(_handles)}})
        elif kind == "element":
            self._add_elements(has)
        elif self._find(kind, has) is None:
            self.listing.append({kind: {key: value for key, value in has.items() if key != "flags"}})

    def set_dormant(self, family: str, table: str, dormant: bool) -> None:
        known = self._find("table", {"name": table}) or _refuse(errno.ENOENT)
        plain = {what: value for what, value in known.items() if what != "flags"}
        self.listing[self.listing.index({"table": known})] = {"table": plain | ({"flags": ["dormant"]} if dormant else {})}

    def _add_elements(self, has: dict[str, Any]) -> None:
        kind = "map" if self._find("map", has) else "set"
        self._needs(has, (kind, has["name"]), *(("chain", one) for one in _targets(has["elem"])))
        known = self._find(kind, has)
        keys = {name(one) for one in known.get("elem", ())}
        if keys & {name(one) for one in has["elem"]}:
            _refuse(errno.EEXIST)
        at = self.listing.index({kind: known})
        self.listing[at] = {kind: known | {"elem": [*known.get("elem", ()), *has["elem"]]}}

    def flush(self, kind: str, has: dict[str, Any]) -> None:
        if kind == "set":
            known = self._find(kind, has) or _refuse(errno.ENOENT)
            self.listing[self.listing.index({kind: known})] = {kind: {what: value for what, value in known.items() if what != "elem"}}
            return
        self._needs(has, ("chain", has["name"]))
        self.listing = [
            one for one in self.listing if "rule" not in one or (one["rule"]["table"], one["rule"]["chain"]) != (has["table"], has["name"])
        ]

    def delete(self, kind: str, has: dict[str, Any]) -> None:
        if kind == "rule":
            same = [one for one in self.listing if "rule" in one and _says(one["rule"]) == _says(has)]
            if not same:
                _refuse(errno.ENOENT)
            self.listing.remove(same[-1])
            return None
        if kind == "element":
            return self._delete_elements(has)
        if self._find(kind, has) is None:
            _refuse(errno.ENOENT)
        if kind == "table":
            self.listing = [one for one in self.listing if _table(*next(iter(one.items()))) != has["name"]]
            return None
        if kind == "chain":
            self.flush(kind, has)
            if has["name"] in _targets(self.listing):
                _refuse(errno.EBUSY)
        self.listing = [one for one in self.listing if kind not in one or one[kind] != self._find(kind, has)]
        return None

    def _delete_elements(self, has: dict[str, Any]) -> None:
        kind = "map" if self._find("map", has) else "set"
        known = self._find(kind, has) or _refuse(errno.ENOENT)
        gone = {name(one) for one in has["elem"]}
        if gone - {name(one) for one in known.get("elem", ())}:
            _refuse(errno.ENOENT)
        at = self.listing.index({kind: known})
        self.listing[at] = {kind: known | {"elem": [one for one in known["elem"] if name(one) not in gone]}}


def _says(rule: dict[str, Any]) -> tuple:
    return rule["table"], rule["chain"], rule["expr"]


def _targets(what: Any) -> set[str]:
    """The chains that something leads to."""
    if isinstance(what, list):
        return {one for each in what for one in _targets(each)}
    if isinstance(what, dict):
        here = {what[verb]["target"] for verb in ("jump", "goto") if isinstance(what.get(verb), dict)}
        return here.union(*map(_targets, what.values()))
    return set()
