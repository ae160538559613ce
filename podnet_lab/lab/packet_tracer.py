"""Following one packet: a capture at every interface of every node and Pod at once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from podnet_lab.backends.agent_client import Refusal
from podnet_lab.checks.reachability import Endpoint, endpoints
from podnet_lab.errors import BadInput
from podnet_lab.kernel.client_words import NO_HTTP
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.endpoint_lookup import endpoint, endpoint_or_address
from podnet_lab.model import Snapshot
from podnet_lab.packets.encapsulations import Opener
from podnet_lab.packets.frames import RST, frame, packet
from podnet_lab.packets.hop import CapturedFrame
from podnet_lab.packets.pieces import with_first_pieces
from podnet_lab.packets.trace import Trace, build, connection, echoes
from podnet_lab.plan import echo_size, port_number
from podnet_lab.typed_arguments import Seconds

WAIT = 1.1
"""Seconds to wait for an answer: a node asks for a MAC once a second, so one question may get lost."""

GONE = "its namespace is gone; somebody has removed it since it was looked up"

SETTLE = 0.03
"""Seconds in which the last frames arrive at the sockets."""


class PacketTracer:
    """What a lab says of one packet. It needs snapshots, to know who is asked, and the agents, which capture and send."""

    def __init__(self, core: LabCore) -> None:
        self._core = core

    def trace(self, source: str, target: str, *, tcp: int | None = None, size: int | None = None, patience: Seconds = WAIT) -> Trace:
        """
        Send one echo from a Pod or node to another, and show every interface at which it, its answer, or an error was seen.

        With *tcp* it is the first packet of a TCP connection to that port; with *size* an echo of so many bytes (IPv4 header
        included), which nobody may cut. It waits for *patience* seconds for an answer. *target* may also be an address that
        nobody has, such as a Service's.
        """
        if tcp is not None and size is not None:
            raise BadInput("a trace is of an echo of some size, or of a TCP connection, not of both")
        size = None if size is None else echo_size(size)
        tcp = None if tcp is None else port_number(tcp)
        everyone = self._core.everyone()
        known = endpoints(everyone)
        begin = endpoint(known, source)
        to = endpoint_or_address(known, target)
        if not to.addresses:
            raise BadInput(f"{target} has no address")
        address = to.addresses[0]
        nonce = os.urandom(8)
        with self._capturing(everyone) as capture:
            if tcp is None:
                answered, problem = self._echo(begin, address, nonce, size or 0, patience)
            else:
                answered, problem = self._connect(begin, address, tcp, patience)
            seen, lost = capture()
        ways = echoes(seen, nonce) if tcp is None else connection(seen, None, tcp)
        if tcp is not None:
            answered, problem = _tcp_outcome(answered, problem, _came_back(ways["back"], begin, address))
        headline = f"{source} → {target}: {_packet(tcp, size)}, {_outcome(answered, problem)}"
        hops = build(everyone, seen, ways, begin.node, one_clock=self._core.backend.shared_clock)
        trace = Trace.of(hops, headline, answered, lost)
        trace.ends, trace.cluster = (source, target), everyone
        return trace

    def _echo(self, begin: Endpoint, address: str, nonce: bytes, size: int, patience: float) -> tuple[bool, str]:
        agent = self._core.agents[begin.node]
        if agent.call("echo_open", nonce=nonce.hex(), spaces=[begin.namespace]):
            return False, GONE
        answer = agent.call("echo", sends=[(begin.namespace, address, 1)], expect=1, wait=patience, size=size)
        agent.call("echo_close")
        return bool(answer["replies"]), "".join(os.strerror(code).lower() for _, code in answer["refused"])

    def _connect(self, begin: Endpoint, address: str, port: int, patience: float) -> tuple[bool, str]:
        question = {"namespace": begin.namespace, "address": address, "port": port, "protocol": "tcp", "times": 1}
        try:
            ((text, problem, _),) = self._core.agents[begin.node].call("ask", **question, wait=patience)
        except Refusal as refusal:
            if refusal.code != errno.ENOENT:
                raise
            return False, GONE
        return bool(text), problem

    @contextmanager
    def _capturing(self, everyone: Mapping[str, Snapshot]) -> Iterator[Callable[[], tuple[list[CapturedFrame], int]]]:
        agents = self._core.agents
        answers = [agents[name].start("capture_open", spaces=list(node.spaces)) for name, node in everyone.items()]
        for answer in answers:
            answer()

        def stop() -> tuple[list[CapturedFrame], int]:
            frames, lost, opener = [], 0, Opener(everyone)
            for name, answer in [(name, agents[name].start("capture_frames", wait=SETTLE)) for name in everyone]:
                heard = answer()
                lost += heard["lost"]
                for space, dev, direction, time, data, length, ethernet in heard["frames"]:
                    raw = bytes.fromhex(data)
                    if (parsed := frame(raw) if ethernet else packet(raw)) is not None:
                        frames.append(CapturedFrame(name, space, dev, direction == "out", time, raw, length, opener.open(parsed)))
            return with_first_pieces(frames), lost

        try:
            yield stop
        finally:
            for answer in [agents[name].start("capture_close") for name in everyone]:
                answer()


def _packet(tcp: int | None, size: int | None) -> str:
    return f"one TCP connection to port {tcp}" if tcp else "one echo" + (f" of {size} bytes" if size else "")


def _outcome(answered: bool, problem: str) -> str:
    if problem == GONE:
        return f"not sent: {GONE}"
    if not problem:
        return "answered" if answered else "not answered"
    return f"answered, {problem}" if answered else f"not answered; its own kernel says {problem}"


def _tcp_outcome(answered: bool, problem: str, back: list[CapturedFrame]) -> tuple[bool, str]:
    """Somebody who says no, or speaks no HTTP, has answered, too; *back* is what came back to who asked."""
    if not problem or problem.startswith(NO_HTTP):
        return True, problem
    if not back:
        return answered, problem
    refused = any(seen.frame.flags & RST for seen in back)
    return True, "with a refusal" if refused else f"but its own kernel did not take the answer ({problem})"


def _came_back(back: list[CapturedFrame], begin: Endpoint, address: str) -> list[CapturedFrame]:
    """The answers that who asked got from the address that it asked."""
    here = (seen for seen in back if (seen.node, seen.namespace, seen.out) == (begin.node, begin.namespace, False))
    return [seen for seen in here if str(seen.frame.source) == address]
