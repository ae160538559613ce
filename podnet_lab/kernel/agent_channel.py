"""
How an agent is spoken to: calls come in, and answers go out.

It answers calls, one at a time and in order, from a thread of its own: that one alone enters other namespaces.
The first thread stays in the node's, so that shells start there, and that others who join this process arrive there.
A call is JSON ``{"do": NAME, "with": {…}}``; its answer ``{"is": …}`` or ``{"error": NAME, …}``.
"""

from __future__ import annotations

import json
import os
import queue
import threading

from podnet_lab.kernel import namespaces, processes
from podnet_lab.kernel.agent import Agent
from podnet_lab.kernel.channel_words import CANCEL
from podnet_lab.kernel.netlink import Refused
from podnet_lab.kernel.programs import Missing

GRACE = 1.0
"""Seconds in which a call may end whose asker is gone; it may wait for an answer that never comes."""

BIG = 1 << 17
"""Bytes of a call and its answer after which memory is given back: an agent lives long, and mostly does little."""


def answer(agent: Agent, call: bytes) -> bytes:
    """Do what one call asks for; a refusal of the kernel is an answer, too."""
    asked = json.loads(call)
    try:
        return json.dumps({"is": getattr(agent, asked["do"])(**asked.get("with", {}))}).encode()
    except Refused as refusal:
        error = {"error": "refused", "code": refusal.errno, "position": refusal.position, "detail": refusal.detail}
    except Missing as missing:
        error = {"error": "missing", "detail": str(missing)}
    except OSError as failure:
        error = {"error": "refused", "code": failure.errno or 0, "position": 0, "detail": _detail(failure)}
    except Exception as bug:  # noqa: BLE001 - whatever it is, it must not end the node
        error = {"error": "bug", "detail": f"{type(bug).__name__}: {bug}"}
    return json.dumps(error).encode()


def _detail(failure: OSError) -> str:
    """What an error says beyond its number."""
    if not failure.errno:
        return str(failure) or type(failure).__name__
    named = f" {failure.filename}" if failure.filename is not None else ""
    return f"{failure.strerror}{named}".removeprefix(os.strerror(failure.errno)).strip()


def serve(channel) -> None:
    """Answer calls until the channel closes, and what was asked before that, for a moment; *channel* is execnet's."""
    processes.take_name()
    agent, calls, over = Agent(), queue.SimpleQueue(), threading.Event()

    def work() -> None:
        try:
            while (call := calls.get()) is not None:
                agent.cancelled.clear()
                said = answer(agent, call)
                channel.send(said)
                if len(call) + len(said) > BIG:
                    del call, said
                    namespaces.give_back_memory()
        finally:
            over.set()

    def hear(call: bytes | None) -> None:
        if call is None:
            over.set()
        if call in (CANCEL, None):
            agent.cancelled.set()
        if call != CANCEL:
            calls.put(call)

    worker = threading.Thread(target=work, name="kernel", daemon=True)
    worker.start()
    channel.setcallback(hear, endmarker=None)
    over.wait()
    worker.join(GRACE)
