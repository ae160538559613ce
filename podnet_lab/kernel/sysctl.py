"""Settings of this thread's network namespace, as `sysctl` writes them."""

from __future__ import annotations

import os

from podnet_lab.printable_names import raw_path

ROOT = "/proc/sys/net/"


def write_sysctl(key: str, value: int | str) -> None:
    """Set net.KEY, given with slashes ("ipv4/ip_forward"), in this thread's network namespace."""
    descriptor = os.open(ROOT + raw_path(key), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def is_on(key: str) -> bool:
    """Whether net.KEY of this thread's network namespace is there, and not 0."""
    return _read(key, b"0") != b"0"


def number(key: str, otherwise: int) -> int:
    """The whole number that net.KEY of this thread's network namespace is; *otherwise* if it is not there."""
    return int(_read(key, b"%d" % otherwise))


def _read(key: str, otherwise: bytes) -> bytes:
    try:
        descriptor = os.open(ROOT + raw_path(key), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return otherwise
    try:
        return os.read(descriptor, 16).strip()
    finally:
        os.close(descriptor)
