"""
Kubernetes' programs from the project's own release, each held against the checksum that lies beside it.

A release is a folder: URL/v1.34.1/bin/linux/amd64/kubelet, with kubelet.sha256 or kubelet.sha512 (https://kubernetes.io/releases/download/).
The checksum comes from the same server, so it shows what was cut or spoilt on the way; who is asked is known by TLS.
"""

from __future__ import annotations

import hashlib
import http.client
import platform
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.kubernetes import binaries
from podnet_lab.kubernetes.versions import Version

URL = "https://dl.k8s.io"
CURRENT = Version(1, 34, 1)
"""What is fetched if no version is named."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CHECKSUMS = ("sha256", "sha512")
PIECE = 1 << 20
PATIENCE = 60
"""Seconds in which a server has to say something."""

Tell = Callable[[str], None]


def fetch(version: Version = CURRENT, url: str = URL, tell: Tell = lambda text: None) -> binaries.Binaries:
    """
    Have that version in the cache: download it unless it is there.

    CannotRun, and nothing is kept, if one program can't be had, or is not what its checksum says.
    """
    there = binaries.cached()
    if version not in there:
        with binaries.filling(version) as folder:
            for name in binaries.PROGRAMS:
                tell(f"fetching {name} {version}")
                _program(f"{_base(url)}/v{version}/bin/linux/{_architecture()}/{name}", folder / name)
        there = binaries.cached()
    return binaries.Binaries(there[version], version)


def _architecture() -> str:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise CannotRun(f"Kubernetes' release has no programs for {machine} that podnet-lab knows of: {' and '.join(ARCHITECTURES)}")
    return ARCHITECTURES[machine]


def _base(url: str) -> str:
    if not re.match(r"https?://\w", url):
        raise BadInput(f"a release is at an address like {URL}, not {url!r}")
    return url.rstrip("/")


def _program(url: str, path: Path) -> None:
    kind, wanted = _checksum(url)
    found = hashlib.new(kind)
    try:
        with path.open("wb") as file:
            for piece in _read(url):
                found.update(piece)
                file.write(piece)
    except FileNotFoundError:
        raise CannotRun(f"there is no {url}, though a checksum of it is there") from None
    if found.hexdigest() != wanted:
        raise CannotRun(f"{url} is not what its {kind} says: {found.hexdigest()[:16]}… instead of {wanted[:16]}…; nothing was kept")
    path.chmod(0o755)


def _checksum(url: str) -> tuple[str, str]:
    """Of which kind the checksum beside a program is, and what it says."""
    for kind in CHECKSUMS:
        try:
            text = b"".join(_read(f"{url}.{kind}")).decode(errors="replace")
        except FileNotFoundError:
            continue
        if found := re.fullmatch(rf"\s*([0-9a-f]{{{hashlib.new(kind).digest_size * 2}}})(\s.*)?", text, re.DOTALL):
            return kind, found[1]
        raise CannotRun(f"{url}.{kind} is no checksum: {text[:40]!r}")
    raise CannotRun(f"there is no {url} with a checksum beside it: is this version of Kubernetes released?")


def _read(url: str):
    """What is at *url*, in pieces; FileNotFoundError if nothing is, CannotRun if it can't be had, or not all of it."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - https or http, as _base has seen
            while piece := answer.read(PIECE):
                yield piece
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise FileNotFoundError(url) from None
        raise CannotRun(f"{url}: the server says {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise CannotRun(f"{url} could not be read: {getattr(error, 'reason', error)!s}") from None
