"""The sessions of all nodes' BIRDs, and what is announced and heard by each, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from podnet_lab.model.bgp import BgpSession, BgpSpeaker

HEAD = ("node", "session with", "state", "announces", "hears", "last error")


@dataclass(frozen=True, repr=False)
class BgpTable:
    """
    What each node's BIRD said, by node; None of a node where none runs.

    True if all run, and all their sessions are established. `records` has the table as plain data, a session each.
    """

    speakers: Mapping[str, BgpSpeaker | None]

    def __bool__(self) -> bool:
        every = [session for speaker in self.speakers.values() for session in (speaker.sessions if speaker else ())]
        return all(speaker is not None and not speaker.problem for speaker in self.speakers.values()) and all(
            one.established for one in every
        )

    def __iter__(self) -> Iterator[tuple[str, BgpSession]]:
        for node, speaker in self.speakers.items():
            yield from ((node, session) for session in (speaker.sessions if speaker else ()))

    @property
    def records(self) -> list[dict[str, Any]]:
        """Each session as plain data."""
        return [
            {
                "node": node,
                "session": session.name,
                "neighbour": str(session.neighbour),
                "state": session.state,
                "number": session.number,
                "neighbour_number": session.neighbour_number,
                "announces": [str(network) for network in session.announces],
                "hears": [{"network": str(network), "next_hop": str(hop)} for network, hop in session.hears],
                "error": session.error,
                "hold": session.hold,
            }
            for node, session in self
        ]

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for node, speaker in self.speakers.items():
            if speaker is None or speaker.problem:
                yield (node, "", speaker.problem if speaker else "BIRD does not run", "", "", "")
            elif not speaker.sessions:
                yield (node, "", "no sessions", "", "", "")
            for session in speaker.sessions if speaker else ():
                hears = ", ".join(f"{network} by {hop}" for network, hop in session.hears)
                announces = ", ".join(map(str, session.announces))
                yield (node, str(session.neighbour), session.state, announces or "–", hears or "–", session.error)

    def __str__(self) -> str:
        rows = [HEAD, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(word)}</th>" for word in HEAD)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self._rows())
        return f'<div style="overflow-x:auto"><table><tr>{head}</tr>{rows}</table></div>'


def _cell(content: str) -> str:
    return f'<td style="white-space:nowrap;text-align:left">{escape(content)}</td>'
