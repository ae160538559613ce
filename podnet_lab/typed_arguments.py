"""
What a public call takes is what its signature says: anything else is BadInput, which says what is meant, before anything is done.

Annotations are read as they are written; one that can't be evaluated (its type is imported for type checkers alone) is not checked.
"""

from __future__ import annotations

import inspect
import math
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache, wraps
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean

Call = TypeVar("Call", bound=Callable)

MOST_WORDS = 60
"""Letters of a wrong value that are shown."""


class Limits(NamedTuple):
    """What a value has to be besides its type, in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


Seconds = Annotated[float, Limits("a number of seconds from 0.01 to 60", lambda seconds: 0.01 <= seconds <= 60)]
"""How long somebody waits."""

Count = Annotated[int, Limits("a whole number, 1 or more", lambda number: number >= 1)]
"""How many, or how often."""

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "True or False", type(None): "None"}

_MADE_BY = {
    "Matrix": "lab.matrix()",
    "Plan": "plan(3, 2)",
    "Service": "service(…)",
    "Statement": "statements.jump('services')",
    "Step": "bridge.add('v-net-0')",
    "Trace": "lab.trace(…)",
}
"""Types whose values one gets from a call."""


def checked(call: Call) -> Call:
    """The same function, or class, that raises BadInput for an argument that its signature does not allow."""
    signature = inspect.signature(call)

    @cache
    def hints() -> dict[str, Any]:
        return {name: _evaluated(parameter.annotation, call) for name, parameter in signature.parameters.items()}

    @wraps(call)
    def checking(*arguments, **options):
        check_arguments(call.__name__, signature, hints(), arguments, options)
        return call(*arguments, **options)

    return checking


def check_arguments(name: str, signature: inspect.Signature, hints: Mapping[str, Any], arguments: tuple, options: dict) -> None:
    """Raise BadInput if a call of *name* has too many arguments, too few, or one that *hints* don't allow."""
    try:
        given = signature.bind(*arguments, **options).arguments
    except TypeError as error:  # too many, too few, or of another name
        unknown = next((option for option in options if option not in signature.parameters), None)
        meant = did_you_mean(unknown, signature.parameters)
        raise BadInput(f"{name}: {error}{meant}; it is called as {name}({_shape(signature)})") from None
    for parameter, value in given.items():
        kind, hint = signature.parameters[parameter].kind, hints.get(parameter, Any)
        values = value if kind is inspect.Parameter.VAR_POSITIONAL else (value,)
        for one in values if kind is not inspect.Parameter.VAR_KEYWORD else ():
            if not allows(hint, one):
                star = _star(name, hint, one) if kind is inspect.Parameter.VAR_POSITIONAL else ""
                raise BadInput(f"{name}: {parameter} is {words(hint)}, not {_shown(one)}{star}")


def _star(name: str, hint: Any, value: Any) -> str:
    """What to say of right values that were given as one, in a list: how they are given one by one."""
    right = isinstance(value, list | tuple) and value and all(allows(hint, part) for part in value)
    return f"; a star before it gives what is in it: {name}(*…)" if right else ""


def _shape(signature: inspect.Signature) -> str:
    """What stands between the parentheses of a call: without types, and without what the call itself fills in."""
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    return str(signature.replace(parameters=[one.replace(annotation=one.empty) for one in parameters], return_annotation=signature.empty))[
        1:-1
    ]


def _shown(value: Any) -> str:
    shown = ascii(value)
    return shown if len(shown) <= MOST_WORDS else f"{shown[:MOST_WORDS]}…"


def _evaluated(annotation: Any, call: Callable) -> Any:
    if not isinstance(annotation, str):
        return Any if annotation is inspect.Parameter.empty else annotation
    try:
        return eval(annotation, vars(sys.modules[call.__module__]))  # noqa: S307 - our own source
    except NameError:
        return Any


def allows(hint: Any, value: Any) -> bool:
    """Whether a value is what a type hint says; what is not known of is allowed."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return True
    if origin is Annotated:
        return allows(arguments[0], value) and all(limit.holds(value) for limit in hint.__metadata__ if isinstance(limit, Limits))
    if origin in (Union, types.UnionType):
        return any(allows(one, value) for one in arguments)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in arguments)
    if origin is not None:
        return isinstance(origin, type) and isinstance(value, origin) and _parts_allowed(origin, arguments, value)
    if hint is None:
        return value is None
    return _is_one(hint, value)


def _is_one(hint: Any, value: Any) -> bool:
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)


def _parts_allowed(origin: Any, arguments: tuple, value: Any) -> bool:
    if not arguments or not isinstance(value, Collection) or not issubclass(origin, Iterable):
        return True
    if isinstance(value, Mapping):
        return all(allows(arguments[0], key) and allows(arguments[-1], part) for key, part in value.items())
    if isinstance(value, str | bytes):  # a text is a sequence of texts, and was never meant to be one
        return False
    return all(allows(arguments[0], part) for part in value)


def words(hint: Any) -> str:
    """What a hint allows, as one says it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return next((limit.words for limit in hint.__metadata__ if isinstance(limit, Limits)), words(arguments[0]))
    if origin in (Union, types.UnionType):
        return " or ".join(words(one) for one in arguments)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin is not None and isinstance(origin, type):
        if issubclass(origin, Mapping):
            return f"a mapping of {words(arguments[0])} to {words(arguments[-1])}"
        return f"a sequence of {words(arguments[0])}" if issubclass(origin, Iterable) else "a function"
    if hint in _WORDS:
        return _WORDS[hint]
    if isinstance(hint, type) and hint.__name__ in _MADE_BY:
        return f"a {hint.__name__}, as {_MADE_BY[hint.__name__]} makes it"
    return f"{'an' if str(hint.__name__)[0] in 'AEIOU' else 'a'} {hint.__name__}" if isinstance(hint, type) else str(hint)
