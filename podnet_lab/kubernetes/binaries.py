"""
Where Kubernetes' programs are on this machine: a folder that is named, or a cache that was filled by a build or a download.

A cache holds a folder for each version, and such a folder is complete: it is made beside, and gets its name when all of it is there.
Root's cache is everybody's, /var/cache/podnet-lab: root's lab is nobody's on this machine, and can't see root's home; and what a
teacher builds there once is found by all users.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.kubernetes.versions import Version

PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")
"""What has to be in a folder; etcd and kubectl are found on the PATH."""

VARIABLE = "PODNET_KUBERNETES"
"""An environment variable that names the folder to take."""

EVERYBODYS = Path("/var/cache/podnet-lab/kubernetes")

HOW = "`make kubernetes` builds 1.20.2 from Debian's source (10 CPU minutes), `podnet kubernetes fetch` downloads a current one"


@dataclass(frozen=True)
class Binaries:
    """The five programs, in one *folder*, and which *version* they say they are."""

    folder: Path
    version: Version

    def path(self, program: str) -> str:
        """The path of one of them."""
        return str(self.folder / program)

    def __str__(self) -> str:
        return f"Kubernetes {self.version} in {self.folder}"


def cache() -> Path:
    """The folder with a folder for each version that this user builds or downloads (XDG Base Directory Specification)."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "podnet-lab/kubernetes"
    return EVERYBODYS if os.geteuid() == 0 else Path.home() / ".cache/podnet-lab/kubernetes"


def cached() -> dict[Version, Path]:
    """Which versions there are, this user's own before everybody's."""
    found: dict[Version, Path] = {}
    for place in dict.fromkeys((cache(), EVERYBODYS)):
        for folder in sorted(place.glob("[0-9]*")) if place.is_dir() else ():
            if not missing(folder):
                found.setdefault(Version.read(folder.name), folder)
    return found


def missing(folder: Path) -> list[str]:
    """Which of the programs are not in *folder*."""
    return [name for name in PROGRAMS if not os.access(folder / name, os.X_OK) or not (folder / name).is_file()]


def find(folder: str | os.PathLike | None = None) -> Binaries:
    """
    The programs in *folder*, in the one that PODNET_KUBERNETES names, or the newest in the cache that was tried, or else the newest.

    CannotRun, which says how to get them, if there are none; BadInput if the folder that was named lacks some.
    """
    if given := folder or os.environ.get(VARIABLE):
        named = Path(given).expanduser().resolve()
        if lacks := missing(named):
            raise BadInput(f"{named} has no {', '.join(lacks)} that can be run; a folder of Kubernetes' programs has {', '.join(PROGRAMS)}")
        return Binaries(named, _version(named))
    there = cached()
    if not there:
        raise CannotRun(f"there are no programs of Kubernetes in {cache()}: {HOW}; --binaries DIR takes your own")
    version = max(there, key=lambda one: (one.tried, one))
    return Binaries(there[version], version)


def _version(folder: Path) -> Version:
    program = str(folder / "kube-apiserver")
    try:
        ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as error:
        raise BadInput(f"{program} does not say its version: {error}") from None
    return Version.read(ran.stdout)


@contextmanager
def filling(version: Version) -> Iterator[Path]:
    """A new folder beside the one for *version*, which it becomes when all is well; otherwise nothing of it stays."""
    place = cache()
    place.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=place))
    try:
        yield new
        if lacks := missing(new):
            raise CannotRun(f"{', '.join(lacks)} was not made")
        new.chmod(0o755)
        target = place / str(version)
        if target.is_dir() and missing(target):
            shutil.rmtree(target)  # somebody has deleted some of it
        try:
            new.rename(target)
        except OSError:
            if missing(target):  # else somebody else was first
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
