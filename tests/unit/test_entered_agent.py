"""An agent that has entered a node imports nothing more: all that its files import later, they import within `load()`."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import podnet_lab

PACKAGE = Path(podnet_lab.__file__).parent
FILES = sorted([*(PACKAGE / "kernel").rglob("*.py"), *(PACKAGE / "devices").rglob("codec.py")])


def names(file):
    """The modules that a file's functions import when they are called."""
    tree = ast.parse(file.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in ast.walk(function):
                if isinstance(statement, ast.Import):
                    yield from (alias.name for alias in statement.names)
                elif isinstance(statement, ast.ImportFrom):
                    yield statement.module


@pytest.fixture(scope="module")
def loaded():
    code = "import json, sys; from podnet_lab.kernel import entered_agent; entered_agent.load(); print(json.dumps(list(sys.modules)))"
    return set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout))


def test_what_a_function_imports_was_loaded_before_the_agent_entered(loaded):
    wanted = {(file.relative_to(PACKAGE).as_posix(), name) for file in FILES for name in names(file)}
    assert ("kernel/node_services.py", "podnet_lab.kernel.capture") in wanted
    assert {(file, name) for file, name in wanted if name not in loaded} == set()
