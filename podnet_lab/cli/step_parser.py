"""
Steps read from text, in the form in which notebooks write them: ``bridge.add("v-net-0")``, with or without its node.

Pure, and no `eval`: a text is taken apart as Python, and only calls of the public step functions with plain values are
made. Whatever else it holds is refused before anything runs.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from types import ModuleType
from typing import Any

from podnet_lab.daemons import registry
from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import near
from podnet_lab.recipes.step_modules import step_modules
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft import statements
from podnet_lab.steps.nft.statements import Statement

MOST = 10_000
"""Characters that one step may have."""

_ON_A_NODE = re.compile(r"\s*(?P<node>[A-Za-z0-9_.-]+)\s*:(?P<step>.*)", re.DOTALL)


@cache
def functions() -> dict[str, Callable[..., Step]]:
    """The public step functions by the names that notebooks call them by, such as ``bridge.add``."""
    return {name: function for called, module in step_modules().items() for name, function in _public(called, module).items()}


@cache
def _parts() -> dict[str, Callable[..., Any]]:
    """What may stand inside of a step: other steps, statements of a rule, addresses, daemons."""
    addresses = {kind.__name__: kind for kind in (IPv4Address, IPv4Interface, IPv4Network)}
    of_rules = {
        name: function
        for name, function in _public("statements", statements).items()
        if inspect.signature(function).return_annotation == Statement.__name__
    }
    return functions() | of_rules | addresses | registry.makers()


def _public(called: str, module: ModuleType) -> dict[str, Callable[..., Any]]:
    functions = ((name, value) for name, value in vars(module).items() if inspect.isfunction(value) and not name.startswith("_"))
    return {f"{called}.{name}": function for name, function in functions if function.__module__ == module.__name__}


def read(text: str) -> tuple[str | None, list[Step]]:
    """
    The steps that *text* stands for, and the node that it names, if it does.

    ``bridge.add("v-net-0")``, ``node1: bridge.add("v-net-0")``, and a notebook's own line, ``node1.run(STEP, …)`` or
    ``lab["node1"].run(STEP, …)``. Raises BadInput for everything else, with the name that was probably meant.
    """
    match = _ON_A_NODE.fullmatch(text)
    node, inner = (match["node"], match["step"]) if match else (None, text)
    call = _parse(inner.strip())
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "run" and not call.keywords:
        return _node(call.func.value) or node, [_step(argument) for argument in call.args]
    return node, [_step(call)]


def _parse(text: str) -> ast.expr:
    if not text or len(text) > MOST:
        raise BadInput("a step is missing" if not text else f"a step has at most {MOST} characters, not {len(text)}")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise BadInput(f'{_short(text)} is no step: {why}; a step looks like bridge.add("v-net-0")') from None


def _node(value: ast.expr) -> str | None:
    match value:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str(name))):
            return name
    raise BadInput(f'{_short(ast.unparse(value))} is no node; write node1.run(…) or lab["node1"].run(…)')


def _step(value: ast.expr) -> Step:
    if not isinstance(value, ast.Call):
        raise BadInput(f'{_short(ast.unparse(value))} is no step: a step is a call, like bridge.add("v-net-0")')
    return _call(value, functions())


def _call(value: ast.Call, known: dict[str, Callable]) -> Any:
    name = ast.unparse(value.func)
    if name not in known:
        raise BadInput(f"no step is called {_short(name)}; {_meant(name, known)}")
    positional = [_value(argument) for argument in value.args]
    keywords = {keyword.arg: _value(keyword.value) for keyword in value.keywords if keyword.arg is not None}
    if len(keywords) < len(value.keywords):
        raise BadInput(f"{name}: write the arguments one by one, not **{{…}}")
    signature = inspect.signature(known[name])
    try:
        signature.bind(*positional, **keywords)
        return known[name](*positional, **keywords)
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise BadInput(f"{name}: {error}; it is {name}({_words(signature)})") from None
    except ValueError as error:
        raise error if isinstance(error, BadInput) else BadInput(f"{name}: {error}") from None


def _words(signature: inspect.Signature) -> str:
    """Parameters as one would type them: names, and defaults."""
    plain = (parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values())
    return str(inspect.Signature(list(plain)))[1:-1]


def _value(value: ast.expr) -> Any:
    """A plain value, or what a step may be made of; lists of such, too."""
    if isinstance(value, ast.Call):
        return _call(value, _parts())
    if isinstance(value, ast.List | ast.Tuple):
        return [_value(element) for element in value.elts]
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        words = _short(ast.unparse(value))
        raise BadInput(f"{words} is no plain value. A text needs quotes, and the whole step others: 'bridge.add(\"v-net-0\")'") from None


def _meant(name: str, known: Iterable[str]) -> str:
    module, _, function = name.partition(".")
    siblings = {full_name.partition(".")[2]: full_name for full_name in known if full_name.partition(".")[0] == module}
    meant = near(function, siblings, alike=0.5) if siblings else near(name, known, alike=0.6)
    if meant:
        return f"did you mean {siblings.get(meant, meant)}?"
    return f"there are {', '.join(siblings.values())}" if siblings else f"there are steps of {', '.join(step_modules())}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
