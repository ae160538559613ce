"""What the kernel knows of one node, Pod or interface, as HTML for the pane beside a live picture, with the commands that ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from podnet_lab.devices.registry import kind_of
from podnet_lab.model import MAIN_TABLE, USUAL_POLICY, Link, Namespace, Snapshot
from podnet_lab.show.canvas import key

MOST_LINES = 40
"""Of a list that is longer, so many are shown, and how many more there are."""


def details(node: Snapshot, namespace: str | None, dev: str | None) -> str:
    """A node, a Pod, or an interface; what is gone is said to be gone."""
    space = node.spaces.get(namespace)
    if space is None:
        return f"<p>{escape(str(namespace))} is gone from {escape(node.node)}.</p>"
    if dev is None:
        return _space(node, space)
    link = space.links.get(dev)
    where = namespace or node.node
    return f"<p>{escape(dev)} is gone from {escape(where)}.</p>" if link is None else _interface(node, space, link)


def _space(node: Snapshot, space: Namespace) -> str:
    prompt = f"{node.node}# ip{f' -n {space.name}' if space.name else ''}"
    head = f"<h4>{escape(space.name or node.node)}</h4><p>{'a Pod on ' + escape(node.node) if space.name else 'a node'}</p>"
    parts = [
        _list("interfaces", f"{prompt} link", (f"{link.name} ({link.kind}), {_state(link)}" for link in space.links.values())),
        _list("addresses", f"{prompt} addr", (f"{address.interface} on {address.dev}" for address in space.addresses)),
        _list("routes", f"{prompt} route", map(str, (route for route in space.routes if route.table == MAIN_TABLE))),
        _list(
            "neighbours",
            f"{prompt} neigh",
            (f"{entry.address} is at {entry.mac or '?'} on {entry.dev} ({entry.state})" for entry in space.neighbours),
        ),
    ]
    if space.policy != USUAL_POLICY:
        parts.append(_list("policy rules", f"{prompt} rule", map(str, space.policy)))
    if space.name is None:
        says = "forwards packets" if space.forwarding else "does not forward packets"
        parts = [f"<p>It {says}: <code>{escape(node.node)}# sysctl net.ipv4.ip_forward</code></p>", _pods(node), *parts]
    return head + "".join(parts)


def _pods(node: Snapshot) -> str:
    """The node's Pods, to be picked: where there are many, the picture folds them up."""
    names = [pod.name for pod in node.pods]
    picks = " ".join(_pick(node.node, name, None, name) for name in names)
    return f"<h5>Pods ({len(names)})</h5><p>{picks or 'none'}</p>"


def _interface(node: Snapshot, space: Namespace, link: Link) -> str:
    where, prompt = space.name or node.node, f"{node.node}# ip{f' -n {space.name}' if space.name else ''}"
    words = kind_of(link).words(link)
    facts = [
        f"{link.kind}, {_state(link)}",
        *([words] if words else []),
        f"MAC {link.mac}, MTU {link.mtu}" + ("" if link.arp else ", ARP is off"),
    ]
    facts += [f"port of the bridge {link.master}" + (f", {link.port}" if link.port else "")] if link.master else []
    behind = [entry for entry in node.own.fdb if space.name is None and entry.dev == link.name and not entry.permanent]
    far_end = ""
    if link.peer:
        there, name = link.peer
        far_end = f"<p>the other end of the cable: {_pick(node.node, there, name, f'{name} in {there or node.node}')}</p>"
    parts = [
        _list("addresses", f"{prompt} addr show dev {link.name}", map(str, space.addresses_of(link.name))),
        _list(
            "routes by it",
            f"{prompt} route show dev {link.name}",
            (str(route) for route in space.routes if route.dev == link.name and route.table == MAIN_TABLE),
        ),
        _list(
            "neighbours behind it",
            f"{prompt} neigh show dev {link.name}",
            (f"{entry.address} is at {entry.mac or '?'} ({entry.state})" for entry in space.neighbours if entry.dev == link.name),
        ),
    ]
    if kind_of(link).switches:
        ports = " ".join(_pick(node.node, space.name, port, port) for port in space.ports_of(link.name))
        parts.insert(0, f"<h5>ports</h5><p>{ports or 'none'}</p>")
    if link.master:
        parts.append(_list("learnt behind this port", f"{node.node}# bridge fdb show brport {link.name}", (entry.mac for entry in behind)))
    remotes = [f"{entry.mac} is at {entry.remote}" for entry in space.fdb if entry.dev == link.name and entry.remote]
    if remotes:
        command = f"{node.node}# {'ip netns exec ' + space.name + ' ' if space.name else ''}bridge fdb show dev {link.name}"
        parts.append(_list("where it looks for others", command, remotes))
    paragraphs = "".join(f"<p>{escape(fact)}</p>" for fact in facts)
    return f"<h4>{escape(link.name)} in {escape(where)}</h4>{paragraphs}{far_end}{''.join(parts)}"


def _state(link: Link) -> str:
    if not link.up:
        return "down"
    return "up" if link.carrier or kind_of(link).comes_with_namespace else "up, and nobody at its other end"


def _pick(node: str, namespace: str | None, dev: str | None, words: str) -> str:
    """A button that shows another part."""
    return f'<button type="button" data-key="{key((node, namespace, dev))}">{escape(words)}</button>'


def _list(title: str, command: str, lines: Iterable[str]) -> str:
    shown = list(lines)
    more = f"<li>and {len(shown) - MOST_LINES} more</li>" if len(shown) > MOST_LINES else ""
    items = "".join(f"<li>{escape(line)}</li>" for line in shown[:MOST_LINES]) + more
    return f"<h5>{title}</h5><p><code>{escape(command)}</code></p><ul>{items or '<li>none</li>'}</ul>"
