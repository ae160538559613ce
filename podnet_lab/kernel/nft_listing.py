"""
This namespace's ruleset as `nft` lists it in JSON (libnftables-json(5)), whatever is in it: or why it can't be read.

`nft` 1.0.6 prints freed memory in place of a table's flag (table_flags_json in its json.c): a text that stands elsewhere in the listing,
or JSON that ends there, or nothing. So where a table has flags nobody asks it for tables: they are put together from what it lists of
their chains, sets and other objects, with the flags as the kernel has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podnet_lab.kernel.programs import run

Flags = Mapping[tuple[str, str], Sequence[str]]
"""The flags of each table, by (family, name), in the kernel's order."""

_OBJECTS = ("counters", "quotas", "limits", "secmarks", "maps", "sets", "flowtables")
"""
What `nft` lists of all tables at once beside chains, in the order in which it lists them of one.

What it has no such list of, or ends of (`nft -j list synproxys`), is not read where a table has flags: conntrack's helpers, timeouts and
expectations, and synproxies by name. No packet meets any of them by itself.
"""


class Unreadable(Exception):
    """`nft` does not list what is there; the message says why, in its own words if it has some."""


def listing(flags: Flags) -> str:
    """What `nft -j list ruleset` prints of tables with these *flags*, or should. Raises Unreadable, or Missing without `nft`."""
    if not any(flags.values()):
        return _printed("list", "ruleset")
    return json.dumps({"nftables": [entry for table, has in flags.items() for entry in _table(table, has)]})


def _table(table: tuple[str, str], flags: Sequence[str]) -> Iterator[dict[str, Any]]:
    family, name = table
    if not flags:
        yield from _asked({"table": {"family": family, "name": name}})
        return
    yield {"table": {"family": family, "name": name, "flags": list(flags)}}
    for kind in _OBJECTS:
        yield from (entry for entry in _entries(_printed("list", kind)) if _is_of(table, entry))
    for entry in (entry for entry in _entries(_printed("list", "chains")) if _is_of(table, entry)):
        yield entry
        yield from (one for one in _asked({"chain": {"family": family, "table": name, "name": entry["chain"]["name"]}}) if "rule" in one)


def _is_of(table: tuple[str, str], entry: Mapping[str, Any]) -> bool:
    ((_, body),) = entry.items()
    return (body.get("family"), body.get("table")) == table


def _asked(what: dict[str, Any]) -> list[dict[str, Any]]:
    """What `nft` lists of one object; it is given its name as JSON, for that may be a word of its own grammar."""
    return _entries(_printed("-f", "-", given=json.dumps({"nftables": [{"list": what}]})))


def _entries(printed: str) -> list[dict[str, Any]]:
    try:
        return [entry for entry in json.loads(printed)["nftables"] if "metainfo" not in entry]
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"what it lists is no JSON of nft's ({error})") from error


def _printed(*words: str, given: str | None = None) -> str:
    done = run("nft", "-j", *words, given=given)
    if done.returncode:
        raise Unreadable(done.stderr.strip().rstrip(".") or f"nft ended with {done.returncode}, and without a word")
    return done.stdout
