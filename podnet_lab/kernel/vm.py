"""
A node that is a virtual machine of its own: which of its cards is the lesson's, and how it was when it was new.

The other cards (Vagrant's, and the one by which node1 reaches the others) are left out of what the lab sees, and no
step and no reset touches them. All are known by the MAC that they were made with: names differ from machine to
machine, and students change names and MACs.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from podnet_lab.kernel import apply, encode, namespaces, node_setup, processes, read, read_links, spaces, unmanaged_state
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.vm_config import CONFIG

BASELINE = Path("/var/lib/podnet/baseline.json")

BORROWER = Path("/run/podnet-outside")
"""Which network namespace the spare card was lent to."""

PATIENCE = 10.0
"""Seconds to wait for a card to come back from a namespace that ended."""

LESSON = tuple(map(IPv4Network, ("192.168.1.0/24", "10.244.0.0/16", "10.96.0.0/12")))
"""External network, Pods, Services: a route to any of these is the lesson's, whatever card it names."""

NOT_OURS = "is how this VM is reached, and no part of the lesson"
"""Why a card is not for steps."""

BOOTED = Path("/run/podnet-booted")
"""Written by vm/podnet-boot when this VM has started as a node."""


@dataclass(frozen=True)
class Vm:
    """
    This VM as its lab sees it, as provisioning stored it.

    *external* is the MAC of the lesson's card, *others* those of all other cards, *spare* that of the one for the host
    `outside`, if it is here: always the MAC that the card was made with. *baseline* is what the agent's calls `read` and
    `unmanaged_state` said when this VM was new.
    """

    external: str
    others: list[str]
    spare: str | None
    baseline: dict[str, Any]

    @classmethod
    def load(cls) -> Vm:
        """Read it; OSError (ENOENT) where none was stored, or where this VM has not started as a node (vm/podnet-boot)."""
        BOOTED.stat()
        return cls(**json.loads(BASELINE.read_text()))

    def store(self) -> None:
        """Write it down, whole or not at all."""
        BASELINE.parent.mkdir(mode=0o755, exist_ok=True)
        fresh = BASELINE.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(BASELINE)

    def visible(self, spaces: dict[str, Any]) -> dict[str, Any]:
        """The node and its Pods without the cards that are not the lesson's."""
        return visible(spaces, set(self.others))

    def processes(self) -> list[dict[str, Any]]:
        """What the lab has left running here, and what lives in Pods; not the machine's own."""
        return processes.background(processes.here(namespaces.by_network(), whole_machine=True))

    def refuse(self, requests: list[apply.Request]) -> None:
        """Refused (EPERM) if one of *requests* would change a card that is not the lesson's: this VM is reached through it."""
        hidden = self.hidden()
        for position, (_, namespace, arguments) in enumerate(requests):
            if namespace is None and arguments.get("via") and not arguments.get("dev"):
                arguments = arguments | {"dev": self._card_to(arguments["via"])}
            if namespace is None and (cards := hidden & possible_interfaces(arguments)):
                raise Refused(errno.EPERM, position, f"{cards.pop()} {NOT_OURS}")

    def _card_to(self, gateway: str) -> str:
        """The card in whose subnet *gateway* is, if it is a hidden one: the kernel would send there what names no card."""
        hidden = self.hidden()
        near = (dev for address, dev in _addresses().items() if dev in hidden and IPv4Address(gateway) in IPv4Interface(address).network)
        return next(near, "")

    def hidden(self) -> set[str]:
        """The present names of the cards that are not the lesson's."""
        return {link["name"] for link in _cards() if link["card"] in self.others}

    def unmanaged_state(self) -> dict[str, Any]:
        """The state that no step manages (unmanaged_state.py), without that of those cards."""
        return unmanaged_state.read(self.hidden())

    def restore_unmanaged_state(self, then: dict[str, Any]) -> dict[str, list[str]]:
        """Bring it back, and leave that of those cards alone."""
        return unmanaged_state.restore(then, self.hidden())

    def mend(self) -> list[str]:
        """Bring the external card back from a namespace that it was moved to, under its own name; says what that took."""
        name = next(link["name"] for link in self.baseline["snapshot"][""]["links"] if link["card"] == self.external)
        for space, link in _everywhere():
            if link["card"] == self.external:
                return _bring_home(space, link, name)
        return ["(its card on the external network is gone)"]

    def move_spare_card(self, network: str) -> str:
        """
        Move the spare card into *network*, a namespace as /proc writes it ("net:[4026532001]"); returns its name.

        It keeps that name: if another one here had it when the card comes back, systemd would switch that one off.
        An `outside` that still has it belongs to a lab that was taken over, or just ended: it is ended.
        OSError (ENODEV) if there is no such card.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for link in _cards():
                if link["card"] == self.spare:
                    _send([encode.link_set_netns(link["index"], pid=_processes_in(network)[0])])
                    BORROWER.write_text(network)
                    return link["name"]
            self._end_borrower()
            time.sleep(0.02)
        raise OSError(errno.ENODEV, "no card is left for the host outside")

    def _end_borrower(self) -> None:
        with contextlib.suppress(OSError):  # nobody has borrowed it, or they are ending by themselves
            processes = _processes_in(BORROWER.read_text())
            descriptor = os.open(f"/proc/{processes[0]}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                with namespaces.inside(descriptor):
                    there = any(link["card"] == self.spare for link in _cards())
            finally:
                os.close(descriptor)
            for pid in processes if there else ():
                os.kill(pid, signal.SIGKILL)


def possible_interfaces(arguments: dict[str, Any]) -> set[str]:
    """Every word of a request that may be an interface's name, as a whole or as a part of a setting's path, and a tunnel's lower one."""
    below = (arguments.get("settings") or {}).get("dev")  # the other end of a cable is elsewhere, and may be called as it likes
    words = [value for value in (*arguments.values(), below) if isinstance(value, str)]
    return {part for word in words for part in word.split("/")}


