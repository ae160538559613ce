"""
Flannel's rules in its other mode, by iptables: what flanneld writes unless its config says EnableNFTables. Pure.

They are a shell command, and no steps: `iptables` keeps its rules in tables that other programs write to as well. The check of
the stage "rules" takes them for Flannel's like those in nftables. Source: flannel's pkg/trafficmngr/iptables.
"""

from __future__ import annotations

from podnet_lab.networks.flannel import names
from podnet_lab.plan import Node

FORWARD, POSTROUTING = "FLANNEL-FWD", "FLANNEL-POSTRTG"

KUBE_PROXY_MARK = "0x4000/0x4000"
"""What kube-proxy has marked it masquerades itself."""

_FORWARD, _MASQUERADE = '-m comment --comment "flanneld forward"', '-m comment --comment "flanneld masq"'
_JUMPS = (("filter", "FORWARD", _FORWARD, FORWARD), ("nat", "POSTROUTING", _MASQUERADE, POSTROUTING))


def _masquerade(node: Node) -> tuple[str, ...]:
    own, range_ = node.subnet, names.NETWORK
    return (
        f"-m mark --mark {KUBE_PROXY_MARK} {_MASQUERADE} -j RETURN",
        f"-s {own} -d {range_} {_MASQUERADE} -j RETURN",
        f"-s {range_} -d {own} {_MASQUERADE} -j RETURN",
        f"! -s {range_} -d {own} {_MASQUERADE} -j RETURN",
        f"-s {range_} ! -d 224.0.0.0/4 {_MASQUERADE} -j MASQUERADE --random-fully",
        f"! -s {range_} -d {range_} {_MASQUERADE} -j MASQUERADE --random-fully",
    )


def write(node: Node) -> str:
    """A shell command that writes the rules of *node*, and may be typed again."""
    forward = (f"-s {names.NETWORK} {_FORWARD} -j ACCEPT", f"-d {names.NETWORK} {_FORWARD} -j ACCEPT")
    lines = ["iptables-restore --noflush <<'EOF'"]
    for table, chain, rules in (("filter", FORWARD, forward), ("nat", POSTROUTING, _masquerade(node))):
        lines += [f"*{table}", f":{chain} - [0:0]", *(f"-A {chain} {rule}" for rule in rules), "COMMIT"]
    lines += ["EOF"]
    for table, hook, comment, chain in _JUMPS:
        rule = f"{hook} {comment} -j {chain}"
        lines.append(f"iptables -t {table} -C {rule} 2>/dev/null || iptables -t {table} -A {rule}")
    return "\n".join(["set -e", *lines])


def remove(node: Node) -> str:
    """A shell command that takes them away again."""
    lines = [f"iptables -t {table} -D {hook} {comment} -j {chain}" for table, hook, comment, chain in _JUMPS]
    lines += [f"iptables -t {table} -F {chain}; iptables -t {table} -X {chain}" for table, _, _, chain in _JUMPS]
    return "\n".join(["set -e", *lines])
