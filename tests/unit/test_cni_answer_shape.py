"""What no runtime could read is never passed on: a plugin says so before anything is done, and a runtime of what it is answered."""

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.cni needs a Unix")

from unit.test_cni_plugin import asked

from podnet_lab.cni import answer_shape

NO_NAMES = (
    ("x", " is no object"),
    ("", " is no object"),
    ({"nameservers": "x"}, ".nameservers is no list of texts: 'x'"),
    ({"search": [5]}, ".search is no list of texts"),
    ({"options": {}}, ".options is no list of texts"),
    ({"Domain": 5}, ".Domain is no text"),
)
IPS = {"address": "10.9.0.2/24"}
NO_RESULTS = (
    ({"ips": [{"address": 5}]}, "an address of prevResult.ips has its prefix length"),
    ({"ips": [{}]}, "an address of prevResult.ips"),
    ({"ips": [{**IPS, "gateway": 5}]}, "prevResult.ips[0].gateway is no IP address: 5"),
    ({"ips": [IPS, {**IPS, "interface": "0"}]}, "prevResult.ips[1].interface is no whole number"),
    ({"ips": [{**IPS, "interface": 0.5}]}, "prevResult.ips[0].interface"),
    ({"ips": ""}, "prevResult.ips is no list of objects"),
    ({"routes": [{"dst": "10.0.0.1"}]}, "a dst of prevResult.routes"),
    ({"routes": [{"dst": "0.0.0.0/0", "gw": "x"}]}, "prevResult.routes[0].gw"),
    ({"routes": [{"dst": "0.0.0.0/0", "mtu": True}]}, "prevResult.routes[0].mtu"),
    ({"interfaces": [{"name": 5}]}, "prevResult.interfaces[0].name is no text"),
    ({"interfaces": [{"name": "a", "mac": []}]}, "prevResult.interfaces[0].mac"),
    ({"interfaces": [{"name": "a", "mtu": 2**70}]}, "prevResult.interfaces[0].mtu"),
    ({"interfaces": [{"name": "a", "sandbox": 1}]}, "prevResult.interfaces[0].sandbox"),
)


@pytest.mark.parametrize(("dns", "words"), NO_NAMES)
def test_names_that_nobody_could_read_are_refused(dns, words):
    for config, where in (({"dns": dns}, "dns"), ({"prevResult": {"dns": dns}}, "prevResult.dns")):
        status, said = asked("ADD", config)
        assert (status, said["code"]) == (1, 7)
        assert said["msg"].startswith(f"{where}{words}")
    assert answer_shape.problem("ADD", {"dns": dns}).startswith(f"dns{words}")


@pytest.mark.parametrize("command", ["ADD", "CHECK"])
@pytest.mark.parametrize(("previous", "words"), NO_RESULTS)
def test_a_result_before_it_that_nobody_could_read_is_refused(command, previous, words):
    status, said = asked(command, {"prevResult": previous})
    assert (status, said["code"]) == (1, 7)
    assert words in said["msg"]
    assert words.replace("prevResult.", "") in answer_shape.problem("ADD", previous)


@pytest.mark.parametrize("version", ["0.4.0", "1.0.0"])
def test_delete_does_not_read_what_it_does_not_need(tmp_path, version):
    config = {"cniVersion": version, "ipam": {"dataDir": str(tmp_path)}, "dns": "x", "prevResult": {"ips": [{"address": 5}]}}
    assert asked("DEL", config) == (0, None)
