"""The manifest's own programs, taken out of the YAML and run on a lab's nodes as the DaemonSet runs them: they make the network."""

import json
from shlex import quote

import pytest
import yaml
from programs import installed

from live.helpers import until
from podnet_lab import Lab
from podnet_lab.cni.manifest import manifest
from podnet_lab.errors import ShellFailed

API_SERVER = """
import http.server, json, ssl, sys
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        nodes = {node["metadata"]["name"]: node for node in json.load(open("/run/nodes.json"))}
        path, _, query = self.path.partition("?")
        name = path.removeprefix("/api/v1/nodes").removeprefix("/")
        answer = nodes.get(name) if name else {"items": list(nodes.values())}
        allowed = not token or self.headers["Authorization"] == "Bearer " + token
        self.send_response(401 if not allowed else 200 if answer else 404); self.end_headers()
        self.wfile.write(json.dumps(answer if allowed else None).encode())
    def log_message(self, *words): pass
port, token, *certificate = sys.argv[1:]
server = http.server.HTTPServer(("127.0.0.1", int(port)), Api)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
"""What of an API server the programs ask for: without a token it is like `kubectl proxy`, with token and certificate like itself."""

PROGRAMS = next(one["data"] for one in yaml.safe_load_all(manifest()) if one["kind"] == "ConfigMap")
INSTALL = "install /run/podnet/podnet-by-hand /run/host/bin /run/host/net.d"


def object_of(node, **spec):
    """A node as the API server tells it."""
    address = {"type": "InternalIP", "address": str(node.external.ip)}
    spec = spec or {"podCIDR": str(node.subnet), "podCIDRs": [str(node.subnet)]}
    return {"metadata": {"name": node.name}, "spec": spec, "status": {"addresses": [{"type": "Hostname", "address": "x"}, address]}}


def tell(lab, nodes):
    """From now on the API server, asked by any node, knows these."""
    for node in lab.nodes:
        node.shell(f"printf %s {quote(json.dumps(nodes))} > /run/nodes.json")


def run(node, command, may_fail=False, environment=""):
    """A program of the manifest, as its container runs it."""
    return node.shell(
        f"{environment} NODE_NAME={node.name} PODNET_API=http://127.0.0.1:6443 python3 /run/podnet/podnet-node {command}", may_fail=may_fail
    )


def start_api(node, port, token, *certificate):
    """The API server on a node's own loopback; it answers when this returns, and ends with the lab."""
    words = " ".join(map(quote, ("python3", "/run/podnet/api", str(port), token, *certificate)))
    node.shell(f"ip link set lo up; setsid {words} > /run/api.log 2>&1 < /dev/null &")
    node.shell(
        f"for try in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/{port}) 2> /dev/null && exit; sleep 0.1; done; cat /run/api.log; exit 1"
    )


@pytest.fixture(scope="module")
def cluster():
    with Lab.open(nodes=3, pods=2, name="cni-manifest") as lab:
        for node in lab.nodes:
            node.shell("mkdir -p /run/podnet /run/host/bin /run/host/net.d")
            for name, text in (*PROGRAMS.items(), ("api", API_SERVER)):
                node.shell(f"printf %s {quote(text)} > /run/podnet/{name}")
            start_api(node, 6443, "")
        yield lab


def routes(node):
    return sorted(line.split(" dev ")[0] for line in node.shell("ip route show").splitlines() if "metric 7744" in line)


def test_a_node_without_a_subnet_gets_nothing_and_says_why(cluster):
    node = cluster["node1"]
    tell(cluster, [object_of(cluster.plan["node1"], podCIDRs=["fd00::/64"])])
    with pytest.raises(ShellFailed, match=r"node1 has no spec\.podCIDR: kube-controller-manager gives one"):
        run(node, INSTALL)
    assert node.shell("find /run/host -type f") == ""


def test_installed_on_all_nodes_every_pod_reaches_every_other(cluster):
    tell(cluster, [object_of(node) for node in cluster.plan.nodes])
    for node in cluster.nodes:
        assert run(node, INSTALL).strip() == f"{node.name}: Pods get addresses of {cluster.plan[node.name].subnet}"
        assert node.shell("cd /run/host; stat -c '%a %n' */*").split("\n")[:2] == [
            "755 bin/podnet-by-hand",
            "644 net.d/10-podnet.conflist",
        ]
        runtime = cluster.runtime(node.name, path=["/run/host/bin"])
        for pod in ("a", "b"):
            runtime.add(f"{pod}-{node.name}", node.shell("cat /run/host/net.d/10-podnet.conflist")).require()
    matrix = cluster.matrix()
    assert 0 < matrix.reached < len(matrix), "only on one's own node: a plugin writes no routes to others"
    for node in cluster.nodes:
        run(node, "routes-once")
    assert routes(cluster["node1"]) == ["10.244.2.0/24 via 192.168.1.12", "10.244.3.0/24 via 192.168.1.13"]
    assert cluster.check()
    assert run(cluster["node1"], "routes-once") == "", "what is as it should be is left alone"


