"""
Wait until the kernel has cleared away every network namespace that was given up before: ``python -m bench.settle``.

It does so in order and behind everyone's back, and mostly waits meanwhile, so an idle processor does not tell. A cable into
a namespace that is given up now goes with it, and so tells that its turn, the last, has come.
"""

from __future__ import annotations

import os
import time

from podnet_lab.kernel import namespaces, node_setup
from podnet_lab.kernel.apply import apply

MOST = 20.0
"""Seconds to wait; a thousand namespaces take some ten."""


def main() -> None:
    """In namespaces of its own: make a namespace with a cable, give it up, and wait for the cable's end."""
    node_setup.mount_private_run_and_sys()
    apply(
        [
            ("namespace_add", None, {"name": "last"}),
            ("link_add", None, {"name": "here", "kind": "veth", "settings": {"peer": "there", "peer_namespace": "last"}}),
        ]
    )
    namespaces.remove("last")
    deadline = time.monotonic() + MOST
    while os.path.exists("/sys/class/net/here") and time.monotonic() < deadline:
        time.sleep(0.01)


if __name__ == "__main__":
    main()
