"""
Queueing disciplines of interfaces, and the filters that hang on them.

One without a number (handle 0) is what the kernel puts there by itself, again whenever another is deleted.
Numbers: linux/pkt_sched.h, linux/rtnetlink.h.
"""

from __future__ import annotations

import struct
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Refused
from podnet_lab.kernel.unmanaged.base import Kind, Look

RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC = 36, 37, 38
RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER = 44, 45, 46
TCA_KIND, TCA_OPTIONS, TCA_CHAIN = 1, 2, 11
ROOT, INGRESS = 0xFFFFFFFF, 0xFFFFFFF1
_TCMSG = struct.Struct("=BxxxiIII")


class Queues(Kind):
    """[kind, handle, parent, options] of the queueing disciplines of each interface."""

    name = "queueing disciplines of"

    def read(self, look: Look) -> dict[str, Any]:
        found: dict[str, list] = {}
        for body in look.dump(RTM_GETQDISC, [_TCMSG.pack(0, 0, 0, 0, 0)]):
            _, index, handle, parent, _ = _TCMSG.unpack_from(body)
            has, name = attributes(body, 20), look.names.get(index, "?")
            if name not in look.hidden:
                options = has.get(TCA_OPTIONS, b"").hex() if handle else ""
                found.setdefault(name, []).append([has[TCA_KIND].rstrip(b"\0").decode(), handle, parent, options])
        return found

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        for name in now.keys() & then.keys():
            was, has = _named(then[name]), _named(now[name])
            for kind, handle, parent, _ in (queue for key, queue in has.items() if _differ(queue, was.get(key)) and queue[1]):
                if look.tell(RTM_DELQDISC, 0, _TCMSG.pack(0, look.index(name), handle, parent, 0)):  # else it went with the one above it
                    words.append(f"tc qdisc del dev {name} {_place(parent)} ({kind})")
            for kind, handle, parent, options in (queue for key, queue in was.items() if _differ(has.get(key), queue) and queue[1]):
                body = _TCMSG.pack(0, look.index(name), handle, parent, 0) + attribute(TCA_KIND, kind.encode() + b"\0")
                body += attribute(TCA_OPTIONS, bytes.fromhex(options)) if options else b""
                if look.tell(RTM_NEWQDISC, NLM_F_CREATE_NEW, body):
                    words.append(f"tc qdisc add dev {name} {_place(parent)} {kind}")
        return words

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        both = {name: (_named(now[name]), _named(then[name])) for name in now.keys() & then.keys()}
        other = [name for name, (has, was) in both.items() if any(_differ(has.get(key), was.get(key)) for key in has.keys() | was.keys())]
        return [f"the queueing disciplines of {name} are not as they were" for name in sorted(other)]

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        made = [name for name in now.keys() - then.keys() if any(handle for _, handle, *_ in now[name])]
        return [*self.left(now, then), *(f"{name} has queueing disciplines of its own" for name in sorted(made))]


def _named(queues: list) -> dict[tuple, list]:
    return {(kind, handle, parent): [kind, handle, parent, *(options or [""])] for kind, handle, parent, *options in queues}


def _differ(now: list | None, then: list | None) -> bool:
    """Whether two are not the same; of one without options, as an older version stored it, they are not known."""
    return now != then and (now is None or then is None or bool(then[3]))


def _place(parent: int) -> str:
    known = {ROOT: "root", INGRESS: "ingress"}
    return known.get(parent, f"parent {parent >> 16:x}:{parent & 0xFFFF:x}")


class Filters(Kind):
    """Filters of disciplines that have a number: the kernel's own messages, by interface and parent."""

    name = "filters of"

    def read(self, look: Look) -> dict[str, Any]:
        found: dict[str, list[str]] = {}
        for name, queues in Queues().read(look).items():
            for _, handle, parent, _ in queues:
                for place in self._places(handle, parent) if handle else ():
                    if filters := self._of(look, name, place):
                        found[f"{name} {place:08x}"] = filters
        return found

    def _places(self, handle: int, parent: int) -> tuple[int, ...]:
        return (0xFFFFFFF2, 0xFFFFFFF3) if parent == INGRESS else (handle,)

    def _of(self, look: Look, name: str, place: int) -> list[str]:
        try:
            bodies = look.sock.dump(RTM_GETTFILTER, _TCMSG.pack(0, look.index(name), 0, place, 0))
        except Refused:
            return []
        return [body[:4].hex() + body[8:20].hex() + attribute(TCA_KIND, attributes(body, 20).get(TCA_KIND, b"")).hex() for body in bodies]

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        for key in (key for key in now if now[key] != then.get(key)):
            name, place = key.split()
            if look.tell(RTM_DELTFILTER, 0, _TCMSG.pack(0, look.index(name), 0, int(place, 16), 0)):
                words.append(f"tc filter del dev {name} parent {place[:4]}:{place[4:]}")
        return words
