"""The runtime to play with: it calls plugins as libcni does, and Debian's own work in a lab's node as on a machine."""

import base64
import json

import pytest

from live.helpers import everything, until
from podnet_lab import Lab, namespace
from podnet_lab.cni.installation import BIN
from podnet_lab.errors import BadInput, PluginFailed

RECORDER = """#!/bin/sh
# A plugin that writes down what it is given, and adds its name to what came before.
exec python3 -c '
import json, os, sys
config = json.load(sys.stdin)
given = {key: value for key, value in os.environ.items() if key.startswith("CNI_")}
open("/run/recorded", "a").write(json.dumps([config["type"], given, config]) + "\\n")
if config.get("says"):
    print(json.dumps({"cniVersion": config["cniVersion"], "code": 7, "msg": config["says"]})); sys.exit(1)
if given["CNI_COMMAND"] == "ADD":
    previous = config.get("prevResult", {"cniVersion": config["cniVersion"]})
    print(json.dumps(previous | {"chain": [*previous.get("chain", []), config["type"]]}))
'
"""
PORTS = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}


@pytest.fixture(scope="module")
def two_running():
    with Lab.open(nodes=2, pods=1, name="cni-runtime") as lab:
        yield lab


@pytest.fixture
def small(two_running):
    two_running.reset()
    two_running["node1"].shell("rm -rf /var/lib/cni/results /run/recorded")
    return two_running


@pytest.fixture
def runtime(small):
    return small.runtime("node1")


@pytest.fixture
def recorded(small, runtime):
    """Two plugins that write down what they are given; what they have written, call by call."""
    for name in ("first", "second"):
        small["node1"].shell(f"mkdir -p {BIN}; cat > {BIN}/{name} <<'EOF'\n{RECORDER}EOF\nchmod 755 {BIN}/{name}")
    return lambda: [json.loads(line) for line in small["node1"].shell("cat /run/recorded; rm /run/recorded").splitlines()]


def listed(version="1.1.0", **second):
    return {
        "cniVersion": version,
        "name": "net",
        "plugins": [{"type": "first"}, {"type": "second", "capabilities": {"portMappings": True}, **second}],
    }


def test_each_plugin_gets_the_result_of_the_one_before_and_the_last_is_kept(runtime, small, recorded):
    added = runtime.add("web", listed(), ifname="net1", args={"K": "v"}, capabilities=PORTS).require()
    assert added.result["chain"] == ["first", "second"]
    (one, given, config), (two, _, later) = recorded()
    assert (one, two) == ("first", "second")
    assert given == {
        "CNI_COMMAND": "ADD",
        "CNI_CONTAINERID": "web",
        "CNI_NETNS": "/run/netns/web",
        "CNI_IFNAME": "net1",
        "CNI_ARGS": "K=v",
        "CNI_PATH": ":".join((BIN, "/opt/cni/bin", "/usr/lib/cni")),
    }
    assert config == {"type": "first", "name": "net", "cniVersion": "1.1.0"}
    assert (later["prevResult"]["chain"], later["runtimeConfig"]) == (["first"], PORTS)
    (kept,) = runtime.attachments()
    assert json.loads(small["node1"].shell("cat /var/lib/cni/results/net-web-net1")) == kept
    assert json.loads(base64.b64decode(kept["config"])) == listed()
    assert (kept["kind"], kept["cniArgs"], kept["capabilityArgs"], kept["result"]) == ("cniCacheV1", [["K", "v"]], PORTS, added.result)

    runtime.check("web", listed(), ifname="net1").require()
    assert [(name, config["prevResult"]["chain"]) for name, _, config in recorded()] == [
        (name, ["first", "second"]) for name in ("first", "second")
    ]
    runtime.delete("web", listed(), ifname="net1").require()
    calls = recorded()
    assert [(name, given["CNI_COMMAND"], given["CNI_ARGS"]) for name, given, _ in calls] == [
        ("second", "DEL", "K=v"),
        ("first", "DEL", "K=v"),
    ]
    assert calls[0][2]["runtimeConfig"] == PORTS
    assert runtime.attachments() == ()


