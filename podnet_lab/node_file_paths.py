"""Which small files of a node a snapshot has: those by which the programs of Pod networks tell each other something. Pure."""

from __future__ import annotations

import re

FOLDERS = ("/run/flannel", "/var/lib/cni/networks")
"""What is read: what flanneld tells the CNI plugin, and host-local's files, one for each address that is given out."""

DEPTH = 2
"""Names below such a folder that a path may have: /var/lib/cni/networks/cbr0/10.244.1.2."""

MOST_BYTES, MOST_FILES = 4096, 4096
"""Of one file, and on one node; whatever is beyond that is not in a snapshot."""

_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})(?:/{_NAME}){{1,{DEPTH}}}")


def is_file_path(path: object) -> bool:
    """Whether a snapshot has what lies at *path*."""
    return isinstance(path, str) and _PATH.fullmatch(path) is not None
