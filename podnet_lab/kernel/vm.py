"""
A node that is a virtual machine of its own: which of its cards is the lesson's, and how it was when it was new.

The other cards (Vagrant's, and the one by which node1 reaches the others) are left out of what the lab sees, so that
no step and no reset touches them. All are known by their MAC: names differ from machine to machine, and students change them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from podnet_lab.kernel import encode, extras, namespaces, read, setup
from podnet_lab.kernel.netlink import Refused, Socket

CONFIG = Path("/etc/podnet/lab.json")
"""Which VM this is, and how to reach the others; provisioning writes it, so where it is, the lab is one of VMs."""

BASELINE = Path("/var/lib/podnet/baseline.json")

PATIENCE = 10.0
"""Seconds to wait for a card to come back from a namespace that ended."""

LESSON = tuple(map(IPv4Network, ("192.168.1.0/24", "10.244.0.0/16", "10.96.0.0/12")))
"""External network, Pods, Services: a route to any of these is the lesson's, whatever card it names."""

_DRIFTING = ("tcp_fastopen_key",)
"""Settings that the kernel draws anew at each boot."""


@dataclass(frozen=True)
class Vm:
    """
    This VM as its lab sees it, as provisioning stored it.

    *external* is the MAC of the lesson's card, *others* those of all other cards, *spare* of the one for the host
    `outside`, if it is here; *baseline* is what the agent's calls `read` and `extras` said when this VM was new.
    """

    external: str
    others: list[str]
    spare: str | None
    baseline: dict[str, Any]

    @classmethod
    def load(cls) -> Vm:
        """Read it; OSError (ENOENT) where none was stored."""
        return cls(**json.loads(BASELINE.read_text()))

    def store(self) -> None:
        """Write it down, whole or not at all."""
        BASELINE.parent.mkdir(mode=0o755, exist_ok=True)
        fresh = BASELINE.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(BASELINE)

    def read(self) -> dict[str, Any]:
        """The node and its Pods, without the cards that are not the lesson's."""
        return visible(read.node(), set(self.others))

    def extras(self) -> dict[str, Any]:
        """What no step changes, without those cards'."""
        return _without(extras.read(), {link["name"] for link in _cards() if link["mac"] in self.others})

    def mend(self) -> list[str]:
        """Bring the external card back from a namespace that it was moved to, under its own name; says what that took."""
        name = next(link["name"] for link in self.baseline["snapshot"][""]["links"] if link["mac"] == self.external)
        for space, link in _everywhere():
            if link["mac"] == self.external and link["kind"] == "physical":
                return _bring_home(space, link, name)
        return ["(its card on the external network is gone)"]

    def lend(self, network: str, name: str) -> None:
        """
        Move the spare card into *network*, a namespace as /proc writes it ("net:[4026532001]"), and call it *name* there.

        OSError (ENODEV) if there is none, or it does not come back from the host `outside` of a lab that just ended.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for link in _cards():
                if link["mac"] == self.spare:
                    _send([encode.link_take(link["index"], name, pid=_process_in(network))])
                    return
            time.sleep(0.02)
        raise OSError(errno.ENODEV, "no card is left for the host outside")


def visible(spaces: dict[str, Any], others: set[str]) -> dict[str, Any]:
    """*spaces* without the node's own cards whose MACs are in *others*, and without what belongs to them."""
    own = spaces[""]
    hidden = {link["name"] for link in own["links"] if link["mac"] in others and link["kind"] == "physical"}
    lean = own | {
        "links": [link for link in own["links"] if link["name"] not in hidden],
        "addresses": [one for one in own["addresses"] if one[0] not in hidden],
        "routes": [one for one in own["routes"] if one[2] not in hidden or _is_lesson(IPv4Network(one[0]))],
        "neighbours": [one for one in own["neighbours"] if one[1] not in hidden],
        "conf": {name: values for name, values in own["conf"].items() if name not in hidden},
    }
    return spaces | {"": lean}


def _is_lesson(network: IPv4Network) -> bool:
    return network.prefixlen > 0 and any(network.overlaps(one) for one in LESSON)


def _without(found: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    settings = {
        path: value for path, value in found["settings"].items() if not hidden & set(path.split("/")) and not path.endswith(_DRIFTING)
    }
    queues = {dev: kinds for dev, kinds in found["queues"].items() if dev not in hidden}
    return found | {"settings": settings, "queues": queues}


def _cards() -> list[dict[str, Any]]:
    """The physical interfaces of this thread's namespace."""
    sock = Socket()
    try:
        return [link for link in read.links(sock) if link["kind"] == "physical"]
    finally:
        sock.close()


def _addresses() -> dict[str, str]:
    """The interface of each address here, by the address."""
    sock = Socket()
    try:
        names = {link["index"]: link["name"] for link in read.links(sock)}
        return {interface: dev for dev, interface, *_ in read.addresses(sock, names)}
    finally:
        sock.close()


def _process_in(network: str) -> int:
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended this moment
            if os.readlink(path / "ns/net") == network:
                return int(path.name)
    raise OSError(errno.ESRCH, f"nobody lives in {network}")


def _everywhere() -> Iterator[tuple[str, dict[str, Any]]]:
    for space, has in read.node().items():
        for link in has["links"]:
            yield space, link


def _send(messages: list) -> None:
    sock = Socket()
    try:
        sock.request(messages)
    finally:
        sock.close()


def _bring_home(space: str, link: dict[str, Any], name: str) -> list[str]:
    if not space and link["name"] == name:
        return []
    home = namespaces.here()
    descriptor = namespaces.open_named(space) if space else os.dup(home)
    try:
        with namespaces.inside(descriptor):
            _send([encode.link_set(link["name"], up=False), encode.link_take(link["index"], name, fd=home)])
    finally:
        os.close(home)
        os.close(descriptor)
    return [f"ip{f' -n {space}' if space else ''} link set {link['name']} netns 1 name {name}"]


def store(external: str) -> None:
    """Find this VM's cards, the lesson's by its address *external*, and store how everything is now."""
    dev = _addresses().get(external)
    if dev is None:
        raise SystemExit(f"no interface here has the address {external}")
    cards = {link["name"]: link["mac"] for link in _cards()}
    others = [mac for name, mac in cards.items() if name != dev]
    spare = next((mac for name, mac in cards.items() if name not in _addresses().values()), None)
    new = Vm(cards[dev], others, spare, {})
    replace(new, baseline={"snapshot": new.read(), "extras": new.extras()}).store()


def boot() -> None:
    """What each start of the VM takes: the lesson's settings, a shared /run/netns, and, the first time, the baseline."""
    config = json.loads(CONFIG.read_text())
    namespaces.prepare()
    setup.settings()
    with contextlib.suppress(Refused):
        _send([encode.link_set("lo", up=True)])
    if not BASELINE.exists():
        store(config["nodes"][config["node"]]["external"])


if __name__ == "__main__":
    sys.exit(boot())
