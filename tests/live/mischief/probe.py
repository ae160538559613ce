"""
A program that tries pairs by sockets of its own; nothing but Python's library, told by lines of JSON what to do.

It opens each socket inside the namespace it is for and goes back at once; a socket stays where it was opened.
"""

import contextlib
import ctypes
import errno
import json
import os
import random
import select
import socket
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
EVERY = 0.1  # seconds between two echoes
SIZE = 64  # bytes of an echo, its IP header included
WANTED = 3  # echoes in a row that are answered
LIBC = ctypes.CDLL(None, use_errno=True)
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)


def setns(handle):
    if LIBC.setns(handle, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def inside(place):
    pid, name = place
    handle = os.open(f"/proc/{pid}/root/run/netns/{name}" if name else f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        setns(handle)
        yield
    finally:
        setns(HOME)
        os.close(handle)


def raw(place):
    with inside(place):
        made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    made.setblocking(False)
    return made


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(ident, number, token):
    body = token + bytes(SIZE - 28 - len(token))
    head = struct.pack("!BBHHH", 8, 0, 0, ident, number)
    return struct.pack("!BBHHH", 8, 0, checksum(head + body), ident, number) + body


class Echoes:
    """One pair, tried by echoes until three in a row were answered."""

    def __init__(self, pair):
        self.address, self.token, self.ident = pair["address"], os.urandom(8), random.randrange(1, 65536)  # noqa: S311 - no secret
        self.source, self.receiver = raw(pair["source"]), raw(pair["receiver"])
        self.sockets, self.sent, self.back, self.got, self.due = [self.source, self.receiver], 0, set(), set(), 0.0

    def step(self, now):
        for one, seen, kind in ((self.source, self.back, 0), (self.receiver, self.got, 8)):
            for data, sender in received(one):
                at = (data[0] & 15) * 4
                if data[at] == kind and data[at + 8 : at + 16] == self.token and (kind or sender == self.address):
                    seen.add(struct.unpack("!H", data[at + 6 : at + 8])[0])
        if now >= self.due and not self.over:
            with contextlib.suppress(OSError):
                self.source.sendto(echo(self.ident, self.sent, self.token), (self.address, 0))
            self.sent, self.due = self.sent + 1, now + (0 if self.sent in self.back else EVERY)
        elif self.sent - 1 in self.back:
            self.due = now

    @property
    def over(self):
        return self.sent >= WANTED and all(self.sent - 1 - k in self.back for k in range(WANTED))

    def reading(self):
        return self.sockets

    def writing(self):
        return []

    def next_try(self):
        return self.due

    def verdict(self):
        if not self.back:
            return "broken"
        if not self.got & self.back:
            return "elsewhere"
        late = self.sent - len(self.back)
        return "works" if self.over and late <= 1 and (not late or 0 not in self.back) else "flaky"


def received(one):
    for _ in range(200):
        try:
            data, sender = one.recvfrom(2000)
        except BlockingIOError:
            return
        except OSError:
            continue  # an ICMP error that was waiting
        yield data, sender[0]


class Connection:
    """One pair, tried by two connections, over which a word goes there and back."""

    def __init__(self, pair):
        self.to, self.token = (pair["address"], pair["port"]), os.urandom(8)
        self.source, self.listener = pair["source"], tuple(pair["receiver"])
        self.sockets, self.results, self.tries = [], [], 0
        self.begin(time.monotonic())

    def begin(self, now):
        with inside(self.source):
            self.one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.one.setblocking(False)
        self.sockets.append(self.one)
        self.tries, self.connected = self.tries + 1, False
        self.again = now + 0.3
        code = self.one.connect_ex(self.to)
        if code not in (0, errno.EINPROGRESS):
            self.end("broken", now)

    def end(self, result, now):
        self.results.append(result)
        if self.tries < 2:
            self.begin(now)

    def step(self, now):
        if not self.waits:
            return None
        if not self.connected:
            _, writable, _ = select.select([], [self.one], [], 0)
            if writable:
                code = self.one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    return self.end("broken", now)
                self.connected = True
                with contextlib.suppress(OSError):
                    self.one.send(self.token)
        else:
            try:
                data = self.one.recv(100)
            except BlockingIOError:
                data = None
            except OSError:
                data = b""
            if data is not None:
                name = self.token in data and data[8:].decode()
                return self.end("broken" if not data else "works" if name == json.dumps(list(self.listener)) else "elsewhere", now)
        if now > self.again and self.tries < 2:
            self.end("broken", now)
        return None

    @property
    def over(self):
        return len(self.results) >= 2

    def reading(self):
        return [self.one] if self.waits and self.connected else []

    def writing(self):
        return [self.one] if self.waits and not self.connected else []

    def next_try(self):
        return self.again if self.tries < 2 else float("inf")

    @property
    def waits(self):
        return len(self.results) < self.tries

    def verdict(self):
        found = {*self.results, *["broken"] * (self.tries - len(self.results))}
        return found.pop() if len(found) == 1 else "flaky"


def settings(place):
    with inside(place):
        folders = [one for tree in ("ipv4", "bridge", "netfilter") for one in os.walk(f"/proc/sys/net/{tree}")]
        found = [f"{folder}/{name}" for folder, _, names in folders for name in names if writable(folder, name)]
        return sorted("net" + path.partition("/sys/net")[2] for path in found)


WRITABLE = {}


def writable(folder, name):
    """Whether it may be written: of one setting of many interfaces it is the same of each, and so asked once."""
    above, kind = os.path.split(os.path.dirname(folder))
    key = (above, kind, name) if kind in ("conf", "neigh") else (folder, name)
    if key not in WRITABLE:
        WRITABLE[key] = bool(os.stat(f"{folder}/{name}").st_mode & 0o200)
    return WRITABLE[key]


class Servers:
    """What listens: each says the word that it got, and who it is."""

    def __init__(self):
        self.listening, self.open = {}, {}

    def listen(self, spaces, port):
        for place in spaces:
            if tuple(place) in self.listening:
                continue
            with inside(place):
                one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind(("0.0.0.0", port))  # noqa: S104 (of a Pod)
                one.listen(50)
                one.setblocking(False)
            self.listening[tuple(place)] = one

    def step(self):
        for place, one in self.listening.items():
            with contextlib.suppress(OSError):
                made, _ = one.accept()
                made.setblocking(False)
                self.open[made] = place
        for made, place in list(self.open.items()):
            try:
                data = made.recv(100)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                with contextlib.suppress(OSError):
                    made.send(data + json.dumps(list(place)).encode())
            made.close()
            del self.open[made]

    def close(self):
        for one in [*self.listening.values(), *self.open]:
            one.close()
        self.listening, self.open = {}, {}


def attempt(pairs, patience, servers):
    tried = []
    for pair in pairs:
        try:
            tried.append(Connection(pair) if pair["port"] else Echoes(pair))
        except OSError as failure:  # the namespace is gone
            tried.append(str(failure))
    running = [one for one in tried if not isinstance(one, str)]
    end = time.monotonic() + patience
    while (now := time.monotonic()) < end and not all(one.over for one in running):
        servers.step()
        for one in running:
            one.step(now)
        waiting = [one for one in running if not one.over]
        reading = [*servers.listening.values(), *servers.open, *(each for one in waiting for each in one.reading())]
        writing = [each for one in waiting for each in one.writing()]
        until = min([end, *(one.next_try() for one in waiting)])
        select.select(reading, writing, [], min(max(until - time.monotonic(), 0), EVERY))
        if any(isinstance(one, Connection) for one in running):
            time.sleep(0.001)
    said = ["gone" if isinstance(one, str) else one.verdict() for one in tried]
    for one in running:
        for each in one.sockets:
            each.close()
    return said


def main():
    servers = Servers()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = None
            if asked["do"] == "listen":
                servers.listen(asked["spaces"], asked["port"])
            elif asked["do"] == "settings":
                said = [settings(place) for place in asked["spaces"]]
            elif asked["do"] == "deaf":
                servers.close()
            else:
                said = attempt(asked["pairs"], asked["patience"], servers)
            answer = {"said": said}
        except OSError as failure:
            answer = {"error": str(failure)}
        print(json.dumps(answer), flush=True)


main()
