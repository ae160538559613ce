"""A network's configuration as a runtime reads it, what each plugin of it is given, and what is told of its answers."""

import json

import pytest

from podnet_lab.cni import installation
from podnet_lab.cni.conflist import NetworkList, environment
from podnet_lab.cni.transcript import PluginCall, RuntimeResult
from podnet_lab.daemons.base import Daemon
from podnet_lab.errors import BadInput, PluginFailed

BRIDGE = {"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.22.0.0/24"}}
PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True, "aliases": False}}
LIST = {"cniVersion": "1.0.0", "name": "net", "plugins": [BRIDGE, PORTMAP]}


def test_a_list_is_read_from_text_or_values_and_one_plugin_is_a_list_of_one():
    listed = NetworkList.read(LIST)
    assert (listed.name, listed.version, listed.types) == ("net", "1.0.0", ("bridge", "portmap"))
    assert NetworkList.read(json.dumps(LIST)) == listed
    alone = {"cniVersion": "0.4.0", "name": "net", **BRIDGE}
    assert NetworkList.read(alone).plugins == (alone,)
    assert json.loads(listed.text) == LIST


def test_one_plugins_configuration_as_a_conflist_is_a_list_of_one():
    assert NetworkList.read(json.dumps(LIST)).conflist == json.dumps(LIST), "a list stays as it was typed"
    alone = {"cniVersion": "0.4.0", "name": "net", **BRIDGE}
    assert json.loads(NetworkList.read(alone).conflist) == {"cniVersion": "0.4.0", "name": "net", "plugins": [alone]}


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({"cniVersion": "0.3.1"}, "0.3.1"),
        ({"cniVersions": ["0.4.0", "1.1.0", "1.0.0"]}, "1.1.0"),
        ({"cniVersion": "0.4.0", "cniVersions": ["0.3.1"]}, "0.4.0"),
        ({"cniVersion": None, "cniVersions": ["0.4.0", "9.0.0"]}, "0.4.0"),
    ],
)
def test_the_highest_version_that_is_listed_and_spoken_is_taken(change, version):
    assert NetworkList.read(LIST | change).version == version


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "is JSON"),
        ("[]", "is a JSON object"),
        (LIST | {"plugins": []}, "plugins is a list"),
        (LIST | {"plugins": [{}]}, "plugins is a list"),
        (LIST | {"plugins": [{"type": "../sh"}]}, "plugins is a list"),
        (LIST | {"plugins": {"type": "bridge"}}, "plugins is a list"),
        (LIST | {"name": "a b"}, "a network has a name"),
        (LIST | {"name": None}, "a network has a name"),
        (LIST | {"name": "n" * 256}, "a network has a name of .* 255 at most, not 'nnn"),
        (LIST | {"disableCheck": "maybe"}, "disableCheck is true or false, not 'maybe'"),
        (LIST | {"disableGC": 1}, "disableGC is true or false, not 1"),
        (LIST | {"disableGC": None}, "disableGC is true or false"),
        (LIST | {"cniVersion": {}, "cniVersions": [{}]}, "a version is a text like 1.1.0, not {}"),
        (LIST | {"cniVersion": 1}, "a version is a text"),
        (LIST | {"plugins": [{"type": "bridge", "capabilities": ["ips"]}]}, "plugins is a list"),
        (LIST | {"x": {1, 2}}, "is JSON"),
        (LIST | {"x": float("nan")}, "is JSON"),
        ("[" * 200_000, "is JSON"),
        (LIST | {"cniVersion": "0.2.0"}, "cniVersion is one of"),
        ({"name": "net", "type": "bridge"}, "not 0.1.0"),
        ({"name": "net", "type": "bridge"}, "cniVersion is missing"),
    ],
)
def test_what_is_no_configuration_is_bad_input(given, words):
    with pytest.raises(BadInput, match=words):
        NetworkList.read(given)


@pytest.mark.parametrize(("given", "means"), [(True, True), (False, False), ("true", True), ("False", False)])
def test_a_switch_may_be_written_as_libcni_reads_it(given, means):
    listed = NetworkList.read(LIST | {"disableCheck": given, "disableGC": given})
    assert (listed.disable_check, listed.disable_gc) == (means, means)


def test_a_plugin_gets_name_version_the_result_before_it_and_the_capabilities_that_it_has():
    listed, previous = NetworkList.read(LIST), {"cniVersion": "1.0.0", "ips": []}
    wanted = {"portMappings": [{"hostPort": 80}], "aliases": ["a"], "mac": "x"}
    assert listed.request(BRIDGE) == {**BRIDGE, "name": "net", "cniVersion": "1.0.0"}
    assert "runtimeConfig" not in listed.request(BRIDGE, previous, wanted)
    request = listed.request(PORTMAP, previous, wanted)
    assert request["prevResult"] == previous
    assert request["runtimeConfig"] == {"portMappings": [{"hostPort": 80}]}


def test_garbage_collection_tells_the_valid_by_both_names_that_plugins_know():
    request = NetworkList.read(LIST).garbage_request(BRIDGE, [("web", "eth0")])
    assert request["cni.dev/valid-attachments"] == request["cni.dev/attachments"] == [{"containerID": "web", "ifname": "eth0"}]


@pytest.mark.parametrize(
    ("version", "verbs"), [("0.3.1", set()), ("0.4.0", {"CHECK"}), ("1.0.0", {"CHECK"}), ("1.1.0", {"CHECK", "GC", "STATUS"})]
)
def test_verbs_came_one_after_the_other(version, verbs):
    listed = NetworkList.read(LIST | {"cniVersion": version})
    assert {verb for verb in ("CHECK", "GC", "STATUS") if listed.has(verb)} == verbs
    assert listed.has("ADD")
    assert listed.has("DEL")


