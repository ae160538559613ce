"""
A node's agent: what flanneld does with etcd, with nothing but Python's own library, `ip` and `bridge`.

Run on a node: ``python3 agent.py http://ETCD:2379 SUBNET ADDRESS TTL``; the last three are its own. It tells the others of its
node by a key in etcd, which goes if it is not renewed for TTL seconds, and its kernel of the others: by three entries each, or
one route. SIGTERM ends it at once and nothing is taken back, as with flanneld: packets still go, until its lease has run out.
"""

import json
import os
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from functools import cache
from http.client import HTTPException
from ipaddress import IPv4Address, IPv4Network
from urllib.request import ProxyHandler, build_opener

ETCD, SUBNET, ADDRESS, TTL = sys.argv[1:]
PERIOD = min(int(TTL) / 3, 5)  # seconds for which a look follows what changes; flanneld sees to its routes every ten
CONFIG, SUBNETS = "/coreos.com/network/config", "/coreos.com/network/subnets/"
OWN = SUBNETS + SUBNET.replace("/", "-")
ENV = "/run/flannel/subnet.env"
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # what a value raises that is not as it should be

http = build_opener(ProxyHandler({}))
say = cache(lambda text: print(text, flush=True))  # once: what is skipped is met again at every look
told = {}  # what the kernel was told of other nodes: their keys, and the commands
lease = None


def ask(what, **given):
    """A call of etcd's JSON gateway: its answers, one a line."""
    with http.open(f"{ETCD}/v3/{what}", json.dumps(given).encode(), timeout=PERIOD) as answers:
        yield from map(json.loads, answers)


def coded(text):
    """Text as the gateway takes keys and values."""
    return b64encode(text.encode()).decode()


def values(found):
    """The keys and values of an answer."""
    return {b64decode(kv["key"]).decode(): b64decode(kv.get("value", "")).decode(errors="replace") for kv in found.get("kvs", ())}


def read_config():
    """What all nodes have in common: the range of Pods, how packets go to other nodes, and the name of the tunnel."""
    config = json.loads(values(next(ask("kv/range", key=coded(CONFIG))))[CONFIG])
    backend = config.get("Backend", {})
    kind, vni = backend.get("Type", "udp"), backend.get("VNI", 1)
    if kind not in ("vxlan", "host-gw"):
        raise ValueError(f"the backend is {kind}, and this agent knows vxlan and host-gw")
    return IPv4Network(config["Network"]), kind, vni, f"flannel.{vni}"


def own_value(kind, vni, tunnel):
    """What the others are to know of this node, as flanneld writes it."""
    value = {"PublicIP": ADDRESS, "PublicIPv6": None, "BackendType": kind}
    if kind == "vxlan":
        with open(f"/sys/class/net/{tunnel}/address") as file:
            value["BackendData"] = {"VNI": vni, "VtepMAC": file.read().strip()}
    return json.dumps(value, separators=(",", ":"))


def keep_lease(value):
    """Renew the lease. Without one (any more) take one, and put the own key that goes with it, if nobody else has that: then True."""
    global lease
    if lease and "TTL" in next(ask("lease/keepalive", ID=lease))["result"]:
        return False
    lease, new, key = None, next(ask("lease/grant", TTL=TTL))["ID"], coded(OWN)
    put, never = {"request_put": {"key": key, "value": coded(value), "lease": new}}, {"key": key, "target": "VERSION", "version": 0}
    done = next(ask("kv/txn", compare=[never], success=[put], failure=[{"request_range": {"key": key}}]))
    if not done.get("succeeded"):
        holder = values(done["responses"][0]["response_range"])[OWN]
        if json.loads(holder)["PublicIP"] != ADDRESS:
            next(ask("lease/revoke", ID=new))
            raise ValueError(f"{SUBNET} belongs to {holder}")
        next(ask("kv/txn", success=[put]))
    lease = new
    return True


