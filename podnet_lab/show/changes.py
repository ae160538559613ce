"""What is different between two snapshots of a node, in lines that are the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.devices.registry import kind_of
from podnet_lab.model import Namespace, Snapshot

MOST_LISTED = 12
"""Lines that a list beside a picture has."""


def facts(space: Namespace) -> list[str]:
    """One line for each thing in a namespace; no MACs, no numbers, nothing that the kernel learnt by itself."""
    lines = [_link(space, name) for name in sorted(space.links)]
    lines += [f"{name} has {address}" for name in sorted(space.links) for address in sorted(map(str, space.addresses_of(name)))]
    lines += sorted({f"{entry.dev} looks for others at {entry.remote}" for entry in space.fdb if entry.remote and entry.permanent})
    lines += [f"route {route}" for route in sorted(space.routes, key=lambda route: (route.to, str(route)))]
    # Of a node alone: a Pod's own setting comes from the host, and decides nothing here.
    return lines if space.name else [*lines, "forwards" if space.forwarding else "does not forward"]


def about(space: Namespace, dev: str) -> list[str]:
    """The lines of one interface alone: what it is, its addresses, and where it looks for others."""
    return [line for line in facts(space) if line.startswith(f"{dev} ")]


def running(node: Snapshot, namespace: str | None) -> list[str]:
    """One line for each process in the background of a namespace: a daemon by its name, others by their command lines."""
    where = ", in a namespace without a name" if namespace == "" else ""
    here = [process for process in node.processes if process.namespace == namespace]
    return sorted(f"runs {process.daemon or process.short}{where}" for process in here)


def _link(space: Namespace, name: str) -> str:
    link = space.links[name]
    end = f", other end {link.peer[1]}{f' in {link.peer[0]}' if link.peer[0] else ''}" if link.peer else ""
    port = f", plugged into {link.master}" if link.master else ""
    words = kind_of(link).words(link)
    kind = f"{link.kind}, {words}" if words else link.kind
    return f"{name} ({kind}) is {'up' if link.up else 'down'}{port}{end}"


def listed(before: Mapping[str, Snapshot], after: Mapping[str, Snapshot]) -> list[str]:
    """What is different on each node, one line each, what went (-) and what came (+); of very many only the first."""
    lines = [f"{name}: {line}" for name in after if name in before for line in changes(before[name], after[name])]
    return lines if len(lines) <= MOST_LISTED else [*lines[: MOST_LISTED - 1], f"and {len(lines) - MOST_LISTED + 1} more"]


def same(a: Mapping[str, Snapshot], b: Mapping[str, Snapshot]) -> bool:
    """Whether two looks at a network show the same, whatever its kernels have learnt in between."""
    return a.keys() == b.keys() and not any(changes(a[name], b[name]) for name in a)


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Lines with + for what came and - for what went, the node's own first."""
    lines = []
    for name in [*after.spaces, *(gone for gone in before.spaces if gone not in after.spaces)]:
        old = [*facts(before.spaces[name]), *running(before, name)] if name in before.spaces else []
        new = [*facts(after.spaces[name]), *running(after, name)] if name in after.spaces else []
        where = f"{name}: " if name else ""
        if name not in before.spaces:
            lines.append(f"+ namespace {name}")
            new = [line for line in new if line != "lo (loopback) is down"]
        elif name not in after.spaces:
            lines.append(f"- namespace {name}")
            continue
        lines += [f"- {where}{line}" for line in old if line not in new]
        lines += [f"+ {where}{line}" for line in new if line not in old]
    return lines
