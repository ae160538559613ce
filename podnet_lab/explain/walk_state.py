"""What a packet that is followed carries, and what is found on its way: where rules meet it, and what nodes remember. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from podnet_lab.explain.arp import Learned
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.evidence import NOTHING, Evidence
from podnet_lab.explain.flow import Flow, Translation, reply_translation, source_translation
from podnet_lab.explain.hooks import At, Hooks, Tracked
from podnet_lab.explain.influences import Influences
from podnet_lab.model import Cluster


@dataclass
class WalkState:
    """
    A packet on its way, with what it has met so far.

    *path* has the names of the places that it reached, *at* the last one, *unsure* what could not be judged; *incomplete*: it could
    not be followed any further. *tunnelled*: a tunnel sends it; *beside*: another walk depends on it. *misdelivery*: why a frame went
    to another receiver than was meant. *endpoint_count*: of so many Pods a Service draws one, and this walk follows number
    *endpoint*. *translations*, *learned* and *tracked* are what nodes and neighbours remember, for the way back.
    """

    cluster: Cluster
    flow: Flow
    reply: bool = False
    endpoint: int = 0
    evidence: Evidence = field(default=NOTHING, repr=False)
    translations: tuple[Translation, ...] = ()
    path: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    endpoint_count: int = 1
    at: Place | None = None
    incomplete: bool = False
    learned: Learned = field(default_factory=Learned, repr=False)
    tracked: dict[Place, Tracked] = field(default_factory=dict, repr=False)
    misdelivery: Cause | None = None
    tunnelled: bool = False
    beside: bool = False

    def __post_init__(self) -> None:
        self._hooks = Hooks(self.evidence, self.unsure, self.reply, self.endpoint, self.tracked)
        self._untranslated, self._sender, self._sent_with, self._only_bridged = self.flow, None, self.flow.ttl, None
        self._sent_by = None
        self._influences = Influences(self.cluster, self.evidence, self.unsure)

    def _written(self, place: Place) -> tuple[int, int]:
        """What routing may go by and rules may write: the packet's mark at a place, and its type of service."""
        return self._hooks.marks.get(place, 0), self._hooks.dscp << 2

    def _remember(self, place: Place) -> None:
        """What a place's connection tracking keeps of its rewriting, or, for a reply, undoes."""
        if (translation := source_translation(self.translations, place, self.flow)) is not None:
            self.flow = replace(self.flow, source=translation.before.to)
        elif not self.reply and (self.flow.source, self.flow.to) != (self._untranslated.source, self._untranslated.to):
            self.translations = (*self.translations, Translation(place, self._untranslated, self.flow))

    def _at_hook(self, at: At) -> Cause | None:
        """What stops the packet at a netfilter hook; rules there may rewrite it."""
        undone = reply_translation(self.translations, at.place, self.flow) or source_translation(self.translations, at.place, self.flow)
        rewritten = undone if self.reply else Translation(at.place, self._untranslated, self.flow)
        cause, self.flow = self._hooks.ip(self.flow, replace(at, rewritten=rewritten))
        self.endpoint_count = max(self.endpoint_count, self._hooks.drawn)
        return cause
