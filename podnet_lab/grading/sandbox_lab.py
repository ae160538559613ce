"""
The labs that a notebook in a sandbox has open, to be joined from outside of it.

What it wrote down there is a student's word: it is read as such, and may lead to no process that is not the sandbox's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping

from podnet_lab.backends import joined, labs_folder, running_labs
from podnet_lab.backends.netns import NetnsBackend
from podnet_lab.errors import NoLab
from podnet_lab.exercises import attempts
from podnet_lab.grading.memory import descendants
from podnet_lab.grading.sandbox import RUNTIME
from podnet_lab.kernel import bounded_file, sandbox
from podnet_lab.lab.lab import Lab

MOST, MOST_FILES = 4 << 20, 50
"""Bytes of a lab's entry, or of its baseline, and how many files there may be."""


def labs(init: int) -> dict[str, Callable[[], Lab]]:
    """
    What joins each lab of the sandbox whose first process is *init*, by a key of its own.

    Raises NoLab if there are too many files; so does what joins one, if that is none.
    """
    try:
        folder = (*RUNTIME.strip("/").split("/"), labs_folder.folder_name(sandbox.USER, init))
        with bounded_file.folder(f"/proc/{init}/root", *folder) as descriptor:
            entries, texts = _read(descriptor)
    except OSError:
        return {}
    return {f"{entry.name}@{entry.owner}": lambda entry=entry: _joined(entry, texts, init) for entry in entries}


def _joined(entry: running_labs.Entry, texts: Mapping[str, str], init: int) -> Lab:
    if entry.where != NetnsBackend.where:
        raise NoLab(f"the lab {entry} is not one of namespaces")
    baseline = _json(texts.get(f"{entry.owner}-{entry.name}{running_labs.BASELINE}"))
    if not isinstance(baseline, dict):
        raise NoLab(f"the lab {entry} has ended, or what it wrote down can't be read")
    return Lab.of_running(_running(entry, baseline, init))


def _running(entry: running_labs.Entry, baseline: dict, init: int) -> joined.RunningLab:
    pids = _own(entry.nodes, init)
    plan, network = joined.planned(entry)
    if not {node.name for node in plan.nodes} | {attempts.PLACE} <= set(pids):
        raise NoLab("what its lab wrote down can't be read")
    key = f"{entry.name}@{entry.owner}@{init}"
    return joined.RunningLab(key, entry.name, plan, network, lambda: joined.JoinedNetns(entry, baseline, pids, guarded=True))


def _own(nodes: Mapping[str, dict], init: int) -> dict[str, int]:
    """The pids of a lab's nodes, as this process sees them; NoLab if one is not of the sandbox: it could be anybody's."""
    try:
        pids = running_labs.host_pids(nodes)
    except (KeyError, TypeError, AttributeError) as error:
        raise NoLab("what its lab wrote down can't be read") from error
    if not set(pids.values()) <= descendants(init) - {init}:
        raise NoLab("what its lab wrote down leads out of its sandbox")
    return pids


def _read(folder: int) -> tuple[list[running_labs.Entry], dict[str, str]]:
    """The entries in a folder, and all its files' texts by name."""
    names = [item.name for item in os.scandir(folder) if item.name.endswith((".json", running_labs.BASELINE))]
    if len(names) > MOST_FILES:
        raise NoLab("too many labs are running, or something else is where they are written down")
    texts = {name: content.decode(errors="replace") for name in names if (content := bounded_file.read(name, MOST, folder)) is not None}
    entries = [running_labs.entry_of(_json(text)) for name, text in texts.items() if name.endswith(".json")]
    return [entry for entry in entries if entry is not None], texts


def _json(text: str | None) -> object:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None
