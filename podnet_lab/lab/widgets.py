"""The lab's half that is touched in a notebook: live pictures and panels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from podnet_lab.checks.reachability import Matrix
from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.lab.pings import Progress
from podnet_lab.lab.watcher import Watcher
from podnet_lab.packets.trace import Trace

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab
    from podnet_lab.widgets.live_matrix import LiveMatrix
    from podnet_lab.widgets.live_topology import LiveTopology
    from podnet_lab.widgets.stage_panel import StagePanel

MISSING = "this needs the packages of notebooks: pip install 'podnet-lab[notebooks]' (missing: {})"


class Touching:
    """What a `Lab` shows that can be clicked; where no kernel runs, the same stands there as a still picture, or as text."""

    _watcher: Watcher | None = None
    _busy = 0
    _secrets = 0

    def live_topology(self: Lab, trace: Trace | None = None) -> LiveTopology:
        """
        The network as a live picture: it is drawn anew when a kernel says that something changed, whoever changed it.

        Click a node, Pod or interface for its addresses, routes, neighbours and bridge ports; choose two, and follow a packet.
        With *trace*, that packet's way is on it. Raises CannotRun without the packages for notebooks.
        """
        if trace is not None and not isinstance(trace, Trace):
            raise BadInput(f"what is played on the network is a trace, as lab.trace(…) gives it, not {type(trace).__name__}")
        self._must_be_alive()
        made = _widgets("live_topology").LiveTopology(self, trace)
        self._watching().tell(made.told)
        return made

    def live_matrix(self: Lab, matrix: Matrix | None = None, progress: Progress | None = None) -> LiveMatrix:
        """
        Who reaches whom as a picture: click a pair for what came of it and why, try it again, or trace it.

        Without *matrix* every ordered pair is tried, as `matrix` does. Raises CannotRun without the packages for notebooks.
        """
        if matrix is not None and not isinstance(matrix, Matrix):
            raise BadInput(f"what is drawn is a matrix, as lab.matrix() gives it, not {type(matrix).__name__}")
        self._must_be_alive()
        made = _widgets("live_matrix").LiveMatrix(self, self.matrix(progress) if matrix is None else matrix)
        self._watching().tell(made.told)
        return made

    def stage_panel(self: Lab, stage: str, node: str | None = None) -> StagePanel:
        """
        The steps of a stage, with what is done and what is to do: run one or all of them, verify, undo.

        Of all nodes, or of *node*. Raises BadInput for a stage or node that there is not; CannotRun without the packages for notebooks.
        """
        if node is not None:
            self[node]
        self._must_be_alive()
        made = _widgets("stage_panel").StagePanel(self, stage, node)
        self._watching().tell(made.told, (stage, node))
        return made

    def _watching(self: Lab) -> Watcher:
        if self._watcher is None or not self._watcher.alive:
            self._watcher = Watcher(list(self._home.agents.values()))
        return self._watcher

    @contextmanager
    def _at_work(self, secret: bool = False) -> Iterator[None]:
        """While this lasts nobody looks: its changes are one. Of a *secret* nobody is to be shown what changed."""
        self._busy += 1
        try:
            yield
        finally:
            self._secrets += secret
            self._busy -= 1
            if self._watcher is not None:
                self._watcher.now()


def _widgets(name: str) -> ModuleType:
    """A file of the widgets' room, which needs packages that only notebooks have."""
    try:
        return import_module(f"podnet_lab.widgets.{name}")
    except ImportError as missing:
        raise CannotRun(MISSING.format(missing.name)) from None
