"""
Run a program to which setgroups(2) says yes, and does nothing: ``python setgroups_filter.py PROGRAM [WORD…]``.

A user namespace that an ordinary user made refuses that call (user_namespaces(7)), and programs that become somebody
when they start, even root, end there. A seccomp filter answers it instead of the kernel; there is one group anyhow.
It imports nothing of the package: a node's wrappers (wrappers.py) run it as a file.
"""

import ctypes
import os
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7FFF0000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
"""BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K (linux/bpf_common.h)."""

CALLS = {"x86_64": (0xC000003E, 116), "aarch64": (0xC00000B7, 159), "riscv64": (0xC00000F3, 159)}
"""For a machine: its AUDIT_ARCH (linux/audit.h), and the number of setgroups."""


def instructions(arch: int, call: int) -> bytes:
    """The filter, as struct sock_filter: answer *call* with errno 0, which is success, and let all else pass."""
    program = [
        (LOAD, 0, 0, 4),  # struct seccomp_data: arch
        (JUMP_IF_EQUAL, 0, 3, arch),
        (LOAD, 0, 0, 0),  # nr
        (JUMP_IF_EQUAL, 0, 1, call),
        (RETURN, 0, 0, RET_ERRNO),
        (RETURN, 0, 0, RET_ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def install() -> None:
    """Filter this process's calls from now on, through exec, too; OSError or KeyError where that can't be done."""
    code = instructions(*CALLS[os.uname().machine])
    kept = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(kept))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    try:
        install()
    except (OSError, KeyError):
        print(f"{sys.argv[1]} may not start: this lab can't become another user; lab.trace() captures without it", file=sys.stderr)
    os.execv(sys.argv[1], sys.argv[1:])
