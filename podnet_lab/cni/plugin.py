"""
The plugin: ADD, DEL, CHECK, STATUS, GC and VERSION, for any Pod network that podnet_lab knows.

DEL and GC need nothing that ADD kept but the files of the addresses: a cable's name follows from whose it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface
from typing import Any

from podnet_lab.cni import delegate
from podnet_lab.cni.answer import Interface, Wired, addresses_of, macs_of, result
from podnet_lab.cni.answer_shape import result_problem
from podnet_lab.cni.call import VERSIONS, Call, CniError, Code, read_call
from podnet_lab.cni.ipam import Leases, data_dir, wanted_address
from podnet_lab.cni.place import Place
from podnet_lab.cni.wiring import Wiring, network_of, node_of, possible_networks, remove_cable
from podnet_lab.errors import PodnetError
from podnet_lab.kernel.file_lock import locked_for
from podnet_lab.model import Snapshot

OWN_IPAM = (None, "podnet", "podnet-cni")
"""Values of ipam.type with which the plugin gives out addresses itself."""

UNSUPPORTED = ("ipMasq", "isGateway", "isDefaultGateway", "hairpinMode", "promiscMode", "vlan", "mtu")
"""What the plugin ``bridge`` is told, and what here is the network's own: to pass it over would be to do something else."""

CALLS = "/run/podnet-cni.calls"
"""
By whose locks what is asked of one container is done one after the other, in whichever process or thread of the node.

A runtime whose patience ends kills the program, and says DEL; the daemon behind it may still be wiring.
"""

Environment = Mapping[str, str]
Complain = Callable[[str], object]
"""Where what a delegated plugin prints on standard error goes."""


class _Ipam:
    """Who gives out addresses for a call: this plugin, or the one that ipam.type names."""

    def __init__(self, call: Call, environment: Environment, complain: Complain) -> None:
        ipam = call.config.get("ipam") or {}
        self._call, self._environment, self._complain = call, environment, complain
        self._kind = ipam.get("type") if isinstance(ipam, dict) else None
        self.delegated, deletes = self._kind not in OWN_IPAM, call.command == "DEL"
        if self.delegated and not delegate.is_name(self._kind):
            if not deletes:
                raise CniError(Code.CONFIG, "ipam.type is no plugin's name", repr(self._kind))
            self.delegated = False  # nobody can have been asked for an address
        self.leases = None if self.delegated else Leases.to_give_back(call) if deletes else Leases.of(call)

    def require_a_node(self) -> None:
        """CniError if the network is none of ours, or can't have the addresses that are given out: before one is."""
        network = network_of(self._call)
        if self.leases is not None:
            node_of(self._call, network, self.leases.pool.subnet)

    def _delegate(self, command: str) -> dict[str, Any]:
        return delegate.run(self._kind, command, self._environment, self._call, self._complain)

    def add(self) -> tuple[IPv4Interface, str | None, dict[str, Any]]:
        """The container's address, the gateway if one is named, and names."""
        call = self._call
        if self.leases is not None:
            address = self.leases.take(call.container, call.ifname, wanted_address(call))
            return address, str(self.leases.pool.gateway), call.config.get("dns") or {}
        try:
            given = self._delegate("ADD")
            if problem := result_problem(given):
                raise CniError(Code.DECODE, f"what {self._kind} answers can't be read", problem)
            ip = next(ip for ip in given.get("ips") or [] if ":" not in ip["address"])
            return IPv4Interface(ip["address"]), ip.get("gateway"), dict(given.get("dns") or call.config.get("dns") or {})
        except (CniError, StopIteration, KeyError, TypeError, ValueError) as error:
            self._delegate_quietly("DEL")
            if isinstance(error, CniError):
                raise
            raise CniError(Code.DECODE, f"{self._kind} gives no IPv4 address", repr(error)) from error

    def _delegate_quietly(self, command: str) -> None:
        try:
            self._delegate(command)
        except CniError:  # what it said first is what is told
            return

    def give_back(self) -> None:
        """Free what the container has."""
        if self.leases is None:
            self._delegate("DEL")
        else:
            self.leases.give_back(self._call.container, self._call.ifname)

    def check(self, addresses: list[str]) -> None:
        """CniError if the container's addresses are not its own any more."""
        if self.leases is None:
            self._delegate("CHECK")
            return
        container, ifname = self._call.container, self._call.ifname
        mine = {ip for ip, *holder in self.leases.held() if holder == [container, ifname]}
        for address in addresses:
            if (ip := address.partition("/")[0]) not in mine:
                raise CniError(Code.NOT_AS_ADDED, f"{ip} is not given out to {container}", f"it has {', '.join(mine) or 'none'}")

    def status(self) -> None:
        """CniError if no address is left."""
        if self.leases is None:
            self._delegate("STATUS")
        elif self.leases.full():
            raise CniError(Code.UNAVAILABLE, f"no address is left in {self.leases.pool.subnet}", f"all {self.leases.total} are given out")

    def collect(self, valid: set[tuple[str, str]]) -> None:
        """Free the addresses, and delete the cables, of all whose attachment is not *valid*."""
        kept = self.leases or Leases(self._call.network_name, data_dir(self._call.config))
        networks = possible_networks(self._call)
        for ip, container, ifname in kept.held():
            if (container, ifname) not in valid:
                remove_cable(networks, container, ifname)
                if self.leases is not None:
                    self.leases.free(ip)
        if self.leases is None:
            self._delegate("GC")