def test_a_plugin_that_says_no_ends_add_and_nothing_is_kept(runtime, recorded):
    failed = runtime.add("web", listed(says="not today"))
    assert not failed
    assert [call.plugin for call in failed.calls] == ["first", "second"]
    with pytest.raises(PluginFailed, match="second ADD: error 7: not today"):
        failed.require()
    assert runtime.attachments() == ()
    assert [call.plugin for call in runtime.delete("web", listed(says="no")).calls] == ["second"]
    assert [bool(call) for call in runtime.gc(listed(says="no"), valid=[]).calls] == [True, False], "GC asks all of them"


def test_garbage_collection_deletes_what_is_kept_and_whose_namespace_has_gone(runtime, small, recorded):
    for pod in ("web", "db"):
        runtime.add(pod, listed()).require()
    small["node1"].run(namespace.remove("web"))
    recorded()
    collected = runtime.gc(listed()).require()
    assert [(call.plugin, call.command) for call in collected.calls] == [
        ("second", "DEL"),
        ("first", "DEL"),
        ("first", "GC"),
        ("second", "GC"),
    ]
    assert recorded()[-1][2]["cni.dev/valid-attachments"] == [{"containerID": "db", "ifname": "eth0"}]
    assert [kept["containerId"] for kept in runtime.attachments()] == ["db"]


@pytest.mark.parametrize(("version", "check", "status", "gc"), [("0.3.1", False, 0, 0), ("0.4.0", True, 0, 0), ("1.1.0", True, 2, 2)])
def test_older_versions_have_fewer_verbs(runtime, recorded, version, check, status, gc):
    runtime.add("web", listed(version)).require()
    assert bool(runtime.check("web", listed(version))) is check
    assert len(runtime.status(listed(version)).require().calls) == status
    assert len(runtime.gc(listed(version), valid=["web"]).require().calls) == gc
    assert ("prevResult" in json.loads(runtime.delete("web", listed(version)).calls[0].stdin)) is check


def test_what_can_not_be_called_is_told(runtime, small):
    with pytest.raises(BadInput, match="outside is not in the cluster"):
        small.runtime("outside")
    for bad in (
        {"pod": "_web"},
        {"pod": "web", "ifname": "a/b"},
        {"pod": "web", "network": "{"},
        {"pod": "web", "network": "/etc/none.conflist"},
    ):
        with pytest.raises(BadInput):
            runtime.add(**bad)
    missing = runtime.add("web", {"cniVersion": "1.0.0", "name": "net", "type": "no-such-plugin"})
    assert "no program of that name in /run/cni/bin, /opt/cni/bin, /usr/lib/cni" in str(missing)
    assert "no ADD of web eth0 is kept" in str(runtime.check("web"))


def test_a_configuration_may_be_a_file_of_the_node_and_a_transcript_does_the_same_again(runtime, small):
    small["node1"].shell(f"mkdir -p /etc/cni/net.d; cat > /etc/cni/net.d/10-podnet.conflist <<'EOF'\n{json.dumps(runtime.conflist())}\nEOF")
    added = runtime.add("web", "/etc/cni/net.d/10-podnet.conflist").require()
    typed, _, _ = added.transcript.partition("\nEOF\n")
    command = typed.removeprefix("node1# ") + "\nEOF\n"
    before = everything(small)
    runtime.delete("web").require()
    again = json.loads(
        small["node1"].shell(command.replace('"rangeStart": "10.244.1.128"', '"rangeStart": "10.244.1.128", "rangeEnd": "10.244.1.128"'))
    )
    assert again["ips"] == added.result["ips"]
    assert everything(small) == before


