"""
nftables through `nft`, Debian's program, and its JSON interface (libnftables-json(5)); tables are counted without it.

One run of `nft` is one transaction: all of its commands, or none.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from typing import Any

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel import unmanaged_state
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.nft_devices import hook_devices
from podnet_lab.kernel.nft_listing import Unreadable, listing
from podnet_lab.kernel.programs import Missing, run

GETGEN = 16
"""NFT_MSG_GETGEN (linux/netfilter/nf_tables.h): the number of the ruleset, which each transaction counts up."""

MOST, MOST_WITH_ROOM = 400, 4000
"""Commands in a transaction: an ordinary user's socket can't be given room for more than some 600 (measured)."""

SO_SNDBUFFORCE, ROOM = 32, 1 << 24

MOST_READS = 5
"""A ruleset that changes while it is read is read again, this many times at most."""

_CODES = {os.strerror(code): code for code in errno.errorcode}


def generation() -> int:
    """The kernel's number of this namespace's ruleset; 0 where it has no nftables."""
    try:
        sock = Socket(unmanaged_state.NETLINK_NETFILTER)
        try:
            (answer,) = sock.ask(unmanaged_state.NFT << 8 | GETGEN, [struct.pack("!BBH", 0, 0, 0)])
        finally:
            sock.close()
    except OSError:
        return 0
    return struct.unpack("!I", attributes(answer, 4)[1])[0] if answer else 0


def read(known: int) -> dict[str, Any]:
    """
    This namespace's ruleset: its number, and ``listing`` as `nft` prints it, "" if there are no tables.

    ``listing`` is None where the number is *known*; ``problem`` says why it can't be read; ``devices`` are those that chains at
    ingress and egress are for.
    """
    for _ in range(MOST_READS):
        number = generation()
        if number == known:
            return {"generation": number, "listing": None, "problem": ""}
        try:
            flags = unmanaged_state.table_flags()
            listed = listing(flags) if flags else ""
            found = {"listing": listed, "problem": "", "devices": hook_devices(listed)}
        except (Unreadable, Missing) as problem:
            found = {"listing": None, "problem": str(problem)}
        except OSError as problem:
            found = {"listing": None, "problem": problem.strerror or str(problem)}
        if generation() == number:
            return {"generation": number, **found}
    return {"generation": number, "listing": None, "problem": "it changes faster than it can be read"}


def apply(requests: list[list[dict[str, Any]]]) -> None:
    """
    Do requests, each a list of commands, in as few transactions as an ordinary user's socket takes.

    What a request asks for is cut in two only if it is too long by itself, and the elements of maps that follow each other are one
    transaction, unless that is: so what comes before them stands when it is switched on. Refused with the position of the first
    request that the kernel did not take; of its transaction those before it are done.
    """
    start = 0
    for part in _transactions(requests):
        _do(part, start)
        start += len(part)


def _do(requests: list[list[dict[str, Any]]], start: int) -> None:
    """One transaction, or, where that is too long to be sent, and nothing of it was done, two halves of it."""
    problem = _transaction([command for request in requests for command in request])
    if problem is None:
        return
    if problem[0] == errno.EMSGSIZE and len(requests) > 1:
        half = len(requests) // 2
        _do(requests[:half], start)
        _do(requests[half:], start + half)
    elif problem[0] == errno.EMSGSIZE and len(halves := _halves(requests[0])) > 1:
        for half in halves:
            _do([half], start)
    else:
        _one_at_a_time(requests, start, problem)


def _halves(request: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """A request as two; as itself, where it is one command that has no elements to be shared out."""
    if len(request) > 1:
        return [request[: len(request) // 2], request[len(request) // 2 :]]
    ((verb, subject),) = request[0].items()
    elements = subject.get("element", {}).get("elem", [])
    half = len(elements) // 2
    parts = (elements[:half], elements[half:]) if half else ()
    return [[{verb: {"element": subject["element"] | {"elem": part}}}] for part in parts] or [request]


def _most() -> int:
    """How many commands a transaction may have here: `nft` asks for room just so (libmnl, mnl_nft_socket_sendmsg)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, unmanaged_state.NETLINK_NETFILTER) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, ROOM)
        except OSError:
            return MOST
    return MOST_WITH_ROOM


def _is_element(request: list[dict[str, Any]]) -> bool:
    return all("element" in next(iter(command.values())) for command in request)


def _transactions(requests: list[list[dict[str, Any]]]) -> list[list[list[dict[str, Any]]]]:
    if sum(map(len, requests)) <= MOST:
        return [requests]
    most = _most()
    parts: list[list] = []
    size = 0
    for request in requests:
        elements = _is_element(request)
        fits = size + len(request) <= most or elements
        if not parts or _is_element(parts[-1][-1]) != elements or not fits:
            parts.append([])
            size = 0
        parts[-1].append(request)
        size += len(request)
    return parts


def _with_handle(command: dict[str, Any]) -> dict[str, Any]:
    """The command with a handle for a rule to be deleted that has only its statements; LookupError if there is no such rule."""
    rule = command.get("delete", {}).get("rule", {})
    if "expr" not in rule:
        return command
    where = {name: value for name, value in rule.items() if name != "expr"}
    listed = run("nft", "-j", "list", "chain", rule["family"], rule["table"], rule["chain"]).stdout or '{"nftables": []}'
    handles = [entry["rule"]["handle"] for entry in json.loads(listed)["nftables"] if entry.get("rule", {}).get("expr") == rule["expr"]]
    if not handles:
        raise LookupError
    return {"delete": {"rule": where | {"handle": handles[-1]}}}


def _merged(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The commands, with neighbouring ones for elements of one map as one."""
    merged: list[dict[str, Any]] = []
    for command in commands:
        ((verb, subject),) = command.items()
        if "element" in subject and merged and merged[-1].get(verb, {}).get("element", {}).keys() == subject["element"].keys():
            last, more = merged[-1][verb]["element"], subject["element"]
            if all(last[name] == more[name] for name in ("family", "table", "name")):
                last["elem"] += more["elem"]
                continue
        merged.append({verb: {kind: dict(body, elem=list(body["elem"])) if kind == "element" else body for kind, body in subject.items()}})
    return merged


def _transaction(commands: list[dict[str, Any]]) -> tuple[int, str] | None:
    """Do *commands*; None, or the error number and message of the kernel, or of `nft` itself."""
    try:
        commands = [_with_handle(command) for command in commands]
    except LookupError:
        return errno.ENOENT, "no such rule"
    done = run("nft", "-j", "-f", "-", given=json.dumps({"nftables": _merged(commands)}))
    if done.returncode == 0:
        return None
    message = (done.stderr or done.stdout).strip()
    first = next((line for line in message.splitlines() if "Error" in line), message)
    words = first.rpartition(": ")[2]
    return _CODES.get(words, errno.EINVAL), first.partition("Error: ")[2] or first


def _one_at_a_time(requests: list[list[dict[str, Any]]], start: int, why: tuple[int, str]) -> None:
    """Do requests in a transaction each, to find the one that is refused; raises Refused with its position."""
    for position, request in enumerate(requests, start):
        if (error := _transaction(request)) is not None:
            raise Refused(error[0], position, error[1])
    raise Refused(why[0], start, why[1])  # each alone is fine: it was about all of them, such as their number
