"""
Where one call of the plugin has its work: the container's network namespace and the node's own, opened once for all that is asked of them.

A container's namespace has a path and no name: in steps, snapshots and messages it is called by the container's id.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType

from podnet_lab.cni.call import Call, CniError, Code
from podnet_lab.kernel import namespaces, nft_program, node_files, spaces
from podnet_lab.kernel.apply import Batch, apply_in
from podnet_lab.kernel.netlink import Refused
from podnet_lab.kernel.read_about import Part, node_and_pod
from podnet_lab.model import NO_RULES, Snapshot
from podnet_lab.model.decode import rules_read, snapshot
from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.base import Request

MOST_ID = 64
"""Letters of a container's id by which it is called."""


class Place:
    """The two network namespaces of a *call*, open until it is left; CniError if its path is that of no container's namespace."""

    def __init__(self, call: Call) -> None:
        self.call, self.name = call, call.container[:MOST_ID]
        self._batch = Batch({self.name: call.place})
        try:
            self._require_a_containers()
        except BaseException:
            self._batch.close()
            raise

    def _require_a_containers(self) -> None:
        netns = self.call.netns
        try:
            descriptors = self._batch.descriptor(self.name), self._batch.descriptor(None)
            own = len(set(map(namespaces.identity, descriptors))) == 1
        except OSError as error:
            if not os.path.exists(self.call.place):
                raise CniError(Code.CONTAINER, "the container's network namespace does not exist", netns) from None
            raise CniError(Code.ENVIRONMENT, "CNI_NETNS is no network namespace", f"{netns}: {error.strerror}") from None
        if own:
            raise CniError(Code.ENVIRONMENT, "CNI_NETNS is the plugin's own network namespace", netns)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._batch.close()

    def has_interface(self) -> bool:
        """Whether the container has an interface of the name that is asked for."""
        return self._has(self.name, self.call.ifname)

    def node_has(self, link: str) -> bool:
        """Whether the node itself has an interface called *link*."""
        return self._has(None, link)

    def _has(self, space: str | None, link: str) -> bool:
        try:
            return self._batch.socket(space).index(link) > 0
        except Refused:
            return False

    def look(self, files: bool = False) -> Snapshot:
        """Both namespaces, now and whole, with the node's own nftables, and its small *files* if asked."""
        return self._snapshot(spaces.spaces_at({self.name: self.call.place}), files, rules_read(nft_program.read(-1)))

    def look_about(self, node_part: Part, pod_part: Part, files: bool = False) -> Snapshot:
        """
        Both, as far as asked, and nothing else.

        What a Pod costs is not to grow with the Pods that there are, nor with what no step of it is about.
        """
        return self._snapshot(node_and_pod(self._batch, self.name, node_part, pod_part), files)

    def _snapshot(self, spaces: dict, files: bool, rules: Ruleset = NO_RULES) -> Snapshot:
        if self.name not in spaces:
            raise CniError(Code.CONTAINER, "the container's network namespace went this moment", self.call.netns)
        return snapshot(os.uname().nodename, spaces, rules, files=node_files.read() if files else None)

    def apply(self, requests: Sequence[Request]) -> None:
        """Ask the kernel for all of *requests*, in order; Refused with the position of the first that it did not take."""
        apply_in(self._batch, list(requests))
