"""
Trust for the notebooks that the project ships, as `jupyter trust` gives it: else JupyterLab shows their stored pictures as text.

Known by what is in them: one that somebody edited, or added, is not signed, and neither is one whose name alone is known.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from podnet_lab.errors import CannotRun
from podnet_lab.jupyter import notebooks, without_iri


def trust_shipped(folder: Path) -> list[str]:
    """Sign those notebooks in *folder* that are as they were shipped; returns their names."""
    without_iri.load("nbformat")
    import nbformat
    from nbformat.sign import NotebookNotary

    known: set[str] = set()
    with suppress(CannotRun):  # where it is not known what was shipped, nothing is signed
        known = {_digest(content) for content in notebooks.shipped().values()}
    signed = []
    with NotebookNotary() as notary:
        for path in sorted(folder.glob("*.ipynb")):
            with suppress(OSError):  # what can't be read, or signed, is shown as text
                if _digest(data := path.read_bytes()) in known:
                    notary.sign(nbformat.reads(data.decode(), as_version=4))
                    signed.append(path.name)
    return signed


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
