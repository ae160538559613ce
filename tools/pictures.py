"""Draw the pictures of README from a real lab: pictures.py docs/images"""

import sys
from pathlib import Path

from podnet_lab import Lab
from podnet_lab.show import heatmap


def main(folder: Path) -> None:
    """Wire a cluster, and draw it and its matrix."""
    with Lab.open(pods=3, name="pictures") as lab:
        lab.goto("done")  # and not built, or everything would be marked as new
        (folder / "network.svg").write_text(lab.topology().svg + "\n")
        (folder / "matrix.svg").write_text(heatmap.draw(lab.matrix()) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
