"""
BPF programs at the ingress and egress of interfaces (tcx), counted by the system call: netlink does not tell of them.

Only real root can attach one, and ask (BPF_PROG_QUERY in linux/bpf.h needs CAP_NET_ADMIN of the machine): nobody else's lab has any.
"""

from __future__ import annotations

import ctypes
import os
import struct

BPF_PROG_QUERY = 16
TCX = {"ingress": 46, "egress": 47}
_NUMBER = {"x86_64": 321, "aarch64": 280, "riscv64": 280}.get(os.uname().machine)
_ATTRIBUTES = struct.Struct("=IIIIQI36x")
"""Interface, attach type, flags (in and out), where the programs' numbers go (nowhere), and, afterwards, how many there are."""

_libc = ctypes.CDLL(None, use_errno=True)


def tcx_programs(index: int) -> dict[str, int]:
    """How many programs an interface of this thread's network namespace has at "ingress" and "egress"; none where nobody may ask."""
    return {where: _count(index, kind) for where, kind in TCX.items()} if _NUMBER is not None else {}


def _count(index: int, kind: int) -> int:
    attributes = ctypes.create_string_buffer(_ATTRIBUTES.pack(index, kind, 0, 0, 0, 0))
    if _libc.syscall(_NUMBER, BPF_PROG_QUERY, attributes, len(attributes.raw) - 1) != 0:
        return 0  # nobody may ask, or a kernel before 6.6 has no such programs
    return _ATTRIBUTES.unpack(attributes.raw[: _ATTRIBUTES.size])[5]
