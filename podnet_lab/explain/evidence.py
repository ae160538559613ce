"""
What an explanation asks the nodes for, beyond their snapshots, and what they have said. Pure.

A walk asks here; where the answer is not there yet, the question is noted, and whoever runs the walk (`podnet_lab.lab.observe`)
puts all of them to the nodes at once and walks again. Without nodes to ask (`NOTHING`), the snapshots are all there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podnet_lab.explain import settings
from podnet_lab.explain.cause import Place
from podnet_lab.explain.l2 import Receiver, receivers
from podnet_lab.model import Cluster, Link
from podnet_lab.model.close_look import CloseLook, RouteAnswer, RouteQuery
from podnet_lab.model.decode_look import close_look, route_answer


class Evidence:
    """Close looks and routing decisions, by place; *asks* says whether there is anybody to ask for more."""

    def __init__(self, asks: bool = True) -> None:
        self.asks = asks
        self._looks: dict[Place, CloseLook] = {}
        self._answers: dict[tuple[Place, RouteQuery], RouteAnswer] = {}
        self._devices: dict[Place, set[str]] = {}
        self._new_looks: dict[Place, set[str]] = {}
        self._new_queries: dict[Place, list[RouteQuery]] = {}
        self._gone: set[Place] = set()
        self._receivers: dict[tuple[Place, str], tuple[list[Receiver], list[str]]] = {}

    def look(self, place: Place, *devices: str) -> CloseLook | None:
        """A place, looked at closely, with the settings of some of its interfaces; None if it was not looked at yet, or can't be."""
        unread = {*devices} - self._devices.get(place, set())
        if self.asks and place not in self._gone and (unread or place not in self._looks):
            self._new_looks.setdefault(place, set()).update(devices)
        return self._looks.get(place)

    def route(self, place: Place, query: RouteQuery) -> RouteAnswer | None:
        """What the kernel does with a packet; None if it was not asked yet, or can't be."""
        answer = self._answers.get((place, query))
        if answer is None and self.asks and place not in self._gone and query not in self._new_queries.get(place, ()):
            self._new_queries.setdefault(place, []).append(query)
        return answer

    def receivers(self, cluster: Cluster, place: Place, link: Link) -> tuple[list[Receiver], list[str]]:
        """Who receives a broadcast (`podnet_lab.explain.l2.receivers`): the same in each walk of one explanation, and the longest part."""
        if not self.asks:
            return receivers(cluster, place, link)
        if (place, link.name) not in self._receivers:
            self._receivers[place, link.name] = receivers(cluster, place, link)
        return self._receivers[place, link.name]

    @property
    def wanted(self) -> bool:
        """Whether something was asked for that nobody has answered yet."""
        return bool(self._new_looks or self._new_queries)

    def questions(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What is asked of each node, as its agent's `close_looks` takes it."""
        asked: dict[str, dict[str, dict[str, Any]]] = {}
        for place in {**self._new_looks, **self._new_queries}:
            wanted: dict[str, Any] = {"routes": [_words(query) for query in self._new_queries.get(place, ())]}
            if place in self._new_looks:
                devices = sorted(self._devices.get(place, set()) | self._new_looks[place])
                wanted |= {"settings": settings.asked(devices), "devices": devices}
            asked.setdefault(place[0], {})[place[1] or ""] = wanted
        return asked

    def add(self, answers: Mapping[str, Mapping[str, dict[str, Any] | None]]) -> None:
        """Take in what the nodes answered to `questions`; a namespace that is gone is not asked again."""
        for node, spaces in answers.items():
            for name, fields in spaces.items():
                place = (node, name or None)
                if fields is None:
                    self._gone.add(place)
                    continue
                queries = self._new_queries.get(place, ())
                self._answers |= {(place, query): route_answer(has) for query, has in zip(queries, fields["routes"], strict=True)}
                if "settings" in fields:
                    self._looks[place] = close_look(fields)
                    self._devices.setdefault(place, set()).update(self._new_looks[place])
        self._new_looks, self._new_queries = {}, {}

    @property
    def gone(self) -> Iterable[Place]:
        """The places that were asked, and were not there any more."""
        return tuple(self._gone)


def _words(query: RouteQuery) -> list[Any]:
    source = str(query.source) if query.source else ""
    return [str(query.to), source, query.iif, query.protocol, query.port, query.mark, query.tos]


NOTHING = Evidence(asks=False)
"""Nobody to ask: an explanation from snapshots alone."""
