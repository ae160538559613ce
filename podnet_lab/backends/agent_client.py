"""
Calls to agents, over execnet.

Everything that writes to an agent does so from one thread of its own: an interrupt of the notebook hits only
the main thread, which waits, and can never cut a message in two.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from podnet_lab.backends.limits import reached
from podnet_lab.errors import BadInput, CannotRun, LabError, LabGone
from podnet_lab.kernel.agent_channel import CANCEL
from podnet_lab.kernel.shell import CREDIT
from podnet_lab.model import NO_RULES
from podnet_lab.model.nftables import Ruleset

SERVE = "from podnet_lab.kernel import agent_channel; agent_channel.serve(channel)"
SHELL = "from podnet_lab.kernel import shell; shell.serve(channel, *channel.receive())"
WATCH = "from podnet_lab.kernel import watch; watch.serve(channel)"


class Refusal(LabError):
    """The kernel refused one request of a call: *position* counts from 0, *code* is its errno; 0: it was not the kernel, see *detail*."""

    def __init__(self, code: int, position: int, detail: str) -> None:
        words = f"the kernel refused: {os.strerror(code)}{f' ({detail})' if detail else ''}"
        super().__init__(words if code else detail or "it did not work, and nobody says why")
        self.code, self.position, self.detail = code, position, detail


class WriterThread:
    """One daemon thread that does, in order, whatever writes to the lab's agents."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        self._stopped = False
        threading.Thread(target=self._run, name="podnet-writer", daemon=True).start()

    def _run(self) -> None:
        while (job := self._work.get()) is not None:
            job()

    def submit(self, function: Callable[[], Any]) -> Future:
        """Do *function* on the writer's thread; its result or error arrives in the Future."""
        future: Future = Future()

        def job() -> None:
            try:
                future.set_result(function())
            except (OSError, EOFError, RuntimeError, ValueError) as error:  # execnet's, when a gateway is gone
                future.set_exception(LabGone(f"the lab does not answer: {error}"))
            except BaseException as error:  # noqa: BLE001 - about this one message: who sent it is told, and the thread goes on
                future.set_exception(error)

        if self._stopped:  # nobody would ever do it, and somebody waits
            future.set_exception(LabGone("the lab is closed"))
        else:
            self._work.put(job)
        return future

    def stop(self) -> None:
        """End the thread after what it has to do."""
        self._stopped = True
        self._work.put(None)


class AgentClient:
    """One agent, seen from the lab's owner."""

    def __init__(self, name: str, gateway, writer: WriterThread) -> None:
        self.name, self._gateway, self._writer = name, gateway, writer
        self._waiting: deque[Future] = deque()
        self.alive = True
        self.known: tuple[int, Ruleset] = (-1, NO_RULES)
        """Which nftables it sent last, by the kernel's number for them: they are sent again only when that has changed."""
        self._channel = gateway.remote_exec(SERVE)
        self._channel.setcallback(self._hear, endmarker=None)

    def _hear(self, answer: bytes | None) -> None:
        if answer is not None:
            self._waiting.popleft().set_result(answer)
            return
        self.alive = False
        while self._waiting:
            self._waiting.popleft().set_exception(LabGone(f"{self.name} is gone: its process ended"))

    def start(self, do: str, **arguments: Any) -> Callable[[], Any]:
        """Ask, and return a function that waits for the answer: so several nodes work at the same time."""
        future: Future = Future()
        call = json.dumps({"do": do, "with": arguments}).encode()

        def send() -> None:
            if not self.alive:
                raise EOFError(f"{self.name} is gone")
            self._waiting.append(future)
            self._channel.send(call)

        sent = self._writer.submit(send)

        def answer() -> Any:
            try:
                sent.result()
                return _unpack(self.name, future.result())
            except KeyboardInterrupt:
                self._writer.submit(lambda: self._channel.send(CANCEL))
                raise

        return answer

    def call(self, do: str, **arguments: Any) -> Any:
        """Ask, and wait for the answer; Refusal if the kernel refused, LabGone if the agent is gone."""
        return self.start(do, **arguments)()

    def shell(self, script: str, output: Callable[[int, bytes], None], together: bool = False, keep: bool = False) -> int:
        """
        Run *script* in a fresh bash; *output* gets (1 or 2, bytes) as they come; returns the exit status.

        Of what is long the end is in a file, as is what a job in the background prints later: a line on 2 says where. With *keep*
        it has the directory, the variables and the functions with which the last such script on the node ended.

        *together* has both as 1, in the order in which they were printed: two streams have no order between them. BadInput if
        bash can't be given *script*; LabError, which says why, if no bash can be started.
        """
        content = _script(script)
        events: queue.SimpleQueue = queue.SimpleQueue()

        def begin():
            channel = self._gateway.remote_exec(SHELL)
            channel.send((content, together, keep))
            channel.setcallback(events.put, endmarker=None)
            return channel

        begun = self._writer.submit(begin)
        try:
            return self._follow(begun.result(), events, output)
        except LabError:
            raise
        except BaseException:  # whatever ends the waiting, an interrupt or an output that can't be written, ends the cell
            self._writer.submit(lambda: begun.result().send("interrupt"))
            while (event := events.get()) is not None and event[0] not in ("status", "refused"):
                pass
            raise

    def watch(self, hear: Callable[[object], None]) -> Callable[[], None]:
        """
        Have *hear* called with "changed" when the node's network changes, and with None when the agent ends; on another thread.

        Returns what is to be called before looking: until then nothing more is heard, however much happens.
        """

        def begin():
            channel = self._gateway.remote_exec(WATCH)
            channel.setcallback(hear, endmarker=None)
            return channel

        channel = self._writer.submit(begin).result()
        return lambda: self._writer.submit(lambda: channel.send("looking"))

    def _follow(self, channel, events: queue.SimpleQueue, output: Callable[[int, bytes], None]) -> int:
        taken = 0
        while (event := events.get()) is not None:
            kind, data = event
            if kind == "status":
                return data
            if kind == "refused":
                raise LabError("; ".join(filter(None, (f"{self.name}: {data}", reached(data)))))
            output(kind, data)
            taken += 1
            if taken == CREDIT // 2:  # it may send as much again
                self._writer.submit(lambda: channel.send(CREDIT // 2))
                taken = 0
        raise LabGone(f"{self.name} is gone: its process ended")


def _script(script: str) -> bytes:
    """What bash gets to read; BadInput if it has what bash can't read."""
    if "\0" in script:
        raise BadInput("bash can't read a script that has a zero byte (\\0) in it")
    try:
        return os.fsencode(script)  # a byte that is no UTF-8 is "\udcXX" in Python's text
    except UnicodeEncodeError as error:
        raise BadInput(f"a script for a shell has a letter that can't be written: {script[error.start]!a}") from None


def _unpack(name: str, answer: bytes) -> Any:
    result = json.loads(answer)
    if "is" in result:
        return result["is"]
    if result["error"] == "refused":
        raise Refusal(result["code"], result["position"], result["detail"])
    if result["error"] == "missing":
        raise CannotRun(f"{name} lacks a program: {result['detail']}")
    raise LabError(f"{name} could not do that: {result['detail']}")
