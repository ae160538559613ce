"""
A toy kernel, which takes the steps' requests and changes a snapshot by them.

Interfaces, addresses and routes are the library's own prediction (`podnet_lab.recipes.predict`), which live tests compare with
Linux; here it has tables of nftables and daemons besides.
"""

from __future__ import annotations

import itertools
import json
import shlex
from dataclasses import replace

from toy_nft import Tables

from podnet_lab.model import Namespace, Process, Snapshot
from podnet_lab.recipes.predict import PredictedNode
from podnet_lab.recipes.predicted_space import NEW_CONF, PredictedSpace
from podnet_lab.recipes.predicted_space import loopback as lo

__all__ = ["NEW_CONF", "Kernel", "Space", "lo"]

_numbers = itertools.count(10)


class Space(PredictedSpace):
    """One namespace that can change, with nftables."""

    def __init__(self, was: Namespace) -> None:
        super().__init__(was)
        self.tables = Tables(was.rules)

    def frozen(self) -> Namespace:
        return replace(super().frozen(), rules=self.tables.frozen())


class Kernel(PredictedNode):
    """The kernel of one node; every method that is called _do_… is an operation of a step's requests."""

    space = Space

    def __init__(self, was: Snapshot) -> None:
        super().__init__(was)
        self.processes = list(was.processes)

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), processes=tuple(self.processes))

    def _do_namespace_remove(self, _: Space, name: str) -> None:
        super()._do_namespace_remove(_, name)
        self.processes = [one for one in self.processes if one.namespace != name]

    def _do_daemon_start(self, space: Space, **spec) -> None:
        listens = tuple(map(tuple, spec["listens"]))
        if any(set(listens) & set(one.listens) for one in self.processes if one.namespace == space.name):
            raise OSError("Address already in use")
        words = json.dumps(spec)
        self.processes.append(Process(shlex.join(spec["command"]), space.name, spec["name"], words, listens, next(_numbers)))

    def _do_daemon_reload(self, space: Space, **spec) -> None:
        self._do_daemon_stop(space, **spec)
        self._do_daemon_start(space, **spec)

    def _do_daemon_stop(self, space: Space, **spec) -> None:
        self.processes = [one for one in self.processes if (one.namespace, one.daemon) != (space.name, spec["name"])]

    def _do_nft(self, space: Space, commands: list) -> None:
        space.tables.do(commands)

    def _do_nft_dormant(self, space: Space, family: str, name: str, dormant: bool) -> None:
        space.tables.set_dormant(family, name, dormant)
