"""Cells of a notebook that do nothing, where what they need is not there: it says so once, and does not fail thirty times."""

from __future__ import annotations

import sys

MARK = "or_skip("
"""What a cell has in it that asks whether all is there: it runs in any case, so whoever has got what was missing runs it again."""

SAID = "The cells below do nothing until that is so; then run this one again, and go on."


def skip_the_rest(why: str) -> bool:
    """Let the cells after this one do nothing, and say *why*; with an empty *why* they do what they say. False without a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return False
    transforms = shell.input_transformers_cleanup
    transforms[:] = [each for each in transforms if each is not _nothing]
    if why:
        transforms.append(_nothing)
        print(f"{why}\n{SAID}")
    return True


def _nothing(lines: list[str]) -> list[str]:
    return lines if any(MARK in line for line in lines) else ["pass\n"]
