"""What widgets need of a lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from podnet_lab.checks.check import Checks
from podnet_lab.checks.reachability import Matrix, Ping
from podnet_lab.explain.explanation import Explanation
from podnet_lab.model import Cluster
from podnet_lab.networks.base import Network
from podnet_lab.packets.trace import Trace
from podnet_lab.plan import Plan
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step


class WatchedLab(Protocol):
    """A lab as widgets see it: `podnet_lab.lab.lab.Lab` is one."""

    plan: Plan
    network: Network

    @property
    def busy(self) -> bool:
        """Whether something runs in it: whoever looks now sees half of it."""

    @property
    def secret_changes(self) -> int:
        """How often something was done for somebody to find out: what changed then is not shown."""

    @property
    def unaided(self) -> bool:
        """Whether something is to be found out here: then reasons of failures are not told unasked."""

    @property
    def before_last_run(self) -> Cluster | None:
        """How nodes were before the last run; None once something was done for somebody to find out."""

    def snapshot(self, *names: str) -> Cluster:
        """What the kernels of the cluster's nodes say now."""

    def everyone(self) -> Cluster:
        """The same, and what the host ``outside`` says."""

    def run(self, recipe: Mapping[str, Sequence[Step]], headline: str = "") -> Result:
        """Run steps."""

    def undo(self) -> Result:
        """Take back the last run."""

    def check(self, stage: str) -> Checks:
        """Whether what a stage is for is true."""

    def matrix(self) -> Matrix:
        """Try every ordered pair of Pods."""

    def ping(self, source: str, target: str) -> Ping:
        """Try one pair."""

    def trace(self, source: str, target: str) -> Trace:
        """Follow one packet."""

    def explain(self, source: str, target: str) -> Explanation:
        """Why it does not arrive."""
