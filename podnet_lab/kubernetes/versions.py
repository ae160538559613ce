"""
What differs between Kubernetes' versions in how its programs are started: one table, and nobody else asks for a version. Pure.

Of these versions 1.20.2 was run here, which Debian 12 has the source of; the rest of the table is from Kubernetes' own change logs
and command line references, and `UNTRIED` says so to whoever uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from podnet_lab.errors import BadInput

TRIED = ("1.20.2",)
"""Versions with which a cluster was seen to run."""

UNTRIED = "was not tried with podnet-lab: what its programs are started with is taken from Kubernetes' documentation"


class Version(NamedTuple):
    """A version of Kubernetes, such as 1.20.2."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def read(cls, text: str) -> Version:
        """The version in *text*, like 1.20.2, v1.20.2, or a program's "Kubernetes v1.20.2"; BadInput if there is none."""
        found = re.search(r"(?:^|[\sv])(\d+)\.(\d+)(?:\.(\d+))?(?=$|[\s+-])", text.strip()) if isinstance(text, str) else None
        if found is None:
            raise BadInput(f"{text!r} is no version of Kubernetes; one is like 1.20.2")
        return cls(*(int(number or 0) for number in found.groups()))

    @property
    def tried(self) -> bool:
        """Whether a cluster of this version was seen to run."""
        return str(self) in TRIED

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Rule:
    """What *program* is given from version *first* on, up to but not with *before*; *setting* is a kubelet's, in its file."""

    program: str
    flag: str = ""
    setting: tuple[str, Any] | None = None
    first: tuple[int, int] = (1, 0)
    before: tuple[int, int] = (9, 0)

    def holds(self, version: Version) -> bool:
        """Whether it is for *version*."""
        return self.first <= version[:2] < self.before


RULES = (
    # Until 1.22 these two also answered without TLS, at every address of the node; 1.24 does not know the option any more.
    Rule("kube-scheduler", "--port=0", before=(1, 23)),
    Rule("kube-controller-manager", "--port=0", before=(1, 23)),
    # The runtime was Docker if nobody said otherwise; 1.27 does not know the option any more, and has the endpoint among its settings.
    Rule("kubelet", "--container-runtime=remote", before=(1, 24)),
    Rule("kubelet", "--container-runtime-endpoint={endpoint}", before=(1, 27)),
    Rule("kubelet", setting=("containerRuntimeEndpoint", "{endpoint}"), first=(1, 27)),
    # Only so that it is never collected; from 1.27 on the runtime says which image that is.
    Rule("kubelet", "--pod-infra-container-image={pause}", before=(1, 27)),
    # A kubelet that is root in a user namespace alone: it goes on where it may not write a setting of the kernel's.
    Rule("kubelet", setting=("featureGates", {"KubeletInUserNamespace": True}), first=(1, 22)),
    Rule("kubelet", setting=("localStorageCapacityIsolation", False), first=(1, 25)),
    Rule("kubelet", setting=("failCgroupV1", False), first=(1, 31)),
)


def flags(program: str, version: Version, **values: str) -> tuple[str, ...]:
    """The options that *program* needs in that version, beside those that are the same in all; *values* fill in their blanks."""
    return tuple(rule.flag.format(**values) for rule in RULES if rule.program == program and rule.flag and rule.holds(version))


def settings(version: Version, **values: str) -> dict[str, Any]:
    """The same for a kubelet's file of settings."""
    found = (rule.setting for rule in RULES if rule.setting and rule.holds(version))
    return {name: value.format(**values) if isinstance(value, str) else value for name, value in found}