def test_only_variables_that_say_something_are_set():
    assert environment("STATUS", "", "", "", ["/a", "/b"], {}) == {"CNI_COMMAND": "STATUS", "CNI_PATH": "/a:/b"}
    assert environment("ADD", "web", "eth0", "/n", ["/a"], {"K": "v", "L": "w"})["CNI_ARGS"] == "K=v;L=w"


def call(command="ADD", stdout="{}", stderr="", status=0):
    return PluginCall("node1", command, "bridge", "/usr/lib/cni/bridge", {"CNI_COMMAND": command}, '{"name": "n"}', stdout, stderr, status)


ADDED = '{"interfaces": [{"name": "eth0"}], "ips": [{"address": "10.22.0.2/24", "interface": 0}]}'


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (call(stdout=ADDED), "ok    bridge ADD: eth0 has 10.22.0.2/24"),
        (call(stdout='{"ips": [{"address": "10.22.0.2/24"}]}'), "ok    bridge ADD: the container has 10.22.0.2/24"),
        (call(), "ok    bridge ADD: no address"),
        (call(stdout=""), "FAIL  bridge ADD: it printed nothing, and ADD is answered by a JSON object"),
        (call(stdout="ready"), "FAIL  bridge ADD: what it printed is no JSON object: ready"),
        (
            call(stdout="ready\n{}"),
            "FAIL  bridge ADD: what it printed is no JSON object: ready; what is for people goes to standard error (>&2)",
        ),
        (call(stdout='{"ips": 5}'), "FAIL  bridge ADD: ips is no list of objects"),
        (call(stdout='{"interfaces": ["eth0"]}'), "FAIL  bridge ADD: interfaces is no list of objects"),
        (
            call(stdout='{"ips": [{"address": "10.22.0.2"}]}'),
            "FAIL  bridge ADD: an address of ips has its prefix length, like 10.244.1.5/24, and this is '10.22.0.2'",
        ),
        (call(stdout='{"code": 7, "msg": "no"}'), "FAIL  bridge ADD: it answers with error 7, and ends with status 0: no"),
        (call("VERSION", '{"supportedVersions": 1}'), "FAIL  bridge VERSION: supportedVersions is no list of versions"),
        (call("CHECK", "junk"), "ok    bridge CHECK: it is so"),
        (call(stdout="{}", stderr="oh", status=1), "FAIL  bridge ADD: it ended with status 1: oh"),
        (call("DEL", ""), "ok    bridge DEL: done"),
        (call("CHECK", ""), "ok    bridge CHECK: it is so"),
        (call("VERSION", '{"supportedVersions": ["1.0.0"]}'), "ok    bridge VERSION: speaks 1.0.0"),
        (call(stdout='{"code": 7, "msg": "no"}', status=1), "FAIL  bridge ADD: error 7: no"),
        (call(stdout='{"code": 7, "msg": "no", "details": "x"}', status=1), "FAIL  bridge ADD: error 7: no (x)"),
        (call(stdout="", stderr="a\nSegmentation fault", status=139), "FAIL  bridge ADD: it ended with status 139: Segmentation fault"),
        (call("DEL", "", "", 2), "FAIL  bridge DEL: it ended with status 2: it says nothing"),
    ],
)
def test_what_a_plugin_answered_in_a_line(given, words):
    assert repr(given) == words
    assert bool(given) == words.startswith("ok")


def test_a_transcript_is_what_a_person_would_type_and_see():
    assert call(stdout="[1]", stderr="a\nb", status=3).transcript.splitlines() == [
        "node1# CNI_COMMAND=ADD /usr/lib/cni/bridge <<'EOF'",
        "{",
        '  "name": "n"',
        "}",
        "EOF",
        "[",
        "  1",
        "]",
        "(stderr) a",
        "(stderr) b",
        "(exit status 3)",
    ]


def test_a_result_is_false_if_a_plugin_said_no_or_none_could_be_asked():
    good = RuntimeResult("ADD", "web eth0, network net", "node1", (call(stdout=ADDED),), json.loads(ADDED))
    assert good.require() is good
    assert good.addresses == ("10.22.0.2/24",)
    assert repr(good) == "ok    node1: ADD web eth0, network net\n  ok    bridge ADD: eth0 has 10.22.0.2/24"
    for bad in (
        RuntimeResult("DEL", "x", "node1", (call("DEL", "", "", 1),)),
        RuntimeResult("CHECK", "x", "node1", (), problem="not kept"),
    ):
        assert not bad
        assert repr(bad).startswith("FAIL  node1: ")
        with pytest.raises(PluginFailed, match="node1: "):
            bad.require()


PACKAGE = {"python": "/usr/bin/python3", "folder": "/opt/it's here"}


def test_the_fast_program_is_built_where_there_is_a_compiler_and_the_slow_one_is_always_there():
    slow, fast = installation.script(PACKAGE, fast=False), installation.script(PACKAGE, fast=True)
    assert "cc " not in slow
    assert fast.count("cc -O2") == 2
    for script in (slow, fast):
        assert f"{installation.BIN}/podnet-cni-python" in script
        assert f"mv {installation.BIN}/podnet-cni.new {installation.BIN}/podnet-cni" in script
        assert "podnet-by-hand" in script
    assert f'#define SOCKET "{installation.SOCKET}"' in installation.file("shim.c"), "the program and the daemon have to meet"


def test_the_daemon_is_ready_when_its_socket_is_there():
    resident = installation.resident(PACKAGE)
    assert isinstance(resident, Daemon)
    assert resident.creates == resident.command[-1] == f"{resident.folder}/socket"
