"""
The CNI plugins `bridge` and `host-local` as a contender: ``python -m bench.cni 1 PODS``.

One exec for each Pod, as a container runtime does it; the network namespaces are made by us, in process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.contenders import CNI
from podnet_lab.kernel import namespaces

CONFIGURATION = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "type": "bridge",
    "bridge": "v-net-0",
    "isGateway": True,
    "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": "10.244.1.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/cni",
    },
}


def main(pods: int) -> None:
    """Add each Pod; print seconds and what `count` counts."""
    configuration = json.dumps(CONFIGURATION)
    known = {**os.environ, "CNI_COMMAND": "ADD", "CNI_IFNAME": "eth0", "CNI_PATH": str(CNI)}
    start = time.perf_counter()
    for number in range(2, pods + 2):
        name = f"pod-1-{number}"
        namespaces.add(name)
        environment = known | {"CNI_CONTAINERID": name, "CNI_NETNS": namespaces.path(name)}
        subprocess.run([CNI / "bridge"], input=configuration, env=environment, text=True, check=True, stdout=subprocess.DEVNULL)
    print(subprocess.check_output([Path(__file__).parent / "count", "echo", str(time.perf_counter() - start)], text=True), end="")


if __name__ == "__main__":
    main(int(sys.argv[2]))
