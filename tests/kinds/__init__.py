"""
What tests know of each kind of interface: a file for each, found by its name, so that a new kind changes no test of others.

    UNIT(world)   rows of tests/unit/test_steps.py: (step, command, a node where its claim is false, what contradicts it there)
    EXAMPLES      by function: the steps whose commands its *By hand* block shows
    LIVE          rows of tests/live/test_steps.py: name to (steps before, the step), on a wired node1
    SCRIPT        steps that tests/live/test_script.py runs both ways, after its own
"""

import pkgutil
from importlib import import_module

MODULES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]


def merged(what):
    """All tables of one name in one."""
    return {key: value for module in MODULES for key, value in getattr(module, what).items()}


def rows(world):
    """The rows of all kinds."""
    return [row for module in MODULES for row in module.UNIT(world)]


def script():
    """The steps of all kinds."""
    return [step for module in MODULES for step in module.SCRIPT]