def test_routes_follow_the_nodes_and_touch_nobody_elses(cluster):
    node = cluster["node1"]
    node.shell("ip route add 10.99.0.0/24 via 192.168.1.12")
    first, second, third = map(object_of, cluster.plan.nodes)
    second["spec"] = {"podCIDRs": ["fd00::/64", "10.244.7.0/24"]}
    elsewhere = {**third, "metadata": {"name": "far"}, "spec": {"podCIDR": "10.244.8.0/24"}}
    elsewhere["status"] = {"addresses": [{"type": "InternalIP", "address": "203.0.113.9"}]}
    new = {"metadata": {"name": "new"}, "spec": {}, "status": {}}
    tell(cluster, [first, second, elsewhere, new])
    said = run(node, "routes-once")
    assert "node1: no route to 10.244.2.0/24 any more" in said
    assert "node1: 10.244.8.0/24 via 203.0.113.9: " in said, "no neighbour: it can't be a next hop, and that is told"
    assert routes(node) == ["10.244.7.0/24 via 192.168.1.12"]
    assert "10.99.0.0/24 via 192.168.1.12" in node.shell("ip route show")
    node.shell("ip route del 10.99.0.0/24")


def test_the_routes_stay_while_nobody_answers_and_come_back_when_one_deletes_them(cluster):
    node = cluster["node1"]
    tell(cluster, [object_of(node) for node in cluster.plan.nodes])
    run(node, "routes-once")
    there = routes(node)
    assert len(there) == 2
    process = run(node, "routes 0.1 > /run/log 2>&1 < /dev/null & echo $!").strip()
    node.shell("mv /run/nodes.json /run/kept; : > /run/log")
    until(lambda: "node1: the API server does not answer" in node.shell("cat /run/log"))
    assert routes(node) == there
    node.shell("ip route del 10.244.2.0/24 metric 7744; mv /run/kept /run/nodes.json")
    until(lambda: routes(node) == there)
    node.shell(f"kill {process}")


@pytest.mark.parametrize("program", ["ip", "busybox"])
def test_either_ip_does(cluster, program):
    """An image's `ip` may be busybox's, which passes over filters."""
    if not installed(program):
        pytest.skip(f"needs {program}")
    node, words = cluster["node1"], "ip" if program == "ip" else f"{program} ip"
    node.shell(
        f"rm -rf /run/path; mkdir /run/path; printf '#!/bin/sh\\nPATH=$OLD exec {words} \"$@\"\\n' > /run/path/ip; chmod 755 /run/path/ip"
    )
    node.shell("ip route add 10.99.0.0/24 via 192.168.1.12")
    for name in ("node2", "node3"):
        tell(cluster, [object_of(cluster.plan["node1"]), object_of(cluster.plan[name])])
        run(node, "routes-once", environment="OLD=$PATH PATH=/run/path:$PATH")
        assert routes(node) == [f"{cluster.plan[name].subnet} via {cluster.plan[name].external.ip}"]
    node.shell("ip route del 10.99.0.0/24")


def test_a_pods_token_and_certificate_are_what_it_asks_with(cluster):
    """They lie where a kubelet puts them, and Kubernetes' own variables say where to ask."""
    if not installed("openssl"):
        pytest.skip("needs openssl")
    node, account = cluster["node1"], "/var/run/secrets/kubernetes.io/serviceaccount"
    tell(cluster, [object_of(node) for node in cluster.plan.nodes])
    certificate = "openssl req -x509 -nodes -newkey rsa:2048 -days 1 -subj /CN=kubernetes -addext subjectAltName=IP:127.0.0.1"
    node.shell(f"mkdir -p {account}; {certificate} -keyout /run/key -out {account}/ca.crt; printf secret > {account}/token")
    start_api(node, 6444, "secret", f"{account}/ca.crt", "/run/key")
    ask = f"KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=6444 NODE_NAME=node1 python3 /run/podnet/podnet-node {INSTALL}"
    assert node.shell(ask) == "node1: Pods get addresses of 10.244.1.0/24\n"
    node.shell(f"printf other > {account}/token")
    with pytest.raises(ShellFailed, match="401"):
        node.shell(ask)
    node.shell(f"printf secret > {account}/token; {certificate} -keyout /dev/null -out {account}/ca.crt")
    with pytest.raises(ShellFailed, match="CERTIFICATE_VERIFY_FAILED"):
        node.shell(ask)
