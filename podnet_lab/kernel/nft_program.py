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
from podnet_lab.kernel import unmanaged
from podnet_lab.kernel.netlink import Refused, Socket
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
        sock = Socket(unmanaged.NETLINK_NETFILTER)
        try:
            (answer,) = sock.ask(unmanaged.NFT << 8 | GETGEN, [struct.pack("!BBH", 0, 0, 0)])
        finally:
            sock.close()
    except OSError:
        return 0
    return struct.unpack("!I", attributes(answer, 4)[1])[0] if answer else 0


def read(known: int) -> dict[str, Any]:
    """
    This namespace's ruleset: its number, and ``listing`` as `nft` prints it, "" if there are no tables.

    ``listing`` is None where the number is *known*; ``problem`` says why it can't be read.
    """
    for _ in range(MOST_READS):
        number = generation()
        if number == known:
            return {"generation": number, "listing": None, "problem": ""}
        if not unmanaged.tables():
            return {"generation": number, "listing": "", "problem": ""}
        try:
            done = run("nft", "-j", "list", "ruleset")
        except Missing as missing:
            return {"generation": number, "listing": None, "problem": str(missing)}
        if done.returncode == 0 and generation() == number:
            return {"generation": number, "listing": done.stdout, "problem": ""}
    return {"generation": number, "listing": None, "problem": done.stderr.strip() or "it changes faster than it can be read"}


def apply(requests: list[list[dict[str, Any]]]) -> None:
    """
    Do requests, each a list of commands, in as few transactions as an ordinary user's socket takes.

    What a request asks for is never cut in two, and the elements of maps that follow each other are one transaction,
    however many: so what comes before them stands when it is switched on. Refused with the position of the first
    request that the kernel did not take; of its transaction those before it are done.
    """
    start = 0
    for part in _transactions(requests):
        if (code := _transaction([one for request in part for one in request])) is not None:
            _one_by_one(part, start, code)
        start += len(part)


def _most() -> int:
    """How many commands a transaction may have here: `nft` asks for room just so (libmnl, mnl_nft_socket_sendmsg)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, unmanaged.NETLINK_NETFILTER) as one:
        try:
            one.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, ROOM)
        except OSError:
            return MOST
    return MOST_WITH_ROOM


def _is_element(request: list[dict[str, Any]]) -> bool:
    return all("element" in next(iter(one.values())) for one in request)


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


def _numbered(command: dict[str, Any]) -> dict[str, Any]:
    """The same; a rule that is to be deleted, and is named by what it says, gets its number. LookupError if there is none."""
    rule = command.get("delete", {}).get("rule", {})
    if "expr" not in rule:
        return command
    where = {name: value for name, value in rule.items() if name != "expr"}
    listed = run("nft", "-j", "list", "chain", rule["family"], rule["table"], rule["chain"]).stdout or '{"nftables": []}'
    found = [one["rule"]["handle"] for one in json.loads(listed)["nftables"] if one.get("rule", {}).get("expr") == rule["expr"]]
    if not found:
        raise LookupError
    return {"delete": {"rule": where | {"handle": found[-1]}}}


def _merged(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, with neighbouring commands for elements of one map as one."""
    found: list[dict[str, Any]] = []
    for one in commands:
        ((verb, what),) = one.items()
        if "element" in what and found and found[-1].get(verb, {}).get("element", {}).keys() == what["element"].keys():
            last, more = found[-1][verb]["element"], what["element"]
            if all(last[name] == more[name] for name in ("family", "table", "name")):
                last["elem"] += more["elem"]
                continue
        found.append({verb: {kind: dict(has, elem=list(has["elem"])) if kind == "element" else has for kind, has in what.items()}})
    return found


def _transaction(commands: list[dict[str, Any]]) -> tuple[int, str] | None:
    """Do *commands*; None, or what the kernel, or `nft` itself, said against it."""
    try:
        commands = [_numbered(one) for one in commands]
    except LookupError:
        return errno.ENOENT, "no such rule"
    done = run("nft", "-j", "-f", "-", given=json.dumps({"nftables": _merged(commands)}))
    if done.returncode == 0:
        return None
    said = (done.stderr or done.stdout).strip()
    first = next((line for line in said.splitlines() if "Error" in line), said)
    words = first.rpartition(": ")[2]
    return _CODES.get(words, errno.EINVAL), first.partition("Error: ")[2] or first


def _one_by_one(requests: list[list[dict[str, Any]]], start: int, why: tuple[int, str]) -> None:
    """Find the request that a transaction failed of."""
    for position, request in enumerate(requests, start):
        if (found := _transaction(request)) is not None:
            raise Refused(found[0], position, found[1])
    raise Refused(why[0], start, why[1])  # each alone is fine: it was about all of them, such as their number
