"""What can be clicked in a notebook: live pictures and panels of a lab."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from podnet_lab.checks.reachability import Matrix
from podnet_lab.errors import CannotRun
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.ping_pairs import Progress
from podnet_lab.packets.trace import Trace

if TYPE_CHECKING:
    from podnet_lab.widgets.live_matrix import LiveMatrix
    from podnet_lab.widgets.live_topology import LiveTopology
    from podnet_lab.widgets.stage_panel import StagePanel
    from podnet_lab.widgets.watched_lab import WatchedLab

MISSING = "this needs the packages of notebooks: pip install 'podnet-lab[notebooks]' (missing: {})"


class NotebookWidgets:
    """
    What a lab shows that can be clicked; where no kernel runs, the same stands there as a still picture, or as text.

    It needs the lab itself, since a widget calls it as a person would, and the core, whose activity calls widgets after a change.
    """

    def __init__(self, lab: WatchedLab, core: LabCore) -> None:
        self._lab, self._core = lab, core

    def live_topology(self, trace: Trace | None = None) -> LiveTopology:
        """
        The network as a live picture: it is drawn anew when a kernel says that something changed, whoever changed it.

        Click a node, Pod or interface for its addresses, routes, neighbours and bridge ports; choose two, and follow a packet.
        With *trace*, that packet's way is on it. Raises CannotRun without the packages for notebooks.
        """
        self._core.require_alive()
        picture = _widgets("live_topology").LiveTopology(self._lab, trace)
        self._core.activity.watch(picture.on_change)
        return picture

    def live_matrix(self, matrix: Matrix | None = None, progress: Progress | None = None) -> LiveMatrix:
        """
        Who reaches whom as a picture: click a pair for what came of it and why, try it again, or trace it.

        Without *matrix* every ordered pair is tried, as `matrix` does. Raises CannotRun without the packages for notebooks.
        """
        self._core.require_alive()
        picture = _widgets("live_matrix").LiveMatrix(self._lab, self._lab.matrix(progress) if matrix is None else matrix)
        self._core.activity.watch(picture.on_change)
        return picture

    def stage_panel(self, stage: str, node: str | None = None) -> StagePanel:
        """
        The steps of a stage, with what is done and what is to do: run one or all of them, verify, undo.

        Of all nodes, or of *node*. Raises BadInput for a stage or node that there is not; CannotRun without the packages for notebooks.
        """
        if node is not None:
            self._core.require_node(node)
        self._core.require_alive()
        panel = _widgets("stage_panel").StagePanel(self._lab, stage, node)
        self._core.activity.watch(panel.on_change, (stage, node))
        return panel


def _widgets(name: str) -> ModuleType:
    """A file of the widgets' room, which needs packages that only notebooks have."""
    try:
        return import_module(f"podnet_lab.widgets.{name}")
    except ImportError as missing:
        raise CannotRun(MISSING.format(missing.name)) from None
