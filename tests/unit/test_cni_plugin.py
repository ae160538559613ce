"""The CNI plugin's answers that need no kernel: what can't be asked, with the specification's numbers, and results of each version."""

import json
import os

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.cni needs a Unix")

from podnet_lab.cni import delegate
from podnet_lab.cni.answer import Interface, Wired, addresses_of, macs_of, result
from podnet_lab.cni.call import NEEDS, VERSIONS, CniError, Code, at_least, is_container_id, is_interface_name, read_call
from podnet_lab.cni.plugin import answer
from podnet_lab.cni.resident import as_the_caller

ENVIRONMENT = {"CNI_CONTAINERID": "web", "CNI_NETNS": "/run/netns/none", "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin"}
CONFIG = {"cniVersion": "1.1.0", "name": "podnet", "type": "podnet-cni", "ipam": {"subnet": "10.244.1.0/24"}}

NO_PODS = ("127.0.0.0/24", "240.0.0.0/24", "0.0.0.0/16", "255.255.0.0/16", "169.254.7.0/24", "224.0.0.0/24")


def asked(command, config=None, stdin=None, **environment):
    """The status and the answer; a variable that is None is not set."""
    variables = {name: value for name, value in (ENVIRONMENT | {"CNI_COMMAND": command} | environment).items() if value is not None}
    status, said = answer(variables, json.dumps(CONFIG | (config or {})) if stdin is None else stdin)
    return status, json.loads(said) if said else None


@pytest.mark.parametrize("command", NEEDS)
@pytest.mark.parametrize("how", [None, ""])
def test_a_variable_that_a_verb_needs_and_is_not_there_is_error_4_with_its_name(command, how):
    for name in NEEDS[command]:
        status, said = asked(command, **{name: how})
        assert (status, said["code"]) == (1, 4)
        assert name in said["msg"]


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"CNI_COMMAND": None}, "CNI_COMMAND"),
        ({"CNI_COMMAND": "add"}, "CNI_COMMAND"),
        ({"CNI_CONTAINERID": "-web"}, "CNI_CONTAINERID"),
        ({"CNI_CONTAINERID": "a/b"}, "CNI_CONTAINERID"),
        ({"CNI_CONTAINERID": "a\n"}, "CNI_CONTAINERID"),
        ({"CNI_IFNAME": "sixteen-letters-"}, "CNI_IFNAME"),
        ({"CNI_IFNAME": "a b"}, "CNI_IFNAME"),
        ({"CNI_IFNAME": ".."}, "CNI_IFNAME"),
        ({"CNI_IFNAME": "eth0:1"}, "CNI_IFNAME"),
        ({"CNI_ARGS": "IP"}, "CNI_ARGS"),
        *(({name: "a\udcff\udcfe"}, name) for name in (*ENVIRONMENT, "CNI_COMMAND", "CNI_ARGS")),
        ({"CNI_NETNS": "/dev/null"}, "CNI_NETNS"),
        ({"CNI_NETNS": "/proc/self/ns/pid"}, "CNI_NETNS"),
        ({"CNI_NETNS": "/proc/self/ns/net"}, "CNI_NETNS"),
    ],
)
def test_a_variable_that_can_not_be_is_error_4_with_its_name(variables, word):
    status, said = asked("ADD", **variables)
    assert (status, said["code"]) == (1, 4)
    assert word in said["msg"]


