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
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, BinaryIO

from podnet_lab.backends.limits import reached
from podnet_lab.backends.own_process import OwnProcess
from podnet_lab.backends.thread_start import begin
from podnet_lab.errors import BadInput, CannotRun, LabError, LabGone
from podnet_lab.kernel.channel_words import CANCEL, CREDIT
from podnet_lab.model import NO_RULES, Namespace
from podnet_lab.model.nftables import Ruleset

SERVE = "from podnet_lab.kernel import agent_channel; agent_channel.serve(channel)"
SHELL = "from podnet_lab.kernel import shell; shell.serve(channel, *channel.receive())"
WATCH = "from podnet_lab.kernel import watch; watch.serve(channel)"
CONNECT = "from podnet_lab.kernel import socket_relay; socket_relay.serve(channel, channel.receive())"
RECEIVE = "from podnet_lab.kernel import file_receiver; file_receiver.serve(channel, channel.receive())"

PIECE, AHEAD = 1 << 18, 4
"""Bytes of a piece of a file that is brought to a node, and pieces that may be on their way: neither side is to hold all of it."""


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
        self._stopped, self._process = False, OwnProcess()
        self._thread = threading.Thread(target=self._run, name="podnet-writer", daemon=True)
        begin(self._thread)

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

        if self._process.is_forked:  # where there is no such thread
            future.set_exception(LabError(self._process.words))
        elif self._stopped:  # nobody would ever do it, and somebody waits
            future.set_exception(LabGone("the lab is closed"))
        else:
            self._work.put(job)
        return future

    def stop(self) -> None:
        """End the thread after what it has to do, and wait a second for it: Python, ending beside a thread that runs, may crash."""
        self._stopped = True
        self._work.put(None)
        self._thread.join(1.0)


class AgentClient:
    """One agent, seen from the lab's owner."""

    def __init__(self, name: str, gateway, writer: WriterThread) -> None:
        self.name, self._gateway, self._writer = name, gateway, writer
        self._waiting: deque[Future] = deque()
        self.alive = True
        self.known: tuple[int, Ruleset] = (-1, NO_RULES)
        """Which nftables it sent last, by the kernel's number for them: they are sent again only when that has changed."""
        self.seen: tuple[int, Mapping[str | None, Namespace]] = (-1, {})
        """The number of the last answer about its namespaces, and what they were: of those that stay so it says nothing."""
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

    def connect(self, path: str, hear: Callable[[bytes | None], None]) -> tuple[Callable[[bytes], Any], Callable[[], Any]]:
        """
        Connect to the Unix socket *path* of the node; returns what sends to it, and what ends it.

        *hear* gets what comes from there, and None at its end, on another thread; at once, if nobody listens.
        """
        channel = self._writer.submit(lambda: self._begin(CONNECT, path, hear)).result()
        return lambda data: self._writer.submit(lambda: channel.send(data)).result(), lambda: self._writer.submit(channel.close)

    def bring(self, source: BinaryIO, path: str) -> None:
        """Bring a program to the node as the file *path*, which is there when all of it is; LabError, which says why, if it can't be."""
        import hashlib  # here: it loads OpenSSL, and few bring programs to a node

        said: queue.SimpleQueue = queue.SimpleQueue()
        channel = self._writer.submit(lambda: self._begin(RECEIVE, path, said.put)).result()
        digest, ahead = hashlib.sha256(), 0
        try:
            for piece in iter(lambda: source.read(PIECE), b""):
                digest.update(piece)
                self._writer.submit(lambda piece=piece: channel.send(piece)).result()
                ahead += 1
                if ahead == AHEAD:
                    self._heard(said.get())
                    ahead -= 1
            self._writer.submit(lambda: channel.send(b"")).result()
            for _ in range(ahead):
                self._heard(said.get())
            if self._heard(said.get()) != digest.hexdigest():
                raise LabError(f"{self.name}: what arrived as {path} is not what was sent")
        finally:
            self._writer.submit(channel.close)  # without an end that was said, the node forgets it

    def _begin(self, program: str, path: str, hear: Callable[[Any], None]) -> Any:
        channel = self._gateway.remote_exec(program)
        channel.send(path)
        channel.setcallback(hear, endmarker=None)
        return channel

    def _heard(self, answer: int | str | None) -> int | str:
        if answer is None:
            raise LabGone(f"{self.name} is gone: its process ended")
        if isinstance(answer, str) and answer.startswith("error: "):
            raise LabError(f"{self.name}: {answer.removeprefix('error: ')}")
        return answer

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
