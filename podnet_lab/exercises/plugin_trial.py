"""A CNI plugin on trial: called step by step on a node, where nothing of the node's is touched, and judged by what the kernel has then."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from podnet_lab.cni.installation import BIN

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

BRIDGE, GATEWAY = "trial0", "10.99.0.1/28"
IPAM = {"subnet": "10.99.0.0/28", "rangeStart": "10.99.0.2"}
ROOM = 13
"""Pods that have an address in that subnet."""

SECONDS = 10
"""After which a call that has not ended never will."""

NODE = "node1"
_ON_NODE = os.path.join(os.path.dirname(__file__), "plugin_trial_on_node.py")

_APART = f"""
mkdir -p /var/lib/cni /run/netns && mount -t tmpfs tmpfs /var/lib/cni && mount -t tmpfs tmpfs /run/netns || exit
ip link set lo up; ip link add {BRIDGE} type bridge; ip addr add {GATEWAY} dev {BRIDGE}; ip link set {BRIDGE} up
exec python3 -c "$0" "$1"
"""
"""What a shell in namespaces of its own does: a node with a bridge and without a Pod, whose plugins have noted nothing yet."""

Step = Sequence[Any]
"""As plugin_trial_on_node.py says."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call: its exit *status*, None if it did not end, and what it printed."""

    status: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        """What it says of itself where it failed, in a line."""
        try:
            answer = json.loads(self.out)
            return f"error {answer['code']}: {answer.get('msg', '')}"
        except (ValueError, KeyError, TypeError):
            words = (self.err.strip() or self.out.strip() or "it says nothing").splitlines()
            return f"exit status {self.status}: {words[-1]}" if self.status is not None else words[-1]

    @property
    def address(self) -> str | None:
        """The address that it says to have given; None if it says none."""
        try:
            return str(json.loads(self.out)["ips"][0]["address"])
        except (ValueError, KeyError, TypeError, IndexError):
            return None


@dataclass(frozen=True)
class Kernel:
    """What the kernel has at one moment: the *ports* of the bridge, and the addresses of each Pod."""

    ports: tuple[str, ...]
    pods: dict[str, list[str]]

    @property
    def twice(self) -> str | None:
        """Two Pods that have the same address, in words; None if there are none."""
        whose: dict[str, str] = {}
        for pod, addresses in sorted(self.pods.items()):
            for address in addresses:
                if address in whose:
                    return f"{whose[address]} and {pod} both have {address}"
                whose[address] = pod
        return None


@dataclass(frozen=True)
class Trial:
    """What came of all steps, in their order; a call that did not end is the last."""

    calls: tuple[Outcome, ...]
    looks: tuple[Kernel, ...]

    @property
    def failure(self) -> str | None:
        """The first call that failed, in words, counted from 1; None if none did."""
        return next((f"call {number}: {call.said}" for number, call in enumerate(self.calls, 1) if call.status != 0), None)


def tried(lab: ExerciseLab, plugin: str, steps: Sequence[Step]) -> Trial:
    """Call *plugin* on node1, with a namespace in place of the node: whatever it leaves goes with that."""
    conf = {"cniVersion": "1.1.0", "name": "trial", "type": plugin, "bridge": BRIDGE, "ipam": IPAM}
    asked = json.dumps({"plugin": f"{BIN}/{plugin}", "conf": conf, "steps": list(steps), "seconds": SECONDS})
    with open(_ON_NODE) as file:
        program = file.read()
    apart = "unshare --net --mount --propagation private"
    printed = lab[NODE].shell(f"{apart} bash -c {quote(_APART)} {quote(program)} {quote(asked)}")
    came = json.loads(printed.strip().splitlines()[-1])
    calls = tuple(Outcome(**one) for one in came if "status" in one)
    return Trial(calls, tuple(Kernel(tuple(one["ports"]), one["pods"]) for one in came if "ports" in one))


def added(*pods: str) -> Iterator[Step]:
    """Steps that make Pods, and call ADD for each."""
    for pod in pods:
        yield from (("pod", pod), ("ADD", pod))
