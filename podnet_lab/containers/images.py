"""Images made on the spot, offline: busybox with a link for each of its programs, in one layer, as `docker save` would write it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Mapping, Sequence
from shlex import quote

BUSYBOX = "localhost/busybox:1"
"""The image that every node has. Told nothing it sleeps, and so holds a Pod's namespaces, too, as a pause program does."""

FILES = ("/bin/busybox", "/usr/bin/busybox")
"""Where Debian's busybox-static puts its one program, which needs no library."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""How images call a machine that says of itself (uname(2)) something else."""

_START = "import sys; sys.path.insert(0, {folder!r}); from podnet_lab.containers.images import main; main()"


def archive(name: str, files: Mapping[str, bytes], links: Mapping[str, str], command: Sequence[str], machine: str = "x86_64") -> bytes:
    """An image called *name*: programs by path, *links* to them by path, and the *command* that is run if nobody names another."""
    layer = _layer(files, links)
    config = _json(
        {
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Cmd": list(command), "Env": ["PATH=/bin"], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    )
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = _json([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}])
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for file, content in ((config_name, config), ("layer.tar", layer), ("manifest.json", manifest)):
            _add(tar, file, content)
    return whole.getvalue()


def busybox(program: bytes, applets: Sequence[str], machine: str = "x86_64") -> bytes:
    """The image `BUSYBOX`, of the program and the names it answers to."""
    links = {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    return archive(BUSYBOX, {"bin/busybox": program}, links, ["/bin/sleep", "inf"], machine)


def import_busybox(package: Mapping[str, str]) -> str:
    """A shell script that has a node's containerd know `BUSYBOX`; *package*: where Python and podnet_lab are there (`Agent.package`)."""
    make = " ".join(map(quote, (package["python"], "-I", "-S", "-c", _START.format(folder=package["folder"]))))
    return f"set -o pipefail; ctr -n k8s.io images ls -q | grep -qx {BUSYBOX} || {make} | ctr -n k8s.io images import - > /dev/null"


def main() -> None:
    """Write `BUSYBOX` to standard output, made of this machine's busybox."""
    import subprocess  # here: nobody else needs it

    path = next(place for place in FILES if os.path.exists(place))
    listed = subprocess.run([path, "--list"], capture_output=True, text=True, check=True).stdout.split()
    with open(path, "rb") as file:
        sys.stdout.buffer.write(busybox(file.read(), listed, os.uname().machine))


def _layer(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    folders = {folder for path in (*files, *links) for folder in _above(path)} | {"etc", "tmp"}
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in sorted(folders):
            _add(tar, folder, kind=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755)
        for path, content in files.items():
            _add(tar, path, content, mode=0o755)
        for path, target in links.items():
            _add(tar, path, kind=tarfile.SYMTYPE, link=target)
    return layer.getvalue()


def _above(path: str) -> list[str]:
    """The folders that *path* lies in, the outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = "") -> None:
    info = tarfile.TarInfo(name)  # of root, at the beginning of time: the same machine makes the same image
    info.size, info.type, info.mode, info.linkname = len(content), kind, mode, link
    tar.addfile(info, io.BytesIO(content))
