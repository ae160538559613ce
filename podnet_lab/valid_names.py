"""Names of interfaces and namespaces: those that this project gives, and those that it finds. Pure."""

from __future__ import annotations

import os
import re

from podnet_lab.errors import BadInput
from podnet_lab.printable_names import printable, raw

MAX_NAME = 15
"""Bytes in an interface name: the kernel's IFNAMSIZ is 16, with the closing zero (linux/if.h)."""

MAX_FILE_NAME = 255
"""Bytes in a file's name (NAME_MAX in linux/limits.h)."""

_INTERFACE = re.compile(r"[A-Za-z0-9_.@+-]+")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")


def interface_name(name: str) -> str:
    """Give *name* back if the kernel takes it as an interface's name; raise BadInput if not."""
    if not isinstance(name, str) or not name:
        raise BadInput(f"an interface needs a name, not {name!r}")
    # The kernel takes more than these letters; what it takes beyond them has a meaning for shells, or for `ip` itself.
    if not _INTERFACE.fullmatch(name) or name in {".", "..", "all", "default"} or name.startswith("-"):
        raise BadInput(f"{name!r} can't be an interface's name: letters, digits and . _ - @ +, and no dash in front")
    if len(name) > MAX_NAME:
        raise BadInput(f"interface name {name!r} has {len(name)} bytes; the kernel allows {MAX_NAME}")
    return name


def namespace_name(name: str) -> str:
    """Give *name* back if it can name a network namespace (a file in /run/netns); raise BadInput if not."""
    if not isinstance(name, str) or not _NAMESPACE.fullmatch(name) or len(name) > 200:
        raise BadInput(f"{name!r} can't be a namespace's name: letters, digits and . _ - @ +, at most 200 of them")
    return name


def present_interface(name: str) -> str:
    """
    The name of an interface that is there, whoever made it: whatever the kernel takes (`podnet_lab.printable_names`).

    BadInput for what no interface can be called: dev_valid_name() in net/core/dev.c.
    """
    if not isinstance(name, str) or not name:
        raise BadInput(f"an interface needs a name, not {name!r}")
    known, given = _printable(name)
    if given in (b".", b"..", b"all", b"default") or re.search(rb"[/:\s\0]", given) or given.startswith(b"-"):
        raise BadInput(f"{name!r} can't be an interface's name: no blank, slash or colon, and no dash in front")
    if len(given) > MAX_NAME:
        raise BadInput(f"interface name {name!r} has {len(given)} bytes; the kernel allows {MAX_NAME}")
    return known


def present_namespace(name: str) -> str:
    """The name of a namespace that is there, whoever made it: any file's (`podnet_lab.printable_names`); BadInput if it is none's."""
    if not isinstance(name, str):
        raise BadInput(f"a namespace has a name, which {name!r} is not")
    known, given = _printable(name)
    if given in (b"", b".", b"..") or re.search(rb"[/\0]", given) or len(given) > MAX_FILE_NAME:
        raise BadInput(f"{name!r} can't be a namespace's name: no slash, and at most {MAX_FILE_NAME} bytes")
    return known


def _printable(name: str) -> tuple[str, bytes]:
    """A name as it is shown here, and its bytes."""
    try:
        given = raw(name) if name.isprintable() else os.fsencode(name)
        return printable(given), given
    except UnicodeEncodeError:
        raise BadInput(f"{name!a} has a letter that can't be written, and is no name") from None


def within(namespace: str | None) -> str | None:
    """Give *namespace* back if it is None, the node's own, or can name one that is there; raise BadInput if not."""
    return None if namespace is None else present_namespace(namespace)
