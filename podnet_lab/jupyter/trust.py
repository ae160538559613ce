"""
Trust for the notebooks that the project ships, as `jupyter trust` gives it: else JupyterLab shows their stored pictures as text.

Known by what is in them: one that somebody edited, or added, is not signed, and neither is one whose name alone is known.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import podnet_lab
from podnet_lab.jupyter.notebooks import installed

SECONDS = 10
"""In which git has to say what was committed."""


def trust_shipped(folder: Path) -> list[str]:
    """Sign those notebooks in *folder* that are as they were shipped; returns their names."""
    import nbformat
    from nbformat.sign import NotebookNotary

    known, signed = shipped(), []
    with NotebookNotary() as notary:
        for path in sorted(folder.glob("*.ipynb")):
            with suppress(OSError):  # what can't be read, or signed, is shown as text
                if _blob(data := path.read_bytes()) in known:
                    notary.sign(nbformat.reads(data.decode(), as_version=4))
                    signed.append(path.name)
    return signed


def shipped() -> set[str]:
    """What is in the notebooks as they were shipped, each as git's name for it: those committed in a clone, or those installed."""
    clone = Path(podnet_lab.__file__).parents[1]
    if (clone / "pyproject.toml").is_file():
        # The clone may be another user's: git would not look into it, and nothing in it is run by this.
        line = ["git", "-c", "safe.directory=*", "-C", str(clone), "ls-tree", "HEAD", "notebooks/"]
        with suppress(OSError, subprocess.SubprocessError):
            listed = subprocess.run(line, capture_output=True, text=True, check=True, timeout=SECONDS, env=_clean()).stdout
            return {entry.split()[2] for entry in listed.splitlines()}
        return set()
    return {_blob(path.read_bytes()) for path in installed()}


def _clean() -> dict[str, str]:
    """Without what would make git look elsewhere: as within a hook of another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
