"""Write docs/snapshots.md, what a snapshot holds, from the docstrings of podnet_lab.model. Usage: python tools/snapshot_page.py"""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

from podnet_lab import model

PAGE = Path(__file__).parents[1] / "docs" / "snapshots.md"
KINDS = (model.Snapshot, model.Namespace, model.Link, model.Address, model.Route, model.Neighbour, model.FdbEntry)
KINDS += (model.PolicyRule, model.Ipv4Conf, model.Process, model.BgpSpeaker, model.BgpSession, model.Ruleset)

HEAD = """\
# What a snapshot holds

`lab.snapshot()` is what the kernels of all nodes say at one moment, as plain values that nobody can change: a dict of a
`Snapshot` for each node. `lab["node1"].snapshot()` is one node's, `lab.everyone()` has the host `outside` as well. Checks and
mistakes of [exercises of your own](teaching.md) are made of these.

```python
node = lab["node1"].snapshot()
node.own.links["v-net-0"].up  # of the node's own namespace
node.spaces["pod-1-2"].routes  # of a Pod's
[pod.name for pod in node.pods]  # the Pods' namespaces, in order
node.own.addresses_of("v-net-0")  # (IPv4Interface('10.244.1.1/24'),)
```

This page is made of the docstrings: `python tools/snapshot_page.py` writes it anew.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(_kind, KINDS)])


def _kind(kind: type) -> str:
    told = [f"## {kind.__name__}", "", inspect.cleandoc(kind.__doc__ or ""), ""]
    if dataclasses.is_dataclass(kind):
        told += ["| field | type | if nothing is said |", "| --- | --- | --- |"]
        told += [f"| `{one.name}` | {_code(one.type)} | {_default(one)} |" for one in dataclasses.fields(kind)]
        told.append("")
    told += [line for name, member in vars(kind).items() for line in _member(name, member)]
    return "\n".join(told).rstrip() + "\n"


def _member(name: str, member: object) -> list[str]:
    if name.startswith("_"):
        return []
    if isinstance(member, property):
        return [f"- `.{name}`: {_first(member.fget)}"]
    return [f"- `.{name}{_arguments(member)}`: {_first(member)}"] if inspect.isfunction(member) else []


def _first(function: object) -> str:
    return (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")


def _arguments(function: object) -> str:
    names = list(inspect.signature(function).parameters)[1:]
    return f"({', '.join(names)})"


def _code(type_: object) -> str:
    words = str(type_).replace("|", "\\|")
    return f"`{words}`"


def _default(one: dataclasses.Field) -> str:
    if one.default_factory is not dataclasses.MISSING:
        return "empty"
    if one.default is dataclasses.MISSING:
        return ""
    return f"`{one.default!r}`" if isinstance(one.default, str | int | bool | tuple | None) and len(repr(one.default)) < 30 else "the usual"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
