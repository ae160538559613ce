"""
Felix's part of a tunnel: what it does with Calico's datastore, with nothing but Python's own library, `ip` and `bridge`.

Run on a node: ``python3 felix.py http://ETCD:2379 NODE ADDRESS BLOCK…``; the last ones are its own. It tells the others of its node and
of the blocks that this has claimed by keys in etcd, and its kernel of the others: by a neighbour, a forwarding entry, and a route for
each block. Keys have no lease: as in Calico, a node that dies is known until somebody deletes it.
"""

import json
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from functools import cache
from http.client import HTTPException
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from urllib.request import ProxyHandler, build_opener

ETCD, NODE, ADDRESS, *BLOCKS = sys.argv[1:]
TUNNEL, PERIOD = "vxlan.calico", 5  # seconds after which it looks again, whatever it has heard
ALL, NODES, HOSTS = "/calico/", "/calico/resources/v3/projectcalico.org/nodes/", "/calico/ipam/v2/host/"
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # what a value raises that is not as it should be

http = build_opener(ProxyHandler({}))
say = cache(lambda text: print(text, flush=True))  # once: what is skipped is met again at every look
told = {}  # what the kernel was told of other nodes: their names, and the commands


def ask(what, **given):
    """A call of etcd's JSON gateway: its answers, one a line."""
    with http.open(f"{ETCD}/v3/{what}", json.dumps(given).encode(), timeout=PERIOD) as answers:
        yield from map(json.loads, answers)


def coded(text):
    """Text as the gateway takes keys and values."""
    return b64encode(text.encode()).decode()


def decoded(text):
    """The same back."""
    return b64decode(text).decode(errors="replace")


EVERY = {"key": coded(ALL), "range_end": coded(ALL[:-1] + "0")}  # all that begin so: "0" is what follows "/"


def own_keys():
    """What the others are to know: the node with its tunnel's address and MAC, and the blocks that are its own."""
    with open(f"/sys/class/net/{TUNNEL}/address") as file:
        mac = file.read().strip()
    (link,) = filter(None, json.loads(subprocess.check_output(["ip", "-json", "-4", "address", "show", "dev", TUNNEL])))
    gateway = link["addr_info"][0]["local"]
    spec = {"bgp": {"ipv4Address": ADDRESS}, "ipv4VXLANTunnelAddr": gateway, "vxlanTunnelMACAddr": mac}
    node = {"kind": "Node", "apiVersion": "projectcalico.org/v3", "metadata": {"name": NODE}, "spec": spec}
    blocks = {f"{HOSTS}{NODE}/ipv4/block/{block.replace('/', '-')}": {"state": "confirmed"} for block in BLOCKS}
    return {f"{NODES}{NODE}": node} | blocks


def other_nodes(store):
    """What the kernel is to know, by node: commands in this order, each with what takes it back; nothing of what can't be read."""
    wanted = {}
    for key in store:
        name = key.removeprefix(NODES)
        if not key.startswith(NODES) or name == NODE:
            continue
        try:
            spec = json.loads(store[key])["spec"]
            host, gateway = IPv4Interface(spec["bgp"]["ipv4Address"]).ip, IPv4Address(spec["ipv4VXLANTunnelAddr"])
            mac = bytes.fromhex(spec["vxlanTunnelMACAddr"].replace(":", "")).hex(":")
            claimed = [one.removeprefix(f"{HOSTS}{name}/ipv4/block/") for one in store if one.startswith(f"{HOSTS}{name}/ipv4/block/")]
            blocks = [IPv4Network(one.replace("-", "/")) for one in claimed]
        except UNREADABLE as problem:
            say(f"{key} is skipped: {problem!r}")
            continue
        entry, near = f"{mac} dev {TUNNEL} dst {host} self", f"{gateway} dev {TUNNEL}"
        wanted[name] = [
            (f"ip neigh replace {near} lladdr {mac} nud permanent", f"ip neigh del {near}"),
            (f"bridge fdb replace {entry} permanent", f"bridge fdb del {entry}"),
            *((f"ip route replace {block} via {near} onlink", f"ip route del {block} via {near}") for block in blocks),
        ]
    return wanted


def run(command):
    """Run a command, say so, and whether it went well."""
    done = subprocess.run(command.split(), stderr=subprocess.PIPE, text=True)
    print(command, done.stderr.strip() and f"# {done.stderr.strip()}", flush=True)
    return done.returncode == 0


def tell(nodes):
    """Bring the kernel to what *nodes* say: first what is so no longer is taken back, in reverse order."""
    for name in [name for name in told if told[name] != nodes.get(name)]:
        for _, undo in reversed(told.pop(name)):
            run(undo)
    for name, both in nodes.items():
        if name not in told and all(run(do) for do, _ in both):
            told[name] = both


def look():
    """Write the own keys, once; tell the kernel what all keys say, and wait for the next change."""
    listed = next(ask("kv/range", **EVERY))
    store = {decoded(kv["key"]): decoded(kv.get("value", "")) for kv in listed.get("kvs", ())}
    while unwritten:
        key = next(iter(unwritten))
        next(ask("kv/put", key=coded(key), value=coded(json.dumps(unwritten[key]))))
        del unwritten[key]
    tell(other_nodes(store))
    for answer in ask("watch", create_request={**EVERY, "start_revision": int(listed["header"]["revision"]) + 1}):
        if answer["result"].get("events"):
            return


unwritten = own_keys()
while True:
    try:
        look()
    except TimeoutError:
        pass  # nothing has changed for a period
    except (OSError, HTTPException, *UNREADABLE, subprocess.SubprocessError) as problem:
        print(f"again in a second: {problem!r}", flush=True)
        time.sleep(1)
