"""
The network's own steps for one Pod, run where this process is: the Pod's namespace is at a path, and has no name.

As in a lab (`podnet_lab.lab.run_steps`) the kernel is looked at, asked, looked at again, and judged; and what did not work leaves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from hashlib import sha1
from ipaddress import IPv4Interface, IPv4Network

from podnet_lab.cni.call import Call, CniError, Code
from podnet_lab.cni.place import Place
from podnet_lab.errors import BadInput
from podnet_lab.kernel.apply import apply
from podnet_lab.kernel.file_lock import locked
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.programs import Missing
from podnet_lab.kernel.read_about import READ, Part
from podnet_lab.kernel.read_links import links_called
from podnet_lab.model import Namespace, Snapshot
from podnet_lab.networks import registry
from podnet_lab.networks.base import Network
from podnet_lab.plan import EXTERNAL, Node, Pod
from podnet_lab.recipes.net_effect import Effect, adds_up, conflicts, needed
from podnet_lab.recipes.reconcile import restore
from podnet_lab.steps import address as addresses
from podnet_lab.steps.address import AddAddress
from podnet_lab.steps.base import OF_A_LINK, Request, Step

READY_LOCK = "/run/podnet-cni.lock"
"""Held while a node is made ready for its first Pod: of two at once, one makes the bridge."""

MOST_NAME = 15
"""Letters of an interface's name."""

UNUSED = IPv4Interface((EXTERNAL.network_address + 11, EXTERNAL.prefixlen))
"""A planned node has an address on the external network; nothing that one Pod needs depends on which."""


def node_end(prefix: str, container: str, ifname: str) -> str:
    """The name of the node's end of a cable: it follows from whose cable it is, so that no file has to say it."""
    letters = MOST_NAME - len(prefix)
    return f"{prefix}{sha1(f'{container}/{ifname}'.encode(), usedforsecurity=False).hexdigest()[:letters]}"


def network_of(call: Call) -> Network:
    """The Pod network that a configuration names; the lesson's if it names none."""
    try:
        return registry.find(call.config.get("network"))
    except BadInput as error:
        raise CniError(Code.CONFIG, "network is none of ours", str(error)) from None


def node_of(call: Call, network: Network, subnet: IPv4Network) -> Node:
    """The node as a Pod network's steps take it, whose Pods have addresses of *subnet*; CniError if it can't have that subnet or bridge."""
    try:
        return Node(os.uname().nodename, UNUSED, subnet, call.config.get("bridge") or _usual_bridge(network))
    except BadInput as error:
        raise CniError(Code.CONFIG, "the network can't have that subnet or bridge", str(error)) from None


def possible_networks(call: Call) -> list[Network]:
    """The Pod network that a container may be in: the one that is named, or, where that is none of ours, any; what is to go, goes."""
    try:
        return [network_of(call)]
    except CniError:
        return [registry.find(name) for name in registry.names()]


def remove_cable(networks: Iterable[Network], container: str, ifname: str) -> None:
    """
    Delete the cable of a container's interface, both ends, and what nodes of *networks* note of it; no error if there is none.

    What has its name and is no cable is somebody else's, and stays.
    """
    for network in networks:
        end = node_end(network.cable_prefix, container, ifname)
        if _kind(end) in ("veth", None):
            for requests in (*(step.requests() for step in network.forgotten(end)), [("link_remove", None, {"name": end})]):
                with suppress(Refused, Missing):  # without nft there is no such entry
                    apply(requests)


def _kind(link: str) -> str | None:
    """Of which kind an interface of the node's is; None if there is none."""
    sock = Socket()
    try:
        found = links_called(sock, [link], {})
    finally:
        sock.close()
    return next((one["kind"] for one in found if one["name"] == link), None)


def _is_anothers(step: Step) -> bool:
    """Whether a step of a Pod's is another's here: its namespace is the runtime's to make, its address is noted by who gave it out."""
    return {fact[0] for fact in step.touches()} <= {"namespace", "file"}


NARROW = OF_A_LINK - {"fdb"} | READ | {"file", "namespace"}
"""Kinds of facts that a look at a part shows."""

NOTHING = Part(frozenset(), frozenset())

OF_A_POD = frozenset({"address", "route"})
"""Kinds that are looked at in a Pod at any rate: interfaces take addresses and routes with them, and a failed ADD brings them back."""


def about(steps: Iterable[Step]) -> tuple[Part, Part] | None:
    """What *steps* are about, in the node's own namespace and in the Pod's; None if that is more than a look at a part shows."""
    facts = [fact for step in steps for fact in step.touches()]
    if {fact[0] for fact in facts} - NARROW:
        return None
    own = [fact for fact in facts if fact[1] is None]
    links = frozenset(fact[2] for fact in own if fact[0] in OF_A_LINK)
    pods = frozenset(fact[0] for fact in facts if fact[1] is not None)
    return Part(links, frozenset(fact[0] for fact in own)), Part(None, pods | OF_A_POD)


@lru_cache(64)
def _usual_bridge(network: Network) -> str:
    return network.plan(1, 0).nodes[0].bridge


@lru_cache(64)  # for the daemon: they are the same for all Pods of a node
def _first_steps(network: Network, node: Node) -> tuple[Step, ...]:
    return tuple(network.first_steps(node))


