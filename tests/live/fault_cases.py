"""Which faults are tried in which network: what every Pod network has in the lesson's, and each network's own in a lab of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from live.helpers import until
from podnet_lab import Lab
from podnet_lab.explain.fault import Fault
from podnet_lab.explain.faults import FAULTS
from podnet_lab.networks import registry

PLACES = ((0, 0, 1), (2, 1, 2), (1, 0, 1), (2, 0, 1), (1, 1, 2), (0, 1, 2))
"""Every node of three, as `podnet_lab.explain.fault_places.fault_places` takes them, beside every other one."""

IPIP = ("calico-ipip", "calico-ipip-tun")
"""Networks that not every machine has; their own faults are tried in test_calico_ipip.py."""

OWN = {name: registry.find(name).faults for name in registry.names() if registry.find(name).faults and name not in IPIP}
"""The faults that networks add to the catalogue, by network."""

_SEEN_ELSEWHERE = {"flannel-host-gw": OWN["flannel"], "calico-vxlan": (*OWN["calico"], *OWN["flannel"])}
"""What another network adds as well: there it takes long."""


def marks(fault: Fault) -> list:
    """What a fault's tests need of the machine."""
    return [getattr(pytest.mark, program) for program in ("nft", "bird") if program in fault.needs]


def cases(*places: tuple[int, int, int], share: int = 1, begin: int = 0) -> list:
    """
    Parameters (network, fault, place): each fault at *places* in the lesson's network; each network's own at all `PLACES`.

    Of a network's own all but one place take long, and are marked so: each fault is tried at another one. Of the faults themselves
    every *share*-th is not marked, from number *begin* on.
    """
    found = [
        pytest.param(registry.LESSON, fault, place, id=_id("", fault, place), marks=marks(fault)) for fault in FAULTS for place in places
    ]
    for network, faults in OWN.items():
        for number, fault in enumerate(faults):
            for turn, place in enumerate(PLACES):
                now = turn == number % len(PLACES) and number % share == begin and fault not in _SEEN_ELSEWHERE.get(network, ())
                late = [] if now else [pytest.mark.long]
                found.append(pytest.param(network, fault, place, id=_id(f"{network}-", fault, place), marks=marks(fault) + late))
    return found


MENDS = 12.0
"""Seconds within which BIRDs have told each other, and their kernels, what is mended."""


def until_whole(lab: Lab, fault: Fault) -> None:
    """Wait until daemons have done what a fault's mending lets them do; of other faults that is so at once."""
    if fault.takes:
        until(lab.check, MENDS)


def _id(network: str, fault: Fault, place: tuple[int, int, int]) -> str:
    return f"{network}{fault.name}-{''.join(map(str, place))}"


class NetworkLabs:
    """A lab of each Pod network but the lesson's, opened when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._open = stack, {}

    def whole(self, network: str) -> Lab:
        """The lab of a network, wired."""
        if network not in self._open:
            lab = Lab.open(name=f"faults-{network}", network=network, pods=2, where="namespaces")
            self._open[network] = self._stack.enter_context(lab)
        lab = self._open[network]
        if not _untouched(lab):
            lab.goto("done")
        return lab


def _untouched(lab: Lab) -> bool:
    """Whether a lab is as the last test has left it, whole and mended: to wire it again takes longer than to look."""
    return lab.broken is None and bool(lab.check())


def network_labs() -> Iterator[NetworkLabs]:
    """For a fixture: the labs, closed at last."""
    with ExitStack() as stack:
        yield NetworkLabs(stack)
