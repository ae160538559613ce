"""What the CNI plugin takes away: all that is kept of a container, whatever a configuration says by then."""

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.cni needs a Unix")

from unit.test_cni_plugin import asked


def test_delete_is_content_with_nothing_and_garbage_collection_frees_all_but_the_valid(tmp_path):
    config = {"ipam": {"subnet": "10.244.1.0/24", "dataDir": str(tmp_path)}}
    assert asked("DEL", config, CNI_NETNS=None) == (0, None)
    (tmp_path / "podnet").mkdir()
    for ip, whose in (("10.244.1.2", "web\r\neth0"), ("10.244.1.3", "db\r\neth0"), ("10.244.1.4", "web\r\nnet1"), ("10.244.1.5", "")):
        (tmp_path / "podnet" / ip).write_text(whose, newline="")
    valid = [{"containerID": "web", "ifname": "eth0"}]
    assert asked("GC", config | {"cni.dev/valid-attachments": valid}) == (0, None)
    assert sorted(path.name for path in (tmp_path / "podnet").iterdir()) == ["10.244.1.2", "lock"]
    assert asked("GC", config | {"cni.dev/attachments": []}) == (0, None), "libcni 1.2 calls it so"
    assert [path.name for path in (tmp_path / "podnet").iterdir()] == ["lock"]


NO_IPAM = (
    None,
    [],
    "x",
    {},
    {"subnet": "nonsense"},
    {"subnet": "127.0.0.0/8"},
    {"subnet": "10.244.1.0/24", "rangeStart": 5},
    {"type": 5},
    {"type": {"a": 1}},
    {"type": "../sh"},
    {"type": "a\0b"},
)


@pytest.mark.parametrize("ipam", [*NO_IPAM, {"dataDir": "here"}])
def test_delete_gives_back_what_is_kept_whatever_the_configuration_says_of_addresses(tmp_path, monkeypatch, ipam):
    monkeypatch.setattr("podnet_lab.cni.ipam.DATA_DIR", str(tmp_path))
    (tmp_path / "podnet").mkdir()
    for ip, whose in (("10.244.1.2", "web\r\neth0"), ("10.244.1.3", "db\r\neth0")):
        (tmp_path / "podnet" / ip).write_text(whose, newline="")
    assert asked("DEL", {"ipam": ipam}, CNI_NETNS=None) == (0, None)
    assert sorted(path.name for path in (tmp_path / "podnet").iterdir()) == ["10.244.1.3", "lock"]


@pytest.mark.parametrize("network", [5, [1], {"a": 1}, "none-of-these"])
def test_delete_does_not_need_to_know_the_network(tmp_path, network):
    assert asked("DEL", {"network": network, "ipam": {"dataDir": str(tmp_path)}}, CNI_NETNS=None) == (0, None)


def test_delete_says_so_if_whom_it_is_to_ask_can_not_be_asked():
    status, said = asked("DEL", {"ipam": {"type": "no-such-ipam"}}, CNI_NETNS=None)
    assert (status, said["code"]) == (1, 7), "the address is still given out"
