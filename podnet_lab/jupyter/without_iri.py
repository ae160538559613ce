"""
Loading what reads notebooks without a grammar that nobody here asks for, and that takes a second to make.

jsonschema, behind nbformat and JupyterLab, knows how to check an IRI (RFC 3987) where rfc3987-syntax is installed, as
jupyter-events has it do: that makes a parser when it is imported. In no schema of theirs does an IRI occur.
"""

from __future__ import annotations

import importlib
import sys

GRAMMAR = "rfc3987_syntax"


def load(*names: str) -> None:
    """Import modules by *names*; whoever imports the grammar itself, later, gets it all the same."""
    hidden = sys.modules.setdefault(GRAMMAR, None) is None  # type: ignore[arg-type] - an import that fails, which jsonschema expects
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        if hidden:
            del sys.modules[GRAMMAR]
