"""
The first process of a one-machine lab, its agent beside the external network: ``python -m podnet_lab.backends.lab_program PYTHON``.

PYTHON is what the lab's nodes are to run in. If it is this one, their nursery is forked from here: nothing is loaded twice.
"""

from __future__ import annotations

import os
import sys

from execnet import gateway_base

from podnet_lab.backends import nursery


def main(node_python: str) -> None:
    """Be the lab's agent on input and output, until nobody hears it."""
    if node_python == sys.executable:
        nursery.fork(node_python)  # before there is a thread
    os.write(1, nursery.READY)
    model = gateway_base.get_execmodel("thread")
    gateway_base.serve(gateway_base.init_popen_io(model), id="lab-worker")


if __name__ == "__main__":
    main(sys.argv[1])
