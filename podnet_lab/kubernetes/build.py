"""
Kubernetes 1.20.2 from Debian 12's own source package, which brings all that it needs along: `make kubernetes`.

    python -m podnet_lab.kubernetes.build

apt is asked with a configuration of its own, so /etc/apt stays as it is and no deb-src lines are needed there. What was done is kept
until the end (source, and Go's cache of what is compiled), so whoever interrupts it goes on where it was; the programs come into
the cache all together.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from podnet_lab.errors import CannotRun, PodnetError
from podnet_lab.kernel.file_lock import locked
from podnet_lab.kubernetes import binaries
from podnet_lab.kubernetes.versions import Version

VERSION = Version(1, 20, 2)
"""What the source package has, which calls itself 1.20.5+really1.20.2."""

MIRROR, MIRROR_VARIABLE = "http://deb.debian.org/debian", "PODNET_DEBIAN_MIRROR"
SUITE, SOURCE = "bookworm", "kubernetes"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"

TOOLS = {
    "apt-get": "apt", "dpkg-source": "dpkg-dev", "patch": "patch", "go": "golang-go", "make": "make", "rsync": "rsync", "bash": "bash",
}  # fmt: skip
"""Programs that it needs, and Debian's package of each."""

ROOM = 3 << 30
"""Bytes of disk that it takes meanwhile: 2.7 GB were measured."""

UNPACKED = "unpacked"


def build() -> binaries.Binaries:
    """Have Kubernetes 1.20.2 in the cache: build it unless it is there. CannotRun says what is missing for that."""
    if VERSION not in binaries.cached():
        require_tools()
        work = binaries.cache() / f".build-{VERSION}"
        work.mkdir(parents=True, exist_ok=True)
        require_room(work)
        with locked(str(work / "lock")):  # whoever comes second finds it done
            if VERSION not in binaries.cached():
                _make(work)
        shutil.rmtree(work, ignore_errors=True)
    return binaries.Binaries(binaries.cached()[VERSION], VERSION)


def require_tools() -> None:
    """CannotRun, with what installs them, if programs are missing that it needs."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        packages = " ".join(dict.fromkeys(TOOLS[tool] for tool in absent))
        raise CannotRun(f"building Kubernetes needs {', '.join(absent)}: sudo apt install {packages}")
    if not os.path.exists(KEYS):
        raise CannotRun(f"building Kubernetes needs Debian's keys, {KEYS}: sudo apt install debian-archive-keyring")


def require_room(folder: Path) -> None:
    """CannotRun if the disk of *folder* has too little room."""
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise CannotRun(
            f"building Kubernetes takes {ROOM >> 30} GB for a while, and the disk of {folder} has {free / 2**30:.1f}: "
            "make room there, or set XDG_CACHE_HOME to a folder elsewhere"
        )


def _make(work: Path) -> None:
    source = work / UNPACKED
    if not source.is_dir():
        _unpack(_download(work), source)
    made = _compile(work, source)
    with binaries.filling(VERSION) as folder:
        for name in binaries.PROGRAMS:
            shutil.copy2(made / name, folder / name)


def _download(work: Path) -> Path:
    """Debian's source package: its .dsc file, beside which the others lie, all of them as apt knows them."""
    lists, archives, parts, sources = (work / "apt" / name for name in ("lists/partial", "cache/archives/partial", "sources", "source"))
    for folder in (lists, archives, parts, sources):
        folder.mkdir(parents=True, exist_ok=True)
    mirror = os.environ.get(MIRROR_VARIABLE) or MIRROR
    lines = ["Types: deb-src", f"URIs: {mirror}", f"Suites: {SUITE}", "Components: main", f"Signed-By: {KEYS}", ""]
    (parts / "debian.sources").write_text("\n".join(lines))
    own = {
        "Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts, "Dir::State::lists": lists.parent,
        "Dir::Cache": archives.parent.parent, "APT::Sandbox::User": "", "APT::Get::AllowUnauthenticated": "false",
    }  # fmt: skip
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in own.items())]
    why = f"Debian's source package {SOURCE} could not be had from {mirror}; another mirror is named by {MIRROR_VARIABLE}"
    _run([*apt, "-oAPT::Update::Error-Mode=any", "update"], work, why)
    _run([*apt, "source", "--download-only", SOURCE], sources, why)
    found = sorted(sources.glob(f"{SOURCE}_*.dsc"))
    if len(found) != 1:
        raise CannotRun(f"{why}: {len(found)} .dsc files came")
    return found[0]


def _unpack(package: Path, target: Path) -> None:
    """Have the source in *target*, with Debian's patches, and whole: dpkg-source may be interrupted."""
    beside = Path(tempfile.mkdtemp(prefix="unpacking-", dir=target.parent)) / "source"
    # apt has held the files against the signed list of packages; dpkg-source would ask for the maintainer's own key, too.
    _run(["dpkg-source", "--no-check", "-x", str(package), str(beside)], target.parent, "Debian's source package could not be unpacked")
    beside.rename(target)


def _compile(work: Path, source: Path) -> Path:
    """The folder with the programs; Go is kept from the network: all that it needs is in the source."""
    inside = source / ".go/src/k8s.io/kubernetes"
    inside.parent.mkdir(parents=True, exist_ok=True)
    if not inside.is_symlink():
        inside.symlink_to("../../..")
    version = {"VERSION": f"v{VERSION}", "MAJOR": VERSION.major, "MINOR": VERSION.minor, "COMMIT": "debian", "TREE_STATE": "clean"}
    settings = {
        "HOME": work, "GOCACHE": work / "go-cache", "GOPATH": source / ".go", "GOFLAGS": "-mod=vendor", "GOPROXY": "off",
        "CGO_ENABLED": 0, **{f"KUBE_GIT_{name}": value for name, value in version.items()},
    }  # fmt: skip
    what = " ".join(f"cmd/{name}" for name in binaries.PROGRAMS)
    _run(["make", f"WHAT={what}"], source, "Kubernetes could not be compiled", {name: str(value) for name, value in settings.items()})
    made = source / "_output/bin"
    return made if made.is_dir() else next(source.glob("_output/local/bin/linux/*"))


def _run(words: list[str], folder: Path, why: str, settings: Mapping[str, str] | None = None) -> None:
    """Run a program, whose output is seen; CannotRun says *why* it matters that it failed."""
    print(f"{folder}$ {' '.join(words[:1] + words[-2:])}", flush=True)
    ran = subprocess.run(words, cwd=folder, env=os.environ | (settings or {}), stdin=subprocess.DEVNULL, check=False)
    if ran.returncode:
        raise CannotRun(f"{why}: {words[0]} ended with status {ran.returncode}; its own words are above")


def main() -> None:
    """Build, and say where it is; what is wrong on purpose is told in words."""
    try:
        print(build())
    except PodnetError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
