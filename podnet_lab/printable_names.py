r"""
Names that somebody made by hand, as text that can be shown: no name draws lines of its own, or colours a terminal.

The kernel takes almost any bytes for the name of an interface, and any file's name is a namespace's. Everywhere here such a name
is written as between the quotes of bash's ``$'…'``: what can be printed stands for itself, a backslash is two, and any other byte is
``\xNN``. The bytes themselves are met at the kernel's edge alone, by `printable` and `raw`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from functools import lru_cache

_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|\\)")


@lru_cache(4096)  # hundreds of Pods call their interfaces by the same few
def printable(name: bytes) -> str:
    """A name as it is shown, and given back."""
    text = os.fsdecode(name)
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_shown, text.replace("\\", "\\\\")))


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    try:
        data = os.fsencode(letter)
    except UnicodeEncodeError:  # half of a pair, which stands for no letter and for no byte of a name
        data = letter.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in data)


def raw(name: str) -> bytes:
    """The bytes of a name that `printable` wrote."""
    given = os.fsencode(name)
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"\\", given) if "\\" in name else given


def raw_path(path: str) -> str:
    """A path with such names in it, as the system's calls take it."""
    return os.fsdecode(raw(path)) if "\\" in path else path


def quoted(name: str) -> str:
    """Such a name as a word for bash."""
    return "$'" + name.replace("'", "\\'") + "'" if "\\" in name else shlex.quote(name)


def quoted_words(words: Iterable[str]) -> str:
    """A command line, as one would type it: whatever its words are, it is one line."""
    return " ".join(shlex.quote(word) if word.isprintable() else quoted(printable(os.fsencode(word))) for word in words)


def one_line(text: str) -> str:
    """Any text, in which only what can't be printed is written as in names."""
    return text if text.isprintable() else "".join(map(_shown, text))