def add(call: Call, environment: Environment, complain: Complain) -> dict[str, Any]:
    """Wire the container; what was made."""
    with Place(call) as place, locked_for(CALLS, call.container):
        if place.has_interface():
            raise CniError(Code.TAKEN, f"the container has an interface {call.ifname} already", call.netns)
        ipam = _Ipam(call, environment, complain)
        ipam.require_a_node()
        address, gateway, dns = ipam.add()
        try:
            wiring = Wiring(place, address, gateway)
            return result(_wired(wiring, wiring.add(), dns), call.version, call.config.get("prevResult"))
        except BaseException:
            ipam.give_back()
            raise


def _wired(wiring: Wiring, now: Snapshot, dns: Mapping[str, Any]) -> Wired:
    call, pod = wiring.call, now.spaces[wiring.pod.name]
    port, inside = now.own.links[wiring.pod.bridge_end], pod.links[call.ifname]
    bridge = now.own.links.get(port.master)
    links = [Interface(link.name, link.mac, link.mtu) for link in (bridge, port) if link is not None]
    routes = [(str(route.to), str(route.via)) for route in pod.routes if route.dev == call.ifname and route.via is not None]
    return Wired([*links, Interface(inside.name, inside.mac, inside.mtu, call.netns)], str(wiring.pod.address), wiring.gateway, routes, dns)


def delete(call: Call, environment: Environment, complain: Complain) -> None:
    """Take the container's cable away and give its address back; whatever of it is gone already is no error."""
    with locked_for(CALLS, call.container):
        remove_cable(possible_networks(call), call.container, call.ifname)
        _Ipam(call, environment, complain).give_back()


def check(call: Call, environment: Environment, complain: Complain) -> None:
    """CniError if the container is not wired as ADD said: its cable, its addresses, its routes, and whose the addresses are."""
    if not (previous := call.config.get("prevResult")):
        raise CniError(Code.CONFIG, "CHECK needs prevResult", "what ADD answered")
    with Place(call) as place:
        _check(place, call, previous, _Ipam(call, environment, complain))


def _check(place: Place, call: Call, previous: Mapping[str, Any], ipam: _Ipam) -> None:
    try:
        addresses = addresses_of(previous, call.ifname, call.netns)
        given = [IPv4Interface(address) for address in addresses]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CniError(Code.CONFIG, "prevResult is no result of ADD", repr(error)) from None
    if not given:
        raise CniError(Code.CONFIG, f"prevResult has no address for {call.ifname}", json.dumps(previous)[:200])
    ipam.check(addresses)
    for address in given:
        Wiring(place, address).check(macs_of(previous, call.ifname, call.netns))


def status(call: Call, environment: Environment, complain: Complain) -> None:
    """CniError if no further container could be wired now."""
    ipam = _Ipam(call, environment, complain)
    ipam.require_a_node()
    ipam.status()


def collect_garbage(call: Call, environment: Environment, complain: Complain) -> None:
    """Take away the cables and addresses of all containers that are not among the valid attachments."""
    listed = call.config.get("cni.dev/valid-attachments", call.config.get("cni.dev/attachments"))
    try:
        valid = {(one["containerID"], one["ifname"]) for one in listed}
    except (TypeError, KeyError):
        raise CniError(Code.CONFIG, "cni.dev/valid-attachments is no list of attachments", repr(listed)) from None
    _Ipam(call, environment, complain).collect(valid)


VERBS: dict[str, Callable[[Call, Environment, Complain], dict[str, Any] | None]] = {
    "ADD": add,
    "DEL": delete,
    "CHECK": check,
    "STATUS": status,
    "GC": collect_garbage,
    "VERSION": lambda call, *_: {"cniVersion": call.version, "supportedVersions": list(VERSIONS)},
}
"""What each verb does."""


def answer(environment: Environment, stdin: str, complain: Complain = sys.stderr.write, found_at: str = "") -> tuple[int, str]:
    """
    What a call is answered: the exit status, and what is printed; *complain* gets what goes to standard error.

    *found_at* is where this process finds the container's namespace, if that is not where whoever calls does.
    """
    version = VERSIONS[-1]
    try:
        call = read_call(environment, stdin, found_at)
        version = call.version
        _refuse_unsupported(call)
        answered = VERBS[call.command](call, environment, complain)
        return 0, "" if answered is None else json.dumps(answered)
    except CniError as error:
        failure = error
    except PodnetError as error:
        failure = CniError(Code.CONFIG, "the network can't be wired so", str(error))
    except OSError as error:
        failure = CniError(Code.IO, error.strerror or str(error), str(error))
    except Exception as bug:  # noqa: BLE001 - whatever it is, the runtime is answered as the specification says
        failure = CniError(Code.BUG, "podnet-cni has a bug", f"{type(bug).__name__}: {bug}")
    return 1, json.dumps(failure.answer(version))


def _refuse_unsupported(call: Call) -> None:
    for field in UNSUPPORTED if call.command in ("ADD", "STATUS") else ():
        if call.config.get(field):
            value = json.dumps(call.config[field])
            raise CniError(Code.FIELD, f"unsupported field {field}: {value}", "that is what the network itself decides")
