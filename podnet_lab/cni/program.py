"""The program podnet-cni: one call of the plugin, by environment and standard input, and its answer on standard output."""

from __future__ import annotations

import os
import sys

from podnet_lab.cni.plugin import answer


def main() -> None:
    """Answer one call."""
    status, said = answer(os.environ, sys.stdin.buffer.read().decode(errors="replace") if sys.stdin else "")
    sys.stdout.write(said)
    sys.exit(status)


if __name__ == "__main__":
    main()