PYTHON = "#!/usr/bin/env python3\n"
OF_A_STUDENT = {
    "a syntax error": (PYTHON + "if True print(1)", 1, "SyntaxError"),
    "nothing printed": (PYTHON, 0, "it printed nothing, and ADD is answered by a JSON object"),
    "junk": ("#!/bin/bash\necho ready", 0, "what it printed is no JSON object: ready"),
    "a word before the answer": ("#!/bin/bash\necho ready; echo '{}'", 0, "what is for people goes to standard error"),
    "bytes that are no text": ("#!/bin/bash\nhead -c 3000 /dev/zero; printf '\\377'", 0, "no JSON object"),
    "another shape": (PYTHON + 'print(\'{"ips": ["10.0.0.1/24"]}\')', 0, "ips is no list of objects"),
    "an interpreter that is none": ("#!/usr/bin/pyton3\n", 126, "an interpreter that is not there: /usr/bin/pyton3"),
    "another one that is none": ("#!/usr/bin/env pyton3\n", 126, "an interpreter that is not there: pyton3"),
    "lines of another system": ("#!/bin/bash\r\necho {}\r\n", 126, r"an interpreter that is not there: $'/bin/bash\r'"),
    "its standard input closed": ("#!/bin/bash\nexec 0<&- ; echo '{}'", 0, "ok"),
    "half an answer": ("#!/bin/bash\necho '{\"ips\": ['; kill -9 $$", 137, "it ended with status 137"),
}


@pytest.mark.parametrize("what", OF_A_STUDENT)
def test_what_is_wrong_with_a_students_plugin_is_told(runtime, what):
    text, status, words = OF_A_STUDENT[what]
    runtime.put("mine", text)
    added = runtime.add("web", {"cniVersion": "1.1.0", "name": "net", "type": "mine"})
    assert added.calls[0].status == status, added
    assert words in str(added), added
    assert added.transcript.endswith(f"(exit status {status})")
    assert len(runtime.attachments()) == bool(added)


def test_a_file_that_can_not_be_started_is_told(runtime, small):
    conf = {"cniVersion": "1.1.0", "name": "net", "type": "mine"}
    assert runtime.put("mine", "\n\n#!/bin/sh\necho '{}'") == f"{BIN}/mine"
    assert runtime.add("web", conf).require()
    small["node1"].shell(f"chmod -x {BIN}/mine")
    assert f"it may not be executed: chmod +x {BIN}/mine" in str(runtime.delete("web", conf))
    small["node1"].shell(f"echo 'echo {{}}' > {BIN}/mine; chmod +x {BIN}/mine")
    assert "it does not begin with #!" in str(runtime.delete("web", conf)), "bash would run it, and no runtime does"
    for name, text in (("../mine", "#!/bin/sh"), ("mine", "import os"), ("", "#!/bin/sh")):
        with pytest.raises(BadInput):
            runtime.put(name, text)


@pytest.mark.parametrize(
    "hangs",
    [
        "#!/bin/bash\nsleep 1000\n",
        "#!/bin/bash\ntrap '' TERM INT\nwhile :; do sleep 1; done\n",
        "#!/bin/bash\nyes\n",
        "#!/bin/bash\nsleep 999 & wait\n",
    ],
    ids=["it waits", "it does not want to end", "it prints for ever", "it waits for another"],
)
def test_a_plugin_that_hangs_is_ended_with_all_that_it_has_started(runtime, small, hangs, monkeypatch):
    monkeypatch.setattr("podnet_lab.lab.cni_node.SECONDS", 1)
    runtime.put("mine", hangs)
    added = runtime.add("web", {"cniVersion": "1.1.0", "name": "net", "type": "mine"})
    assert "it did not end within 1 s, and was ended" in str(added)
    until(lambda: not small["node1"].shell("pgrep -x 'sleep|yes|mine'; true").strip())


# Debian's plugins


