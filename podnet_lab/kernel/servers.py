"""
Servers inside a node's namespaces, without a process for each: HTTP over TCP, an echo over UDP.

Sockets are made by the agent's kernel thread, which alone enters namespaces; one thread of this file serves them all.
An answer is one line, ``pod-2-2 on node2 saw 10.244.1.2``: who answers, and which client's address it saw.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn

from podnet_lab.kernel import namespaces

IP_PKTINFO = 8
"""linux/in.h: the address that a datagram was sent to, and the one to answer from."""

TICK = 0.25
"""Seconds until the selector is asked again, for sockets that were added since."""

PATIENCE = 3600
"""Seconds that an open connection may be silent: a student thinks before the next cell."""


class _Handler(BaseHTTPRequestHandler):
    """Answers any GET with the one line, and keeps the connection open for more."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def do_GET(self) -> None:
        body = self.server.line(self.client_address[0])
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: an agent has no terminal."""


class _Http(ThreadingMixIn, HTTPServer):
    """HTTP on a socket that was made elsewhere; each connection has a thread of its own."""

    daemon_threads = True
    timeout = 0  # it is asked only when somebody is there

    def __init__(self, listening: socket.socket, name: str) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self._name, self._open = listening, name, set()

    def line(self, client: str) -> bytes:
        """The line that it answers to *client*."""
        return _line(self._name, client)

    def serve(self) -> None:
        """Take one connection."""
        self.handle_request()

    def process_request(self, request, client_address) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address) -> None:
        """A client that went away is nobody's business."""

    def close(self) -> None:
        """Stop, and cut open connections: they would keep a deleted Pod alive."""
        self.socket.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Echo:
    """UDP: each datagram is answered with the one line."""

    def __init__(self, bound: socket.socket, name: str) -> None:
        self.socket, self._name = bound, name
        bound.setblocking(False)
        bound.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)

    def serve(self) -> None:
        """Answer one datagram, from the address that it was sent to: a node has several."""
        with contextlib.suppress(OSError):
            _, extra, _, client = self.socket.recvmsg(2048, 64)
            asked = [data[4:8] for level, kind, data in extra if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO)]
            info = [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + asked[0] + bytes(4))] if asked else []
            self.socket.sendmsg([_line(self._name, client[0])], info, 0, client)

    def close(self) -> None:
        """Stop."""
        self.socket.close()


def _line(name: str, client: str) -> bytes:
    return f"{name} on {socket.gethostname()} saw {client}\n".encode()


def listen(protocol: str, port: int) -> socket.socket:
    """A socket of this thread's namespace that waits at *port* of every address; OSError (EADDRINUSE) if it is taken."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    try:
        if protocol == "tcp":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", port))
        if protocol == "tcp":
            made.listen(128)
    except OSError:
        made.close()
        raise
    return made


class Servers:
    """All servers of a node: by namespace, protocol and port."""

    def __init__(self) -> None:
        self._running: dict[tuple[str | None, str, int], tuple[tuple[int, int] | None, _Http | _Echo]] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._thread: threading.Thread | None = None

    def serve(self, namespace: str | None, protocol: str, port: int, name: str) -> bool:
        """Start answering as *name*; False if it answers there already. OSError (EADDRINUSE) if somebody else does."""
        key = (namespace, protocol, port)
        self.sweep()
        with self._lock:
            if key in self._running:
                return False
            descriptor = namespaces.open_named(namespace) if namespace else namespaces.here()
            try:
                with namespaces.inside(descriptor):
                    bound = listen(protocol, port)
                which = namespaces.identity(descriptor) if namespace else None
            finally:
                os.close(descriptor)
            made = (_Http if protocol == "tcp" else _Echo)(bound, name)
            self._running[key] = (which, made)
            self._selector.register(made.socket, selectors.EVENT_READ, made)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="servers", daemon=True)
                self._thread.start()
            return True

    def stop(self, namespace: str | None = None, everyone: bool = False) -> int:
        """Stop the servers of *namespace*, or all; returns how many there were."""
        with self._lock:
            gone = [key for key in self._running if everyone or key[0] == namespace]
            for key in gone:
                self._close(key)
        return len(gone)

    def _close(self, key: tuple[str | None, str, int]) -> None:
        _, server = self._running.pop(key)
        self._selector.unregister(server.socket)
        server.close()

    def sweep(self) -> None:
        """Stop the servers whose namespace has lost its name."""
        with self._lock:
            for key, (which, _) in list(self._running.items()):
                if key[0] is not None and namespaces.identity_of(key[0]) != which:
                    self._close(key)

    def _work(self) -> None:
        while True:
            ready = self._selector.select(TICK)
            for key, _ in ready:
                with contextlib.suppress(OSError, ValueError):  # it was stopped this moment
                    key.data.serve()
