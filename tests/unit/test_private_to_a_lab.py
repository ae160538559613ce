"""Nobody but a lab's own room touches what is private to a lab, read from the source."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from house import FILES, HOUSE

LAB = [name for name in FILES if name.startswith("lab/")]
ROOT = HOUSE.parent
OTHERS = [HOUSE / name for name in FILES if name not in LAB]
OTHERS += [path for folder in ("tests", "bench", "tools") for path in sorted((ROOT / folder).rglob("*.py")) if path != Path(__file__)]


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def private(tree):
    """(whose, which) of each private attribute that is asked of something else than self; also in scripts that stand in a text."""
    for one in ast.walk(tree):
        if isinstance(one, ast.Attribute) and is_private(one.attr):
            owner = getattr(one.value, "id", getattr(one.value, "attr", ""))
            if owner not in ("self", "cls"):
                yield owner, one.attr
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield from (("lab", name) for name in re.findall(r"\blab\.(_[a-z]\w*)", one.value))


def own_private_names(names):
    """Every private attribute and method that classes of some files have."""
    found = set()
    for each in (one for name in names for one in ast.walk(FILES[name]) if isinstance(one, ast.ClassDef)):
        found |= {one.name for one in each.body if isinstance(one, ast.FunctionDef)}
        found |= {one.attr for one in ast.walk(each) if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == "self"}
    return set(filter(is_private, found))


@cache
def of_a_lab():
    """Names that others have, too, do not say whose they are: of those a lab's count only where they are asked of one called lab."""
    return own_private_names(LAB) - own_private_names(set(FILES) - set(LAB))


def touches(tree):
    return {f"{owner}.{name}" for owner, name in private(tree) if name in of_a_lab() or owner.strip("_") == "lab"}


def test_touching_is_seen():
    assert {"_core", "_nodes", "_observer"} <= of_a_lab()
    code = "self._nodes; wired._nodes; self._lab._core; run('lab._closed = 1'); lab._client; other._client"
    assert touches(ast.parse(code)) == {"wired._nodes", "_lab._core", "lab._closed", "lab._client"}


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_touches_what_is_private_to_a_lab(path):
    assert touches(ast.parse(path.read_text())) == set()