@pytest.mark.cni_plugins
@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
def test_its_result_is_understood_by_debians_plugins_behind_it(runtime, version):
    config = runtime.conflist(
        {"type": "bandwidth", "ingressRate": 8000000, "ingressBurst": 80000}, {"type": "tuning", "mtu": 1400}, version=version
    )
    added = runtime.add("web", config).require()
    assert added.addresses == ("10.244.1.128/24",)
    assert ("version" in added.result["ips"][0]) is (version < "1.0.0")
    assert runtime.delete("web", config).require()


@pytest.mark.cni_plugins
def test_it_works_before_portmap_bandwidth_and_firewall(runtime, small):
    chained = (
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": "bandwidth", "ingressRate": 8000000, "ingressBurst": 80000},
    )
    config = runtime.conflist(*chained, {"type": "firewall", "backend": "iptables"}, version="1.0.0")
    before = everything(small)["node1"]
    runtime.add("web", config, capabilities=PORTS).require()
    small.serve("web", 80)
    assert small.ask("outside", "192.168.1.11:8080"), "a port of the node leads to the Pod"
    assert "tbf" in small["node1"].shell("tc qdisc show dev podf92296c170d3")
    assert "10.244.1.128" in small["node1"].shell("iptables -S CNI-FORWARD")
    runtime.delete("web", config).require()
    assert "10.244.1.128" not in small["node1"].shell("iptables-save")
    assert set(everything(small)["node1"][""]["links"]) == {*before[""]["links"], "v-net-0"}


@pytest.mark.cni_plugins
def test_addresses_may_be_left_to_host_local(runtime, small):
    config = runtime.conflist(version="1.0.0")
    config["plugins"][0]["ipam"] = {"type": "host-local", "subnet": "10.244.1.0/29", "rangeStart": "10.244.1.5"}
    for pod, address in (("web", "10.244.1.5/29"), ("db", "10.244.1.6/29")):
        assert runtime.add(pod, config).require().addresses == (address,)
    assert small.ping("web", "db")
    assert runtime.check("web", config).require()
    before = everything(small)["node1"][""]
    full = runtime.add("x", config)
    assert "no IP addresses available" in str(full)
    assert everything(small)["node1"][""] == before
    assert runtime.delete("web", config).require()
    assert "web" not in small["node1"].shell("cat /var/lib/cni/networks/podnet/10*")
    own = runtime.conflist()
    own["plugins"][0]["ipam"] = {"subnet": "10.244.1.0/29"}
    assert runtime.add("y", own).require().addresses == ("10.244.1.2/29",), "one goes on where the other one was"


HOST_LOCAL = {"type": "host-local", "subnet": "10.22.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}
DEBIAN = {
    "bridge": {"bridge": "cni9", "isGateway": True, "ipam": HOST_LOCAL},
    "ptp": {"ipam": HOST_LOCAL},
    "macvlan": {"master": "eth0", "ipam": {**HOST_LOCAL, "subnet": "192.168.1.0/24", "rangeStart": "192.168.1.100"}},
}


@pytest.mark.cni_plugins
@pytest.mark.parametrize("plugin", DEBIAN)
def test_debians_plugins_make_pods_of_the_lab(runtime, small, plugin):
    config = {"cniVersion": "1.0.0", "name": "deb", "plugins": [{"type": plugin, **DEBIAN[plugin]}]}
    before = everything(small)["node1"]
    runtime.add("web", config).require()
    runtime.add("db", config).require()
    if plugin == "ptp":
        small["node1"].shell("sysctl -qw net.ipv4.ip_forward=1")
    assert small.ping("web", "db")
    assert small.ping("outside", "web") if plugin == "macvlan" else True
    assert runtime.check("web", config).require()
    for pod in ("web", "db"):
        assert runtime.delete(pod, config).require()
        assert runtime.delete(pod, config).require()
        small["node1"].run(namespace.remove(pod))
    after = everything(small)["node1"]
    assert set(after[""]["links"]) - set(before[""]["links"]) == ({"cni9"} if plugin == "bridge" else set())
