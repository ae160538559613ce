"""The lab's half that follows one packet: a capture at every interface of every node and Pod at once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from podnet_lab.checks.reachability import Endpoint, endpoints
from podnet_lab.errors import BadInput
from podnet_lab.packets import trace as way
from podnet_lab.packets.frames import frame
from podnet_lab.packets.trace import CapturedFrame, Trace
from podnet_lab.plan import echo_size

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

WAIT = 1.1
"""Seconds to wait for an answer: a node asks for a MAC once a second, so one question may get lost."""

SETTLE = 0.03
"""Seconds in which the last frames arrive at the sockets."""


class Tracing:
    """What a `Lab` can say of one packet."""

    def trace(self: Lab, source: str, target: str, *, tcp: int | None = None, size: int | None = None, patience: float = WAIT) -> Trace:
        """
        Send one echo from a Pod or node to another, and show every interface at which it, its answer, or an error was seen.

        With *tcp* it is the first packet of a TCP connection to that port; with *size* an echo of so many bytes (IPv4 header
        included), which nobody may cut. It waits for *patience* seconds for an answer. *target* may also be an address that
        nobody has, such as a Service's.
        """
        if tcp is not None and size is not None:
            raise BadInput("a trace is of an echo of some size, or of a TCP connection, not of both")
        size = None if size is None else echo_size(size)
        everyone = self._everyone()
        known = endpoints(everyone)
        begin = self._endpoint(known, source)
        to = self._target(known, target)
        if not to.addresses:
            raise BadInput(f"{target} has no address")
        address = to.addresses[0]
        nonce = secrets.token_bytes(8)
        with self._capturing(everyone) as capture:
            if tcp is None:
                answered, problem = self._echo(begin, address, nonce, size or 0, patience)
            else:
                answered, problem = self._connect(begin, address, tcp, patience)
            seen, lost = capture()
        ways = way.echoes(seen, nonce) if tcp is None else way.connection(seen, None, tcp)
        if tcp is not None and _came_back(ways["back"], begin, address):  # somebody who says no has answered, too
            answered, problem = True, problem and "with a refusal"
        what = f"one TCP connection to port {tcp}" if tcp else "one echo" + (f" of {size} bytes" if size else "")
        said = "answered" if answered else "not answered"
        headline = (
            f"{source} → {target}: {what}, {said}{', ' if answered and problem else '; its own kernel says ' if problem else ''}{problem}"
        )
        hops = way.build(everyone, seen, ways, begin.node, one_clock=self._home.where == "namespaces")
        found = Trace.of(hops, headline, answered, lost)
        found.ends, found.cluster = (source, target), everyone
        return found

    def _echo(self: Lab, begin: Endpoint, address: str, nonce: bytes, size: int, patience: float) -> tuple[bool, str]:
        agent = self._home.agents[begin.node]
        agent.call("echo_open", nonce=nonce.hex(), spaces=[begin.namespace])
        answer = agent.call("echo", sends=[(begin.namespace, address, 1)], expect=1, wait=patience, size=size)
        agent.call("echo_close")
        return bool(answer["replies"]), "".join(os.strerror(code).lower() for _, code in answer["refused"])

    def _connect(self: Lab, begin: Endpoint, address: str, port: int, patience: float) -> tuple[bool, str]:
        question = {"namespace": begin.namespace, "address": address, "port": port, "protocol": "tcp", "times": 1}
        ((text, problem, _),) = self._home.agents[begin.node].call("ask", **question, wait=patience)
        return bool(text), problem

    @contextmanager
    def _capturing(self: Lab, everyone) -> Iterator:
        agents = self._home.agents
        answers = [agents[name].start("capture_open", spaces=list(node.spaces)) for name, node in everyone.items()]
        for answer in answers:
            answer()

        def stop() -> tuple[list[CapturedFrame], int]:
            found, lost = [], 0
            for name, answer in [(name, agents[name].start("capture_frames", wait=SETTLE)) for name in everyone]:
                heard = answer()
                lost += heard["lost"]
                for space, dev, direction, time, data, length in heard["frames"]:
                    raw = bytes.fromhex(data)
                    if (taken := frame(raw)) is not None:
                        found.append(CapturedFrame(name, space, dev, direction == "out", time, raw, length, taken))
            return found, lost

        try:
            yield stop
        finally:
            for answer in [agents[name].start("capture_close") for name in everyone]:
                answer()


def _came_back(back: list[CapturedFrame], begin: Endpoint, address: str) -> bool:
    """Whether who asked got an answer from the address that it asked."""
    here = (one for one in back if (one.node, one.namespace, one.out) == (begin.node, begin.namespace, False))
    return any(str(one.frame.source) == address for one in here)
