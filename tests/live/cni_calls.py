"""Calls of the CNI plugin, as a person would type them, and what it keeps."""

from __future__ import annotations

import json

from podnet_lab.cni.installation import BIN, PROGRAM

LEASES = "/var/lib/cni/networks/podnet"


def leases(lab, node="node1"):
    """The addresses that are given out on a node."""
    return sorted(lab[node].shell(f"cd {LEASES} 2> /dev/null && ls | grep '^[0-9]'; true").split())


def call(lab, command, config, pod="web", netns="", program=PROGRAM):
    """What one call of a plugin is answered, as a person would type it; its exit status says whether that is an error."""
    *said, status = (
        lab["node1"]
        .shell(
            f"export CNI_COMMAND={command} CNI_CONTAINERID={pod} CNI_NETNS={netns or f'/run/netns/{pod}'} CNI_IFNAME=eth0 CNI_PATH={BIN}\n"
            f"{BIN}/{program} <<'EOF'\n{json.dumps(config)}\nEOF\necho \"\n$?\""
        )
        .strip()
        .splitlines()
    )
    answer = json.loads("".join(said)) if said else None
    assert (status == "1") == ("code" in (answer or {})), (status, answer)
    return answer


def one(runtime, **more):
    """The lab's configuration as a plugin gets it."""
    listed = runtime.conflist()
    return {**listed["plugins"][0], "cniVersion": listed["cniVersion"], "name": listed["name"], **more}


def first_free(node):
    """The address that the plugin gives out first on a node: those before are the lab's own."""
    subnet = node.subnet
    return f"{subnet.network_address + subnet.num_addresses // 2}"
