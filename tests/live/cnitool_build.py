"""
cnitool, the reference runtime's own small program, built from Debian's source package in some seconds, once, into a cache.

No Debian package has the program. What apt needs for the source (deb-src lines, its lists) is kept beside it: /etc/apt and
/var/lib/apt stay as they are, so an ordinary user can do it, too. apt checks the signature; Debian's Go does the rest.
"""

import os
import re
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from programs import installed

SOURCE = "golang-github-appc-cni"
INSIDE = "github.com/containernetworking/cni"
SECONDS = 120


class CannotBuild(Exception):
    """What is missing on this machine."""


def cached():
    """The program; CannotBuild if this machine can't make it. A build that was interrupted leaves nothing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podnet-lab-tests"
    program = cache / "cnitool"
    if not program.exists():
        if not installed("go"):
            raise CannotBuild("sudo apt install golang-go")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            build(Path(folder)).rename(program)
    return program


def build(folder):
    """The program, in *folder*."""
    tree = folder / "go" / "src" / INSIDE
    tree.mkdir(parents=True)
    run(["tar", "-C", tree, "--strip-components=1", "-xf", source(folder / "apt")])
    settings = {"GO111MODULE": "off", "GOPATH": str(folder / "go"), "GOCACHE": str(folder / "cache"), "CGO_ENABLED": "0", "GOFLAGS": ""}
    run(["go", "build", "-o", folder / "cnitool", f"{INSIDE}/cnitool"], **settings)
    return folder / "cnitool"


def source(folder):
    """The source package's archive, as apt gets it from where this machine gets its packages."""
    for name in ("parts", "lists/partial", "cache/archives/partial", "got"):
        (folder / name).mkdir(parents=True)
    for listed in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]:
        if listed.suffix in (".list", ".sources") and listed.is_file():
            text = re.sub(r"(?m)^(Types: ).*|^deb(?= )", lambda found: f"{found[1] or ''}deb-src", listed.read_text())
            (folder / "parts" / listed.name).write_text(text)
    (folder / "config").write_text(
        f'Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "{folder}/parts";\n'
        f'Dir::State::Lists "{folder}/lists"; Dir::Cache "{folder}/cache"; APT::Sandbox::User "";\n'
    )
    with suppress(CannotBuild):  # one of them may have no sources: what matters is whether this one is found
        run(["apt-get", "-qq", "update"], APT_CONFIG=str(folder / "config"))
    run(["apt-get", "-qq", "source", "--download-only", SOURCE], cwd=folder / "got", APT_CONFIG=str(folder / "config"))
    (archive,) = (folder / "got").glob("*.orig.tar.*")
    return archive


def run(command, cwd=None, **environment):
    """Run a command to its end; CannotBuild with its last words."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise CannotBuild(f"{command[0]} {command[1]}: {words[-1] if words else done.returncode}")
