"""
Where a lab's nodes come from: one Python that has loaded all that an agent needs, and forks for each of them.

A process that starts Python for itself takes a twentieth of a second, and megabytes of its own; a forked one shares them. The
nursery runs beside the lab's agent, in its namespaces, has one thread and does nothing else, so that forking it is safe.

`serve_node` is the other side: in the lab's agent, which passes on what a node and its owner say to each other.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading

from execnet import gateway_base

from podnet_lab.errors import LabError
from podnet_lab.kernel import agent_channel, namespaces, processes, shell
from podnet_lab.kernel.descriptor_passing import Giver, Taker

NURSERY = "podnet-nursery"
"""Its name (/proc/PID/comm): it is no agent."""

READY = b"1"
"""What a node says first; so execnet's own do."""

KILL, ADDRESS, CLOSE_WRITE = 2, 3, 4
"""What the owner's end of a proxied pipe may ask (execnet.gateway_io)."""

LOADED = (agent_channel, shell)
"""What a node is asked for first."""

_lock = threading.Lock()
_nurseries: dict[str, Giver] = {}
"""Who is asked for nodes, by the Python that they run in."""


def serve_node(channel) -> None:
    """Have a node forked, and pass on what it and *channel*, execnet's, say; the channel brings the Python to use, and one for control."""
    python, control = channel.receive(), channel.receive()
    hears, ours = os.pipe()
    mine, says = os.pipe()
    try:
        _ask_for_node(python, hears, says)
    finally:
        for descriptor in (hears, says):
            os.close(descriptor)
    node = gateway_base.Popen2IO(os.fdopen(ours, "wb"), os.fdopen(mine, "rb"), channel.gateway.execmodel)
    channel.setcallback(node.write)
    control.setcallback(lambda asked: control.send(_answered(node, asked)))
    passed_on = channel.makefile("w")
    passed_on.write(node.read(1))
    with contextlib.suppress(EOFError):
        while True:
            gateway_base.Message.from_io(node).to_io(passed_on)


def _answered(node: gateway_base.Popen2IO, asked: int) -> str | None:
    """What the owner is told of a node's process: it ends when the lab does, or its pipe."""
    if asked in (KILL, CLOSE_WRITE):
        with contextlib.suppress(OSError):
            node.close_write()
    return "a node" if asked == ADDRESS else None


def _ask_for_node(python: str, hears: int, says: int) -> None:
    with _lock:
        if python not in _nurseries:
            _start(python)
        try:
            _nurseries[python].give(hears, says)
        except OSError as error:
            raise LabError(f"{python} makes no nodes: it has ended") from error


def _start(python: str) -> None:
    giver = Giver()
    command = [python, "-P", "-m", __name__, str(giver.theirs)]
    subprocess.Popen(command, pass_fds=[giver.theirs], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    giver.keep_mine()
    _nurseries[python] = giver


def fork(python: str) -> None:
    """Have this process's child be the nursery of nodes that run in *python*, which this process runs in; it has one thread, still."""
    giver = Giver()
    if os.fork() == 0:
        try:
            with open(os.devnull, "r+b", buffering=0) as nothing:
                for descriptor in (0, 1):  # our own owner's, who is to see when the lab has ended
                    os.dup2(nothing.fileno(), descriptor)
            work(giver.taker())
        finally:
            os._exit(0)
    giver.keep_mine()
    _nurseries[python] = giver


def unshare() -> None:
    """Give this process what a node has of its own."""
    namespaces.unshare_node()


def _be_node(hears: int, says: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(hears, 0)
    os.dup2(says, 1)
    unshare()
    os.write(1, READY)
    model = gateway_base.get_execmodel("thread")
    gateway_base.serve(gateway_base.init_popen_io(model), id="node-worker")


def work(asked: Taker) -> None:
    """Fork a node for each pair of descriptors that comes, until nobody can ask any more."""
    processes.take_name(NURSERY)
    gc.freeze()  # what is loaded is the same for all: no node is to write to it by looking whether it is garbage
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a node has ended
    while descriptors := asked.take(2)[1]:
        if os.fork() == 0:
            status = 1
            try:
                asked.close()
                _be_node(*descriptors)
                status = 0
            except BaseException as error:  # noqa: BLE001 - whatever it is, it must not become a second nursery
                print(f"a node can't be made: {error}", file=sys.stderr, flush=True)
            finally:
                os._exit(status)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    work(Taker(int(sys.argv[-1])))
