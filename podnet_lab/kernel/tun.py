"""TUN devices: no message of netlink makes one, an ioctl does (Documentation/networking/tuntap.rst, linux/if_tun.h)."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from podnet_lab.printable_names import raw

CLONE = "/dev/net/tun"
TUNSETIFF, TUNSETPERSIST = 0x400454CA, 0x400454CB
IFF_TUN, IFF_TAP, IFF_NO_PI, IFF_TUN_EXCL = 0x1, 0x2, 0x1000, 0x8000
MODES = {"tun": IFF_TUN, "tap": IFF_TAP}


def add(name: str, mode: str) -> None:
    """Make one that stays after we let go of it; OSError where one of that name is there, or we may not."""
    try:
        descriptor = os.open(CLONE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as refused:
        raise OSError(refused.errno or errno.EACCES, f"{CLONE}: {os.strerror(refused.errno or 0)}") from None
    try:
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", raw(name), MODES[mode] | IFF_NO_PI | IFF_TUN_EXCL))
        fcntl.ioctl(descriptor, TUNSETPERSIST, 1)
    finally:
        os.close(descriptor)
