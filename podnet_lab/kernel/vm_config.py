"""Whether this machine is one of the lab's VMs, and which: light, since whoever opens a lab asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/podnet/lab.json")
"""Which VM this is, and how to reach the others; provisioning writes it, so where it is, the lab is one of VMs."""


def vm_config() -> dict[str, Any] | None:
    """This VM's part in the lab, as provisioning wrote it: node, nodes, outside; None if this is not one of its VMs."""
    try:
        return json.loads(CONFIG.read_text())
    except FileNotFoundError:
        return None