@pytest.mark.parametrize(
    ("command", "config", "code", "words"),
    [
        ("ADD", {"cniVersion": "0.2.0"}, 1, "incompatible"),
        ("ADD", {"cniVersion": "2.0.0"}, 1, "incompatible"),
        ("ADD", {"cniVersion": ""}, 1, "incompatible"),
        ("ADD", {"cniVersion": None}, 1, "cniVersion is missing: that means 0.1.0, which is none of 0.3.0"),
        ("ADD", {"cniVersion": "0.1.0"}, 1, "incompatible CNI version: 0.1.0 is none of"),
        ("CHECK", {"cniVersion": "0.3.1"}, 1, "has no CHECK"),
        ("GC", {"cniVersion": "1.0.0"}, 1, "has no GC"),
        ("STATUS", {"cniVersion": "1.0.0"}, 1, "has no STATUS"),
        ("ADD", {"ipMasq": True}, 2, "ipMasq: true"),
        ("ADD", {"vlan": 100}, 2, "vlan: 100"),
        ("STATUS", {"ipam": {"subnet": "fd00::/64"}}, 2, "'fd00::/64'"),
        ("STATUS", {"ipam": {"ranges": [[{"subnet": "10.0.0.0/24"}], [{"subnet": "10.0.1.0/24"}]]}}, 2, "ipam.ranges"),
        ("ADD", {}, 3, "does not exist"),
        (
            "ADD",
            {"dns": None, "prevResult": {"dns": {"nameservers": []}, "ips": [{"address": "10.9.0.2/24", "gateway": ""}], "routes": None}},
            3,
            "not exist",
        ),
        ("CHECK", {"prevResult": {"ips": []}}, 3, "does not exist"),
        ("ADD", {"dns": "8.8.8.8"}, 7, "dns is no object"),
        ("ADD", {"dns": ["a"]}, 7, "dns is no object"),
        ("ADD", {"prevResult": {"interfaces": 5}}, 7, "prevResult.interfaces"),
        ("ADD", {"prevResult": {"interfaces": "abc"}}, 7, "prevResult.interfaces"),
        ("ADD", {"prevResult": {"ips": [7]}}, 7, "prevResult.ips"),
        ("ADD", {"prevResult": {"routes": True}}, 7, "prevResult.routes"),
        ("ADD", {"runtimeConfig": "x"}, 7, "runtimeConfig is no object"),
        ("ADD", {"runtimeConfig": {"ips": 5}}, 7, "runtimeConfig.ips"),
        ("ADD", {"runtimeConfig": {"ips": {"a": 1}}}, 7, "runtimeConfig.ips"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.0/24", "dataDir": "/a\0b"}}, 7, "dataDir"),
        ("ADD", {"cniVersion": "one"}, 6, "cniVersion"),
        ("ADD", {"cniVersion": 1}, 6, "cniVersion"),
        ("DEL", {"name": ""}, 7, "name is missing"),
        ("DEL", {"name": None}, 7, "name is missing"),
        ("DEL", {"name": "../etc"}, 7, "name"),
        ("DEL", {"name": 1}, 7, "name"),
        ("CHECK", {}, 7, "prevResult"),
        ("CHECK", {"prevResult": []}, 7, "prevResult"),
        ("ADD", {"prevResult": "eth0"}, 7, "prevResult"),
        ("STATUS", {"network": "calico-of-mars"}, 7, "network"),
        ("STATUS", {"ipam": None}, 7, "ipam is missing"),
        ("STATUS", {"ipam": []}, 7, "ipam"),
        ("STATUS", {"ipam": {}}, 7, "ipam.subnet is missing"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.1/24"}}, 7, "ipam.subnet"),
        ("STATUS", {"ipam": {"subnet": 176161024}}, 7, "ipam.subnet"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.0/31"}}, 7, "too small"),
        *[("STATUS", {"ipam": {"subnet": subnet}}, 7, "is no subnet for Pods") for subnet in NO_PODS],
        ("STATUS", {"ipam": {"ranges": [[{"subnet": "127.0.0.0/24"}]]}}, 7, "127.0.0.0/8 is loopback"),
        ("STATUS", {"ipam": {"subnet": "10.0.0.0/8"}}, 7, "is no /16 to /30"),
        ("STATUS", {"bridge": "a b"}, 7, "bridge"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.0/24", "rangeStart": "10.244.2.2"}}, 7, "ipam.rangeStart"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.0/24", "rangeEnd": "10.244.1.255"}}, 7, "ipam.rangeEnd"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.0/24", "rangeStart": "10.244.1.9", "rangeEnd": "10.244.1.8"}}, 7, "after"),
        ("STATUS", {"ipam": {"subnet": "10.244.1.0/24", "dataDir": "here"}}, 7, "ipam.dataDir"),
        ("STATUS", {"ipam": {"type": "no-such-ipam"}}, 7, "no plugin is called no-such-ipam"),
        ("STATUS", {"ipam": {"type": "../sh"}}, 7, "ipam.type"),
        ("STATUS", {"ipam": {"type": 5}}, 7, "ipam.type"),
        ("GC", {}, 7, "cni.dev/valid-attachments"),
        ("GC", {"cni.dev/valid-attachments": [{"containerID": "web"}]}, 7, "cni.dev/valid-attachments"),
    ],
)
def test_a_configuration_that_can_not_be_has_the_specifications_number(command, config, code, words):
    status, said = asked(command, config)
    assert (status, said["code"]) == (1, code), said
    assert words in f"{said['msg']}: {said['details']}"


@pytest.mark.parametrize("stdin", ["", "{", "[]", '"text"', "null", "\0", '{"x": NaN}', '{"x": [-Infinity]}', '{"x": 1e999}'])
def test_what_is_no_object_of_json_is_error_6(stdin):
    status, said = asked("ADD", stdin=stdin)
    assert (status, said["code"]) == (1, 6)


def test_an_error_is_written_in_the_version_that_was_asked_for():
    _, said = asked("ADD", {"cniVersion": "0.4.0"})
    assert said == {
        "cniVersion": "0.4.0",
        "code": 3,
        "msg": "the container's network namespace does not exist",
        "details": "/run/netns/none",
    }


def test_files_that_can_not_be_kept_are_error_5(tmp_path):
    (tmp_path / "podnet" / "lock").mkdir(parents=True)
    status, said = asked("STATUS", {"ipam": {"subnet": "10.244.1.0/24", "dataDir": str(tmp_path)}})
    assert (status, said["code"]) == (1, 5)
    assert said["msg"] == "Is a directory"


def test_a_mistake_of_ours_is_an_answer_too(monkeypatch):
    monkeypatch.setitem(__import__("podnet_lab.cni.plugin", fromlist=["VERBS"]).VERBS, "STATUS", lambda *_: 1 / 0)
    status, said = asked("STATUS")
    assert (status, said["code"]) == (1, 999)
    assert "ZeroDivisionError" in said["details"]


def test_a_full_pool_is_error_50_of_status_and_one_that_has_room_none(tmp_path):
    small = {"ipam": {"subnet": "10.244.1.0/30", "dataDir": str(tmp_path)}}
    assert asked("STATUS", small) == (0, None)
    (tmp_path / "podnet").mkdir()
    (tmp_path / "podnet" / "10.244.1.2").write_text("web\r\neth0")
    status, said = asked("STATUS", small)
    assert (status, said["code"], said["msg"]) == (1, 50, "no address is left in 10.244.1.0/30")


@pytest.mark.parametrize("stdin", ['{"cniVersion": "0.4.0"}', "", "{}"])
def test_version_answers_in_the_version_that_it_was_asked_in(stdin):
    status, said = asked("VERSION", stdin=stdin, CNI_CONTAINERID=None, CNI_PATH=None)
    assert (status, said["supportedVersions"]) == (0, list(VERSIONS))
    assert said["cniVersion"] == ("0.4.0" if "0.4.0" in stdin else "1.1.0")


def test_versions_are_compared_by_number():
    assert at_least("1.10.0", "1.9.0")
    assert not at_least("0.4.0", "1.0.0")
    assert sorted(VERSIONS, key=lambda version: tuple(map(int, version.split(".")))) == list(VERSIONS)


def test_names_are_judged_as_libcni_does():
    assert all(map(is_container_id, ("a", "0", "Web_1.x-y", "a" * 200)))
    assert not any(map(is_container_id, ("", "_a", ".a", "a b", "ä")))
    assert all(map(is_interface_name, ("eth0", "a" * 15, "...")))
    assert not any(map(is_interface_name, ("", "a" * 16, ".", "a\tb", "ä" * 8, "a\udcff")))


WIRED = Wired(
    [
        Interface("v-net-0", "0a:00:00:00:00:01", 1500),
        Interface("pod1", "0a:00:00:00:00:02", 1500),
        Interface("eth0", "0a:00:00:00:00:03", 1500, "/n"),
    ],
    "10.244.1.2/24",
    "10.244.1.1",
    [("0.0.0.0/0", "10.244.1.1")],
    {},
)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_result_has_the_shape_of_its_version(version):
    said = result(WIRED, version)
    assert list(said) == ["cniVersion", "interfaces", "ips", "routes", "dns"]
    assert [one["name"] for one in said["interfaces"]] == ["v-net-0", "pod1", "eth0"]
    assert [one.get("sandbox") for one in said["interfaces"]] == [None, None, "/n"]
    assert [one.get("mtu") for one in said["interfaces"]] == ([1500] * 3 if version == "1.1.0" else [None] * 3)
    ip = {"address": "10.244.1.2/24", "gateway": "10.244.1.1", "interface": 2}
    assert said["ips"] == [ip if at_least(version, "1.0.0") else {"version": "4", **ip}]
    assert said["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.244.1.1"}]


def test_what_plugins_before_it_made_is_passed_on_and_its_own_comes_after():
    before = result(WIRED, "1.0.0") | {"dns": {"nameservers": ["10.96.0.10"]}}
    said = result(WIRED, "1.0.0", before)
    assert said["interfaces"][:3] == before["interfaces"]
    assert [ip["interface"] for ip in said["ips"]] == [2, 5]
    assert said["dns"] == {"nameservers": ["10.96.0.10"]}
    assert (len(said["interfaces"]), len(said["routes"])) == (6, 2)


def test_the_addresses_of_an_interface_are_found_in_a_result():
    said = result(WIRED, "1.0.0")
    assert addresses_of(said, "eth0", "/n") == ["10.244.1.2/24"]
    assert addresses_of(said, "net1", "/n") == addresses_of(said, "v-net-0", "/n") == addresses_of({}, "eth0", "/n") == []
    six = {**said, "ips": [*said["ips"], {"address": "fd00::2/64", "interface": 2}]}
    assert addresses_of(six, "eth0", "/n") == ["10.244.1.2/24"]


def test_the_mac_of_an_interface_is_found_in_a_result():
    said = result(WIRED, "1.0.0")
    assert macs_of(said, "eth0", "/n") == {"0a:00:00:00:00:03"}
    assert macs_of(said, "v-net-0", "/n") == {"0a:00:00:00:00:01"}
    said["interfaces"][2]["mac"] = "0A:00:00:00:00:0F"
    assert macs_of(said, "eth0", "/n") == {"0a:00:00:00:00:0f"}
    del said["interfaces"][2]["mac"]
    assert macs_of(said, "eth0", "/n") == macs_of({}, "eth0", "/n") == set()


def test_a_call_says_what_it_is_about():
    call = read_call(ENVIRONMENT | {"CNI_COMMAND": "ADD", "CNI_ARGS": "IgnoreUnknown=1;IP=10.244.1.9"}, json.dumps(CONFIG))
    assert (call.command, call.container, call.ifname, call.netns) == ("ADD", "web", "eth0", "/run/netns/none")
    assert (call.args["IP"], call.path, call.version, call.network_name) == ("10.244.1.9", ("/opt/cni/bin",), "1.1.0", "podnet")


def test_a_configuration_of_brackets_is_no_json():
    status, said = asked("ADD", stdin="[" * 200_000)
    assert (status, said["code"]) == (1, 6)


OWN = "this process"


@pytest.mark.parametrize(
    ("caller", "path", "found"),
    [
        ("7", "/proc/self/fd/9", "/proc/7/fd/9"),
        ("7", "/dev/fd/9", "/proc/7/fd/9"),
        ("7", "netns/web", "/proc/7/cwd/netns/web"),
        (OWN, "/proc", f"/proc/{OWN}/root/proc"),
        (OWN, "/no/such", ""),
        ("", "/run/netns/web", ""),
        ("7", "", ""),
    ],
)
def test_a_path_means_what_it_means_to_the_caller(caller, path, found):
    mine = str(os.getpid())
    assert as_the_caller(caller.replace(OWN, mine), path) == found.replace(OWN, mine)


@pytest.mark.parametrize(
    ("status", "said", "code"), [(0, "[]", 6), (1, "5", 6), (1, '{"code": "x"}', 5), (1, '{"code": 0}', 5), (1, '{"code": 7}', 7)]
)
def test_what_a_delegated_plugin_says_is_an_error_of_the_specifications(status, said, code):
    with pytest.raises(CniError) as caught:
        delegate._answer("host-local", status, said)
    assert caught.value.code == code


def test_the_numbers_below_100_are_the_specifications():
    assert {code.value for code in Code if code < 100} == {1, 2, 3, 4, 5, 6, 7, 11, 50}
    assert CniError(Code.LATER, "later", "x").answer("1.0.0") == {"cniVersion": "1.0.0", "code": 11, "msg": "later", "details": "x"}
