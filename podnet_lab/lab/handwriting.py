"""What changed on the nodes since an earlier look, as the commands that a person would have typed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote

from podnet_lab.errors import ShellFailed
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.unaided import Unaided
from podnet_lab.model import Cluster, Snapshot
from podnet_lab.recipes.by_hand import ByHand, by_hand, changed_tables


@dataclass(frozen=True)
class Look:
    """Nodes at one moment: their snapshots, and what no step manages (`podnet_lab.kernel.unmanaged_state`)."""

    snapshots: Cluster
    unmanaged_state: Mapping[str, dict]


class Handwriting:
    """
    Says by which commands nodes came from an earlier look to how they are. It needs their agents, and how they were when new.

    Where something is to be found out *unaided*, that is an explanation, and counted as one.
    """

    def __init__(self, core: LabCore, unaided: Unaided) -> None:
        self._core, self._unaided = core, unaided

    def by_hand(self, before: Mapping[str, Snapshot]) -> ByHand:
        """
        What a person would have typed since *before*, which `lab.snapshot()` gave: whoever did it, and with what.

        Commands for each node, in an order in which they can be typed on it as it was; shown as text or HTML, `.steps` as a recipe,
        `.undo` the way back, `.script()` a program, `.records` plain data. What changed and no step can say is named, in `.unsaid`; of
        what no snapshot holds (IPv6, queues, other settings …) all that is not as when the node was new.
        """
        for name in before:
            self._core.require_node(name)
        return self.since(Look(before, self._core.baseline.unmanaged_state))

    def look(self, where: str | None = None) -> Look:
        """How the cluster's nodes are now, and *where* somebody is about to do something, with what no snapshot holds; for `since`."""
        names = [node.name for node in self._core.plan.nodes]
        snapshots = self._core.snapshot(*names, *([where] if where not in (None, *names) else []))
        answers = {name: self._core.agent(name).start("unmanaged_state") for name in snapshots}
        return Look(snapshots, {name: answer() for name, answer in answers.items()})

    def since(self, before: Look) -> ByHand:
        """As `by_hand`, from a closer look."""
        if self._unaided.on:
            self._unaided.asked(explanations=1)
        after = self._core.snapshot(*before.snapshots)
        known = {name: then for name, then in before.unmanaged_state.items() if name in after}
        answers = {
            name: self._core.agent(name).start("changed_beside_steps", then=then, macs=_macs(before.snapshots[name], after[name]))
            for name, then in known.items()
        }
        beside = {name: answer() for name, answer in answers.items()}
        return by_hand(before.snapshots, after, beside, {name: self._listings(name, before.snapshots[name], after[name]) for name in after})

    def _listings(self, node: str, before: Snapshot, after: Snapshot) -> dict[tuple[str, str], str]:
        """The tables of nftables that are not as they were, as `nft` prints them, without what it counts."""
        listed: dict[tuple[str, str], str] = {}
        for family, name in changed_tables(before, after):
            with suppress(ShellFailed):  # it went this moment
                listed[family, name] = self._core.shell_text(node, f"nft -s list table {family} {quote(name)}")
        return listed


def _macs(*looks: Snapshot) -> list[str]:
    """The MACs of all interfaces of a node, in whichever of its namespaces."""
    return sorted({link.mac for look in looks for space in look.spaces.values() for link in space.links.values()})
