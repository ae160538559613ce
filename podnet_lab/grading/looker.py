"""
Looks at a student's lab, from a process of its own: whatever a lab does to whoever looks at it, that process ends, and the look is over.

It is a fork, so that it knows the teacher's exercises without reading them again; it may have so much memory, and has so
much time.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable

from podnet_lab.errors import PodnetError
from podnet_lab.grading.sandbox import LOOKS, kill

MEMORY = 2 << 30
"""Bytes of memory for whoever looks."""

MOST = 4 << 20
"""Bytes of what one look may say."""


class LookFailed(Exception):
    """A look that said nothing; the message says why, in words about the lab. *over*: there is no use in another one."""

    def __init__(self, words: str, over: bool) -> None:
        super().__init__(words)
        self.over = over


class Looker:
    """
    A process that does *look* whenever it is asked, and says what that returns: plain data.

    It is started when it is first asked, and again after one that failed.
    """

    def __init__(self, look: Callable[[], object]) -> None:
        self._look, self._pid = look, 0
        self._ask = self._hear = -1

    def ask(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> object:
        """
        What one look says; LookFailed if it has not said that after so many seconds, or can't.

        *meanwhile* is called again and again until then; what it raises ends the look.
        """
        if not self._pid:
            self._start()
        try:
            os.write(self._ask, b"%d\n" % (seconds + 1))
            answer = json.loads(self._line(time.monotonic() + seconds, meanwhile))
        except (OSError, ValueError, EOFError) as error:
            self._kill()
            words = str(error) if isinstance(error, TimeoutError) else "whoever looked at it was ended by that"
            raise LookFailed(words, over=True) from error
        if "failed" in answer:
            raise LookFailed(answer["failed"], over=False)
        return answer["is"]

    def _line(self, deadline: float, meanwhile: Callable[[], None]) -> bytes:
        said = b""
        while not said.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or len(said) > MOST:
                raise TimeoutError("it did not answer in time" if left <= 0 else "it says too much")
            meanwhile()
            if select.select([self._hear], [], [], min(left, LOOKS))[0]:
                if not (more := os.read(self._hear, 1 << 16)):
                    raise EOFError
                said += more
        return said

    def _start(self) -> None:
        asked, self._ask = os.pipe()
        self._hear, said = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the only thread here is this one, or a test's
            self._pid = os.fork()
        if self._pid == 0:
            _close_all_but(asked, said)
            _be_looker(self._look, asked, said)
        for descriptor in (asked, said):
            os.close(descriptor)

    def close(self) -> None:
        """End it, and what it has started: its agents end with it."""
        if self._pid:
            self._kill()

    def _kill(self) -> None:
        kill(self._pid)
        self._pid = 0
        for descriptor in (self._ask, self._hear):
            os.close(descriptor)


def _close_all_but(*kept: int) -> None:
    """Close what this process has open and does not need: others wait for its end."""
    first = 3
    for descriptor in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
        os.closerange(first, descriptor)
        first = descriptor + 1


def _be_looker(look: Callable[[], object], asked: int, said: int) -> None:
    """Look whenever something is *asked*, and say on *said* what that gave; does not return."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks is interrupted, and ends it
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        while seconds := os.read(asked, 100):
            signal.alarm(int(seconds.split()[-1]))  # it ends itself, if nobody is there any more to do it
            try:
                answer = {"is": look()}
            except PodnetError as error:
                answer = {"failed": str(error)[:500]}
            except Exception as error:  # noqa: BLE001 - whatever a lab has done to it is what is to be told
                answer = {"failed": f"{type(error).__name__}: {error}"[:500]}
            content = json.dumps(answer).encode() + b"\n"
            while content:
                content = content[os.write(said, content) :]
    finally:
        os._exit(0)