def visible(spaces: dict[str, Any], others: set[str]) -> dict[str, Any]:
    """*spaces* without the node's own cards whose MACs are in *others*, and without what belongs to them."""
    own = spaces[""]
    hidden = {link["name"] for link in own["links"] if link["card"] in others}
    lean = own | {
        "links": [link for link in own["links"] if link["name"] not in hidden],
        "addresses": [address for address in own["addresses"] if address[0] not in hidden],
        "routes": [route for route in own["routes"] if route[2] not in hidden or _is_lesson(IPv4Network(route[0]))],
        "neighbours": [entry for entry in own["neighbours"] if entry[1] not in hidden],
        "ipv6": [entry for entry in own.get("ipv6", ()) if entry[1] not in {"", *hidden}],
        "conf": {name: values for name, values in own["conf"].items() if name not in hidden},
    }
    return spaces | {"": lean}


def _is_lesson(network: IPv4Network) -> bool:
    return network.prefixlen > 0 and any(network.overlaps(lesson) for lesson in LESSON)


def _cards() -> list[dict[str, Any]]:
    """The real cards of this thread's namespace."""
    sock = Socket()
    try:
        return [link for link in read_links.links(sock) if link["card"]]
    finally:
        sock.close()


def _addresses() -> dict[str, str]:
    """The interface of each address here, by the address."""
    sock = Socket()
    try:
        names = {link["index"]: link["name"] for link in read_links.links(sock)}
        return {interface: dev for dev, interface, *_ in read.addresses(sock, names)}
    finally:
        sock.close()


def _processes_in(network: str) -> list[int]:
    """The processes that live in a network namespace; OSError (ESRCH) if there is none."""
    processes = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended this moment
            if os.readlink(path / "ns/net") == network:
                processes.append(int(path.name))
    if not processes:
        raise OSError(errno.ESRCH, f"nobody lives in {network}")
    return sorted(processes)


def _everywhere() -> Iterator[tuple[str, dict[str, Any]]]:
    for space, state in spaces.node().items():
        for link in state["links"]:
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
    with contextlib.suppress(Refused):  # what a student gave its name to since
        _send([encode.link_remove(name)])
    home = namespaces.here()
    descriptor = namespaces.open_named(space) if space else os.dup(home)
    try:
        with namespaces.inside(descriptor):
            _send([encode.link_set(link["name"], up=False), encode.link_set_netns(link["index"], name, fd=home)])
    finally:
        os.close(home)
        os.close(descriptor)
    return [f"ip{f' -n {space}' if space else ''} link set {link['name']} netns 1 name {name}"]


def store(external: str) -> None:
    """Find this VM's cards, the lesson's by its address *external*, and store how everything is now."""
    dev = _addresses().get(external)
    if dev is None:
        raise SystemExit(f"no interface here has the address {external}")
    cards = {link["name"]: link["card"] for link in _cards()}
    others = [mac for name, mac in cards.items() if name != dev]
    spare = next((mac for name, mac in cards.items() if name not in _addresses().values()), None)
    new = Vm(cards[dev], others, spare, {})
    replace(new, baseline={"snapshot": new.visible(spaces.node()), "unmanaged_state": new.unmanaged_state()}).store()


def _card_with(address: str) -> str | None:
    dev = _addresses().get(address)
    return next((link["card"] for link in _cards() if link["name"] == dev), None)


def boot() -> None:
    """What each start of the VM takes: the lesson's settings, a shared /run/netns, and, the first time, the baseline."""
    config = json.loads(CONFIG.read_text())
    namespaces.prepare()
    node_setup.apply_settings()
    with contextlib.suppress(Refused):
        _send([encode.link_set("lo", up=True)])
    external = config["nodes"][config["node"]]["external"]
    if not BASELINE.exists() or Vm(**json.loads(BASELINE.read_text())).external != _card_with(external):
        store(external)  # the first time, or the VM has been given other cards


if __name__ == "__main__":
    sys.exit(boot())
