"""Flannel's agents in tests: started, ended, and what the kernels know of other nodes by `ip` and `bridge`."""

import json

from live.helpers import until
from podnet_lab.daemons import etcd
from podnet_lab.networks.flannel import control_plane

AT_ONCE = 2.0
"""Seconds within which a watch event is told to a kernel, on a machine that does other things as well; 50 ms is usual."""

SHORT = 2
"""Seconds of a lease whose end is waited for."""

LONG = 60
"""Seconds of a lease that is not to end, however slow the machine is."""

ETCD = "192.168.1.11"
SUBNETS = {"node1": "10.244.1.0/24", "node2": "10.244.2.0/24", "node3": "10.244.3.0/24"}
BEFORE = {"flannel": "peers", "flannel-host-gw": "routes"}
"""The stage whose work the agents do."""


def begin(lab, agents=SUBNETS, ttl=LONG, **how):
    """All but the entries of other nodes, which the agents on some of the nodes are to make."""
    lab.goto(BEFORE[lab.network.name])
    lab.run(control_plane.start_etcd(lab.plan))
    lab["node1"].shell(control_plane.put_config("host-gw" if "host-gw" in lab.network.name else "vxlan"))
    start(lab, agents, ttl=ttl, **how)
    if len(agents) == 3:
        until(lambda: all(entries(lab, node) == expected(lab, node) for node in SUBNETS), AT_ONCE)
    return lab


def start(lab, nodes, **how):
    started = control_plane.start_agents(lab.plan, **how)
    lab.run({node: started[node] for node in nodes})


def end(lab, node):
    """As a node ends: without a word."""
    agent = control_plane.agent(lab.plan[node], lab.plan["node1"])
    lab[node].shell(f"kill -9 $(cat {agent.folder}/pid)")
    until(lambda: not [process for process in lab[node].snapshot().processes if process.daemon == agent.name])


def entries(lab, node):
    """What `ip` and `bridge` say of other nodes: routes, neighbours, forwarding entries."""
    commands = ("ip route show proto boot", "ip neigh show dev flannel.1 nud permanent", "bridge fdb show dev flannel.1")
    said = lab[node].shell("; echo; ".join(commands if "host-gw" not in lab.network.name else commands[:1]))
    return {line.strip() for line in said.splitlines() if line.strip()}


def expected(lab, node, others=SUBNETS):
    """The same, as it should be for each of *others*."""
    found = set()
    for other in set(others) - {node}:
        host, near = lab.plan[other].external.ip, SUBNETS[other].partition("/")[0]
        if "host-gw" in lab.network.name:
            found.add(f"{SUBNETS[other]} via {host} dev eth0")
            continue
        mac = lab[other].shell("cat /sys/class/net/flannel.1/address").strip()
        found |= {f"{SUBNETS[other]} via {near} dev flannel.1 onlink", f"{near} lladdr {mac} PERMANENT"}
        found.add(f"{mac} dst {host} self permanent")
    return found


def ask(lab, what, **given):
    return json.loads(lab["node1"].shell(etcd.call(what, given)))


def key_of(lab, node):
    return control_plane.key(lab.plan[node])


def log(lab, node):
    return lab[node].shell("cat /run/podnet/flannel-agent/log")
