"""
Bridge netfilter: whether what a bridge passes on from port to port meets the rules of IPv4.

A bridge works below IP, and so two Pods of one node would talk past every rule; Kubernetes asks for this setting on nodes with a
bridge (kubernetes.io, Container Runtimes). It is there only where the kernel has br_netfilter, which root loads:
``modprobe br_netfilter``.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Request, Step, inside, no_namespace, where
from podnet_lab.steps.pyroute2_calls import write_setting
from podnet_lab.valid_names import within


@dataclass(frozen=True)
class SetBridgeNetfilter(Step):
    """See `on` and `off`."""

    enabled: bool
    namespace: str | None = None

    @property
    def command(self) -> str:
        return f"{inside(self.namespace)}sysctl -w net.bridge.bridge-nf-call-iptables={int(self.enabled)}"

    @property
    def pyroute2(self) -> str:
        return write_setting(self.namespace, "net/bridge/bridge-nf-call-iptables", int(self.enabled))

    @property
    def claim(self) -> str:
        return f"what bridges pass on {'meets' if self.enabled else 'does not meet'} the rules of IPv4"

    def requests(self) -> list[Request]:
        return [("sysctl", self.namespace, {"key": "bridge/bridge-nf-call-iptables", "value": int(self.enabled)})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.namespace)) is not None:
            return missing
        on = now.spaces[self.namespace].bridged
        return (
            None if on == self.enabled else f"net.bridge.bridge-nf-call-iptables is {int(on)}{where(self.namespace)}, or no bridge is there"
        )

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (SetBridgeNetfilter(before.spaces[self.namespace].bridged, self.namespace),)

    def touches(self) -> tuple:
        return (("bridged", self.namespace),)


def on(namespace: str | None = None) -> SetBridgeNetfilter:
    """
    Let what a node's bridge passes on meet the rules of IPv4, as what the node routes does.

    By hand::

        sysctl -w net.bridge.bridge-nf-call-iptables=1
    """
    return SetBridgeNetfilter(True, within(namespace))


def off(namespace: str | None = None) -> SetBridgeNetfilter:
    """
    Let a bridge pass frames on without asking the rules of IPv4.

    By hand::

        sysctl -w net.bridge.bridge-nf-call-iptables=0
    """
    return SetBridgeNetfilter(False, within(namespace))
