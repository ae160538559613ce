"""
Starting JupyterLab for the notebooks: on 127.0.0.1 alone, with a token, and fetching nothing from anywhere.

overrides.json, beside this file, keeps it from asking a student whether it may fetch news. kernels/python3 is the usual
kernel that knows ``%%node`` from its start on: a restarted one, where nothing was imported yet, says what is missing.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from podnet_lab.errors import CannotRun


def command(folder: Path, port: int, browser: bool, root: bool, ip: str = "127.0.0.1") -> list[str]:
    """JupyterLab's command line; as root it wants to be told that this is meant."""
    return [
        sys.executable,
        "-m",
        "podnet_lab.jupyter.lab_server",
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        "--ServerApp.contents_manager_class=podnet_lab.jupyter.contents.Notebooks",
        f"--LabApp.app_settings_dir={Path(__file__).parent}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if root else []),
    ]


def environment() -> dict[str, str]:
    """What JupyterLab, and every kernel that it starts, finds in its environment: ours, and where our kernel is described."""
    paths = [os.environ.get("JUPYTER_PATH", ""), str(Path(__file__).parent)]
    return {**os.environ, "JUPYTER_PATH": os.pathsep.join(filter(None, paths))}


def start(folder: Path | None, port: int, browser: bool, ip: str = "127.0.0.1") -> None:
    """Become JupyterLab; does not return."""
    where = (folder or Path("notebooks")).absolute()
    if not where.is_dir():
        raise CannotRun(f"there is no folder {where}: `podnet notebooks {folder or 'notebooks'}` makes one of fresh notebooks")
    if importlib.util.find_spec("jupyterlab") is None:
        raise CannotRun("JupyterLab is not installed: pip install 'podnet-lab[notebooks]'")
    from podnet_lab.jupyter.trust import trust_shipped

    trust_shipped(where)
    line = command(where, port, browser, os.geteuid() == 0, ip)
    sys.stdout.flush()
    os.execve(line[0], line, environment())