def write_env(network, kind):
    """Write what the CNI plugin reads before it makes a Pod."""
    (uplink,) = filter(None, json.loads(subprocess.check_output(["ip", "-json", "address", "show", "to", ADDRESS])))
    first, mtu = f"{IPv4Network(SUBNET)[1]}/{SUBNET.partition('/')[2]}", uplink["mtu"] - (50 if kind == "vxlan" else 0)
    os.makedirs(os.path.dirname(ENV), exist_ok=True)
    with open(f"{ENV}.new", "w") as file:
        file.write(f"FLANNEL_NETWORK={network}\nFLANNEL_SUBNET={first}\nFLANNEL_MTU={mtu}\nFLANNEL_IPMASQ=true\n")
    os.replace(f"{ENV}.new", ENV)


def commands(key, value, network, kind, tunnel):
    """What tells the kernel of another node, in this order, each with what takes it back; nothing for what can't be read."""
    try:
        node, subnet = json.loads(value), IPv4Network(key.removeprefix(SUBNETS).replace("-", "/"))
        host, near = IPv4Address(node["PublicIP"]), subnet.network_address
        if node["BackendType"] != kind or not subnet.subnet_of(network):
            raise ValueError(f"its backend is {node['BackendType']}, its subnet {subnet}")
        if kind == "host-gw":
            return [(f"ip route replace {subnet} via {host}", f"ip route del {subnet} via {host}")]
        mac = bytes.fromhex(node["BackendData"]["VtepMAC"].replace(":", "")).hex(":")
    except UNREADABLE as problem:
        say(f"{key} is skipped: {problem!r}")
        return []
    return [
        (f"ip neigh replace {near} lladdr {mac} dev {tunnel} nud permanent", f"ip neigh del {near} dev {tunnel}"),
        (f"bridge fdb replace {mac} dev {tunnel} dst {host} self permanent", f"bridge fdb del {mac} dev {tunnel} dst {host} self"),
        (f"ip route replace {subnet} via {near} dev {tunnel} onlink", f"ip route del {subnet} via {near} dev {tunnel}"),
    ]


def run(command):
    """Run a command, say so, and whether it went well."""
    done = subprocess.run(command.split(), stderr=subprocess.PIPE, text=True)
    print(command, done.stderr.strip() and f"# {done.stderr.strip()}", flush=True)
    return done.returncode == 0


def tell(nodes):
    """Bring the kernel to what *nodes* say: first what is so no longer is taken back, in reverse order."""
    for key in [key for key in told if told[key] != nodes.get(key)]:
        for _, undo in reversed(told.pop(key)):
            run(undo)
    for key, both in nodes.items():
        if key not in told and both and all(run(do) for do, _ in both):
            told[key] = both


def forget_lost_routes():
    """Forget of whom the route is gone, so that it is told again."""
    table = subprocess.check_output(["ip", "route"], text=True)
    for key in [key for key, ((do, _),) in told.items() if do.removeprefix("ip route replace ") + " " not in table]:
        del told[key]


def look():
    """Read everything, and then follow what changes, until the next look is due."""
    due = time.monotonic() + PERIOD
    network, kind, vni, tunnel = read_config()
    new = keep_lease(own_value(kind, vni, tunnel))
    every = {"key": coded(SUBNETS), "range_end": coded(SUBNETS[:-1] + "0")}  # all that begin so: "0" is what follows "/"
    listed = next(ask("kv/range", **every))
    nodes = {key: commands(key, value, network, kind, tunnel) for key, value in values(listed).items()}
    if nodes.pop(OWN, None) is None:
        sys.exit(f"{OWN} was taken away: this agent ends, as flanneld does")
    if kind == "host-gw":
        forget_lost_routes()
    tell(nodes)
    if new:
        write_env(network, kind)
    for answer in ask("watch", create_request={**every, "start_revision": int(listed["header"]["revision"]) + 1}):
        for event in answer["result"].get("events", ()):
            ((key, value),) = values({"kvs": [event["kv"]]}).items()
            if key == OWN:
                return
            nodes[key] = [] if event.get("type") == "DELETE" else commands(key, value, network, kind, tunnel)
        tell(nodes)
        if time.monotonic() > due:
            return


while True:
    try:
        look()
    except TimeoutError:
        pass  # nothing has changed for a period
    except (OSError, HTTPException, *UNREADABLE, subprocess.SubprocessError) as problem:
        print(f"again in a second: {problem!r}", flush=True)
        time.sleep(1)
