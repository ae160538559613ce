"""The files of this package, as tests that read them know them."""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import podnet_lab

HOUSE = Path(podnet_lab.__file__).parent


@cache
def parsed(path):
    return ast.parse(path.read_text())


class Files(Mapping):
    """What each file of the house says, by its path in it: read when a test asks, for every worker loads this file."""

    def __init__(self):
        self._names = dict.fromkeys(str(path.relative_to(HOUSE)) for path in sorted(HOUSE.rglob("*.py")))

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def __getitem__(self, name):
        return parsed(HOUSE / name)


FILES = Files()
