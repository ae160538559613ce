"""`python3 bpf_drop.py xdp|tcx INTERFACE`: attach a program that drops everything that comes in; run by live tests, as real root."""

import ctypes
import os
import socket
import struct
import sys

SYSCALL = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
PROG_LOAD, PROG_ATTACH, LINK_CREATE = 5, 8, 28
XDP_DROP, TCX_DROP = 1, 2
TYPES = {"xdp": (6, XDP_DROP), "tcx": (3, TCX_DROP)}  # BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS
TCX_INGRESS = 46


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes)
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(SYSCALL, command, buffer, len(attributes))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def main():
    kind, index = sys.argv[1], socket.if_nametoindex(sys.argv[2])
    number, drop = TYPES[kind]
    code = ctypes.create_string_buffer(struct.pack("=BBhi", 0xB7, 0, 0, drop) + struct.pack("=BBhi", 0x95, 0, 0, 0))  # r0 = drop; exit
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(PROG_LOAD, struct.pack("=IIQQIIQ", number, 2, ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0))
    if kind == "tcx":
        bpf(PROG_ATTACH, struct.pack("=IIIIIIQ", index, program, TCX_INGRESS, 0, 0, 0, 0))
        return
    attribute = struct.pack("=HHHHi", 12, 43 | 0x8000, 8, 1, program)  # IFLA_XDP, IFLA_XDP_FD
    body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + attribute
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)  # RTM_SETLINK, with an acknowledgement
        (code,) = struct.unpack_from("=i", sock.recv(4096), 16)
        if code:
            raise OSError(-code, os.strerror(-code))


main()
