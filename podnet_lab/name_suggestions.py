"""What is said of a name that there is not: which was probably meant, and which there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NoReturn

ALIKE = 0.7
"""From which likeness on (difflib's, 0 to 1) a name is taken for a slip of another."""

MOST_LISTED = 20


def near(name: object, known: Iterable[str], *, alike: float = ALIKE) -> str | None:
    """
    The one of *known* that *name* is probably a slip of; None if none is like it.

    Numbers have to be the same: ``node9`` is no slip of ``node1``, but a node that there is not.
    """
    if not isinstance(name, str):
        return None
    by_letters = {other.lower(): other for other in known if _digits(other) == _digits(name)}
    found = get_close_matches(name.lower(), by_letters, n=1, cutoff=alike)
    return by_letters[found[0]] if found else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """``"; did you mean 'bridge'?"``, to stand after what is said of *name*; "" if none of *known* is like it."""
    meant = near(name, known)
    return f"; did you mean {str(meant)!r}?" if meant else ""


def no_such(kind: str, name: object, known: Iterable[str]) -> str:
    """That no *kind* has that name, which was probably meant, and which there are."""
    return f"no {kind} is called {name!r}{choices(name, known)}"


def suggest_attribute(owner: object, name: str) -> NoReturn:
    """As the ``__getattr__`` of a class whose attributes are typed by hand: of one that there is not, which was probably meant."""
    kind = type(owner)
    if hasattr(kind, name):  # a property that failed for want of something else: let it say so itself
        object.__getattribute__(owner, name)
    known = () if name.startswith("_") else (other for other in dir(kind) if not other.startswith("_"))
    raise AttributeError(f"a {kind.__name__.lower()} has no {name!r}{did_you_mean(name, known)}")


def choices(name: object, known: Iterable[str], listed: str = "") -> str:
    """What stands after the remark that *name* is none of *known*: which was probably meant, and which there are, or *listed* of them."""
    names = list(known)
    listed = listed or ", ".join(names[:MOST_LISTED]) + (f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else "")
    meant = did_you_mean(name, names)
    if not names:
        return "; there are none"
    return f"{meant} There are {listed}" if meant else f"; there are {listed}"


def _digits(name: str) -> str:
    return "".join(letter for letter in name if letter.isdigit())
