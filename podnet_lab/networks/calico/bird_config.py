"""
A node's configuration of BIRD, as Calico's confd writes it, in the words of BIRD 2. Pure.

Source: projectcalico/calico, confd/etc/calico/confd/templates (for BIRD 1.6, which Calico ships); where BIRD 2 wants it otherwise,
the text says so. `HOLD` and `RESTART` are shorter than there, so that a node that dies is forgotten while one watches.
"""

from __future__ import annotations

from podnet_lab.daemons import bird
from podnet_lab.daemons.base import Daemon
from podnet_lab.networks.calico import names
from podnet_lab.plan import Node, Plan

AS = 64512
"""The autonomous system that all nodes are in: the first of those for private use (RFC 6996), and Calico's default."""

HOLD, RESTART = 9, 6
"""Seconds until a silent peer is given up, and until routes of one that was killed are; BIRD's own times, and so Calico's: 240, 120."""

SETTLES = 10.0
"""Seconds within which all sessions are there, and all routes, once the last BIRD was started; some 2 are usual."""


def peer_name(peer: Node) -> str:
    """What a node calls its session with another: ``Mesh_192_168_1_12``."""
    return f"Mesh_{str(peer.external.ip).replace('.', '_')}"


def speaker(node: Node, plan: Plan, number: int = AS, hold: int = HOLD, restart: int = RESTART, tunnel: str = "") -> Daemon:
    """A node's BIRD: of the autonomous system *number*, with a session to every other node, whose routes lead into a *tunnel*, if any."""
    return bird.server(config(node, plan, number, hold, restart, tunnel))


def config(node: Node, plan: Plan, number: int = AS, hold: int = HOLD, restart: int = RESTART, tunnel: str = "") -> str:
    """The whole text."""
    others = [other for other in plan.nodes if other.name != node.name]
    own = " ".join(f"route {block} blackhole;" for block in names.blocks(node))
    allowed = ", ".join(map(str, names.blocks(node)))
    return _TEXT.format(
        name=node.name,
        address=node.external.ip,
        own=own,
        allowed=allowed,
        number=number,
        hold=hold,
        restart=restart,
        through=_THROUGH.format(pool=names.POOL, tunnel=tunnel) if tunnel else "",
        peers="".join(_peer(node, other) for other in others) or "# This node has no peers.\n",
    )


def _peer(node: Node, other: Node) -> str:
    # Of two nodes the one with the higher address opens the session; the other one waits for it.
    passive = "passive on; " if other.external.ip > node.external.ip else ""
    return f"protocol bgp {peer_name(other)} from mesh {{ {passive}neighbor {other.external.ip} as {AS}; }}\n"


_THROUGH = """\
  if source = RTS_BGP && net ~ {pool} then {{
    # Into the tunnel, to the node that has told it: BIRD 1.6, as Calico has it, says krt_tunnel = "{tunnel}".
    ifname = "{tunnel}"; onlink = true; gw = bgp_next_hop;
  }}
"""

_TEXT = """\
# BIRD of {name}: tells the other nodes of this node's blocks of Pod addresses, and this node's kernel of theirs.
log stderr all;
router id {address};

# Which interfaces there are, looked at every 2 seconds.
protocol device {{ scan time 2; }}

# The networks that this node is on itself; not the Pods' cables: each Pod's route is in the kernel already.
protocol direct {{ ipv4; interface -"cali*", -"kube-ipvs*", "*"; }}

# Its own blocks. What is for an address of them that no Pod has is thrown away here: Pods' own routes are longer, and win.
protocol static {{ ipv4; {own} }}

# To the kernel goes all that was learnt, but for what the kernel has by itself; from it come the routes to this node's Pods.
filter calico_kernel_programming {{
  if source = RTS_DEVICE then reject;
{through}  accept;
}}
protocol kernel {{
  learn;
  scan time 2;
  metric 0;  # BIRD 2 would say 32
  ipv4 {{ import all; export filter calico_kernel_programming; }};
}}

# To the others go the blocks, and nothing else: no single Pod's route, so that a new Pod is no news.
filter calico_export_to_bgp_peers {{
  if net ~ [ {allowed} ] then accept;
  reject;
}}

# What all sessions have in common: all nodes are in one autonomous system, each has a session with each.
template bgp mesh {{
  source address {address};
  local as {number};
  multihop;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  hold time {hold};
  graceful restart on;
  graceful restart time {restart};
  ipv4 {{ import all; export filter calico_export_to_bgp_peers; gateway recursive; add paths on; }};
}}

{peers}"""