class Wiring:
    """One container's place in a Pod network, whatever is there of it now: its *pod* and its *node*, as the network's steps take them."""

    def __init__(self, place: Place, address: IPv4Interface, gateway: str | None = None) -> None:
        call = self.call = place.call
        self._place, self.network = place, network_of(call)
        self.node = node_of(call, self.network, address.network)
        self.gateway = str(self.network.gateway(self.node))
        if str(address.ip) == self.gateway:
            raise CniError(Code.CONFIG, f"{address.ip} is the gateway of all Pods", "none of them can have it itself")
        if gateway is not None and gateway not in (self.gateway, str(self.node.gateway.ip)):
            has = f"on a node, {self.network.name} has {self.gateway}"
            raise CniError(Code.FIELD, f"unsupported field gateway: {gateway!r}", has)
        self.pod = Pod(place.name, self.node.name, address, (call.ifname, node_end(self.network.cable_prefix, call.container, call.ifname)))

        self.first_steps = _first_steps(self.network, self.node)
        self.steps = [step for step in self.network.pod(self.pod, self.node) if not _is_anothers(step)]
        self._effects = adds_up([*self.first_steps, *self.steps])
        self._about = about([*self.first_steps, *self.steps])

    def look(self) -> Snapshot:
        """The node and the container, as far as the steps ask for them."""
        files = any(fact[0] == "file" for step in self.first_steps for fact in step.touches())
        return self._place.look(files) if self._about is None else self._place.look_about(*self._about, files)

    def add(self) -> Snapshot:
        """Wire the Pod; the node and the Pod as they are then. Raises CniError, and leaves nothing, if that did not work."""
        if self._about is not None and not self._place.node_has(self.pod.bridge_end):
            with suppress(CniError):  # mostly the Pods before have made the node ready: the look behind says whether it was
                return self._added(self._place.look_about(NOTHING, self._about[1]))
        now = self.look()  # it costs more than all that is asked of the kernel
        return self._made_ready_and_added() if any(needed(self.first_steps, now)) else self._added(now)

    def _added(self, before: Snapshot) -> Snapshot:
        work = self._work(self.steps, before, self._effects[len(self.first_steps) :])
        try:
            self._apply(work)
            return self._judged(self.look(), Code.REFUSED, "the kernel took it all, but it is not so")
        except BaseException as error:
            if not self._before_cable(work, error.__cause__):
                remove_cable([self.network], self.call.container, self.call.ifname)
            with suppress(OSError, CniError):
                self._bring_back(before.spaces[self.pod.name])
            raise

    def _before_cable(self, work: Sequence[tuple[Step, Request]], refusal: BaseException | None) -> bool:
        """Whether the kernel refused the cable itself, or what comes before: if there is one of that name, it is another's."""
        mine = (None, self.pod.bridge_end)
        made = next((number for number, (step, _) in enumerate(work) if any(mine in group for group in step.makes())), -1)
        return isinstance(refusal, Refused) and refusal.position <= made

    def check(self, macs: Collection[str] = ()) -> None:
        """CniError if the node and the Pod are not as `add` left them, or the Pod's interface has none of *macs*, if any is known."""
        message = f"{self.call.container} is not as ADD left it"
        now = self._judged(self.look(), Code.NOT_AS_ADDED, message)
        has = now.spaces[self.pod.name].links[self.call.ifname].mac
        if macs and has not in macs:
            raise CniError(Code.NOT_AS_ADDED, message, f"{self.call.ifname} in {self.pod.name} has the MAC {has}, not {', '.join(macs)}")

    def _made_ready_and_added(self) -> Snapshot:
        """Make what all Pods of the node share, then the Pod; if that fails the bridge stays, without the addresses that it was given."""
        with locked(READY_LOCK):  # held to the end: who fails may take back what others would have built on
            work = self._work(self.first_steps, self.look())
            try:
                self._apply(work)
                return self._added(self.look())
            except BaseException:
                with suppress(OSError, CniError):
                    self._take_back_addresses([step for step, _ in work if isinstance(step, AddAddress)])
                raise

    def _take_back_addresses(self, given: Sequence[AddAddress]) -> None:
        """Take back addresses that the node was *given*, unless another Pod's cable is in that bridge by now."""
        own = self._place.look().own
        gone = [addresses.remove(step.interface, dev=step.dev) for step in reversed(given) if not own.ports_of(step.dev)]
        self._apply([(step, request) for step in gone for request in step.requests()])

    def _work(self, steps: Sequence[Step], before: Snapshot, effects: Sequence[Effect] | None = None) -> list[tuple[Step, Request]]:
        """What is to be asked of the kernel, step by step; CniError if a name is taken. *effects* as `needed` takes them."""
        todo = needed(steps, before, effects)
        for step, taken in conflicts(steps, before, todo):
            raise CniError(Code.TAKEN, step.command, taken)
        return [(step, request) for step, does in zip(steps, todo, strict=True) if does for request in step.requests()]

    def _apply(self, work: Sequence[tuple[Step, Request]]) -> None:
        try:
            self._place.apply([request for _, request in work])
        except Refused as refusal:
            raise CniError(Code.REFUSED, work[refusal.position][0].command, refusal.detail or refusal.strerror) from refusal

    def _judged(self, now: Snapshot, code: Code, message: str) -> Snapshot:
        for _, left in self._effects:
            if left is not None and (problem := left.contradiction(now)) is not None:
                raise CniError(code, message, problem)
        return now

    def _bring_back(self, then: Namespace) -> None:
        """Bring the Pod's namespace back to what it was: its loopback was down, for example."""
        now = self.look()
        steps = restore(now, replace(now, spaces={None: now.own, self.pod.name: then}))
        self._apply([(step, request) for step in steps for request in step.requests()])
