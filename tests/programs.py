"""Whether this machine has a program: what lies in sbin is on an ordinary user's path only where a node looks for it."""

import os
import shutil


def installed(program):
    """Where a program is, or None: also where only root's path leads, as a lab's nodes have it."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
