"""What a node's BIRD says: its sessions with others by BGP, and what each of the two tells the other. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

ESTABLISHED = "Established"
"""The state of a session by which routes are told (RFC 4271, section 8.2.2)."""


@dataclass(frozen=True, slots=True)
class BgpSession:
    """
    A session of a node's BIRD with the one at *neighbour*; *state* is BGP's own ("Active", …), or "Down" if it is switched off.

    *hears* are the networks that the neighbour tells, each with its next hop, *announces* those that are told to it. *number* and
    *neighbour_number* are the autonomous systems, as this side is told them. *error* is what ended it last, *hold* how many seconds
    of silence end it (0: not agreed on yet).
    """

    name: str
    neighbour: IPv4Address
    state: str
    number: int = 0
    neighbour_number: int = 0
    hears: tuple[tuple[IPv4Network, IPv4Address], ...] = ()
    announces: tuple[IPv4Network, ...] = ()
    error: str = ""
    hold: int = 0

    @property
    def established(self) -> bool:
        """Whether it is there."""
        return self.state == ESTABLISHED


@dataclass(frozen=True, slots=True)
class BgpSpeaker:
    """A node's BIRD, with its *router_id* and its *sessions*; *problem* says why it tells nothing, "" if it does."""

    router_id: IPv4Address | None = None
    sessions: tuple[BgpSession, ...] = ()
    problem: str = ""

    def session_with(self, neighbour: IPv4Address) -> BgpSession | None:
        """Its session with the BIRD at an address."""
        return next((session for session in self.sessions if session.neighbour == neighbour), None)


_PROTOCOL = re.compile(r"^(\S+) +BGP +\S+ +(\S+) +\S+ *(\S*)[^\n]*\n((?: .*(?:\n|$)|\n)*)", re.MULTILINE)
_NET = re.compile(r"^(\d+\.\d+\.\d+\.\d+/\d+)", re.MULTILINE)
_HEARD = re.compile(r"^(\d+\.\d+\.\d+\.\d+/\d+)[^\n]*\n(?:[\t ][^\n]*\n)*?[\t ]+BGP\.next_hop: (\S+)", re.MULTILINE)
_ID = re.compile(r"^Router ID is (\S+)", re.MULTILINE)


def speaker(told: Mapping[str, Any] | None) -> BgpSpeaker | None:
    """What `podnet_lab.kernel.bird_control` was told, as a value; None if there was nobody."""
    if told is None:
        return None
    if "problem" in told:
        return BgpSpeaker(problem=told["problem"])
    found = _ID.search(told["status"])
    sessions = tuple(_session(*match, told) for match in _PROTOCOL.findall(told["protocols"] + "\n"))
    return BgpSpeaker(IPv4Address(found[1]) if found else None, sessions)


def _session(name: str, up: str, state: str, body: str, told: Mapping[str, Any]) -> BgpSession:
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in body.splitlines())}
    heard = tuple((IPv4Network(net), IPv4Address(hop)) for net, hop in _HEARD.findall(told["heard"].get(name, "") + "\n"))
    announced = tuple(map(IPv4Network, _NET.findall(told["announced"].get(name, ""))))
    state = "Down" if up == "down" else said.get("BGP state", state) or state
    here = state == ESTABLISHED
    hold = said.get("Hold timer", "").partition("/")[2]
    return BgpSession(
        name,
        IPv4Address(said.get("Neighbor address", "0.0.0.0")),  # noqa: S104 - not told
        state,
        int(said.get("Local AS", 0)),
        int(said.get("Neighbor AS", 0)),
        tuple(sorted(set(heard))),
        tuple(sorted(set(announced))) if here else (),
        said.get("Last error", ""),
        int(hold) if hold.isdigit() else 0,
    )
