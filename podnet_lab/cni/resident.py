"""The plugin as a daemon: loaded once, it answers each call of podnet-cni on its node through a socket."""

from __future__ import annotations

import gc
import os
import sys

from podnet_lab.cni.plugin import answer
from podnet_lab.kernel.local_server import serve


def answered(variables: list[str], stdin: str) -> tuple[int, str, str]:
    """What a call is answered; *variables* are its CNI_* as NAME=VALUE, and CALLER, the process that waits for the answer."""
    environment = dict(variable.split("=", 1) for variable in variables if "=" in variable)
    errors: list[str] = []
    found_at = as_the_caller(environment.pop("CALLER", ""), environment.get("CNI_NETNS", ""))
    status, said = answer(environment, stdin, errors.append, found_at)
    return status, said, "".join(errors)


def as_the_caller(caller: str, path: str) -> str:
    """
    Where this process finds what a process calls *path*; "" if it is where it says.

    containerd has mounts that nobody else sees; and a descriptor, or a folder to begin from, is a process's own.
    """
    if not caller.isdecimal() or not path:
        return ""
    own = f"/proc/{caller}"
    for begin, means in (("/proc/self/", f"{own}/"), ("/dev/fd/", f"{own}/fd/")):
        if path.startswith(begin):
            return means + path.removeprefix(begin)
    if not path.startswith("/"):
        return f"{own}/cwd/{path}"
    return f"{own}/root{path}" if os.path.exists(f"{own}/root{path}") else ""


def main() -> None:
    """Answer at the socket that is named, for ever."""
    gc.freeze()  # what is loaded stays: no call is to wait while all of it is looked through
    serve(sys.argv[1], answered)


if __name__ == "__main__":
    main()
