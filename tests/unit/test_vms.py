"""The VMs' lab, as far as it needs no VM: what is left out, where a lab is opened, and the way to an agent."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from unit_vms import CONFIG

from podnet_lab import Lab, errors, forwarding, link, veth

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.backends import vms
from podnet_lab.backends.choice import kind_to_open
from podnet_lab.cli import main
from podnet_lab.kernel import all_settings, vm
from podnet_lab.kernel.netlink import Refused
from podnet_lab.kernel.unmanaged import others
from podnet_lab.kernel.unmanaged.base import Look
from podnet_lab.plan import plan

ROOT = Path(__file__).parents[2]
EXTERNAL, VAGRANTS, MANAGEMENT = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"


def route(to, dev):
    return (to, None, dev, "unicast", 254, 0, False, "", "")


def spaces():
    def links(*names_and_cards):
        return [{"name": name, "card": card} for name, card in names_and_cards]

    return {
        "": {
            "links": links(("lo", ""), ("eth0", VAGRANTS), ("eth1", EXTERNAL), ("eth2", MANAGEMENT), ("v-net-0", "")),
            "addresses": [("eth0", "10.0.2.15/24", "", ""), ("eth1", "192.168.1.11/24", "", "")],
            "routes": [
                route("0.0.0.0/0", "eth0"),
                route("10.0.2.0/24", "eth0"),
                route("192.168.1.0/24", "eth1"),
                route("10.244.2.0/24", "eth0"),
                route("10.240.0.0/12", "eth2"),
                route("10.9.0.0/16", None),
            ],
            "neighbours": [("10.0.2.2", "eth0", "", "STALE"), ("192.168.1.12", "eth1", "", "STALE")],
            "fdb": [],
            "conf": {"all": (), "eth0": (), "eth1": (), "eth2": ()},
        },
        "pod-1-2": {"links": links(("eth0", "")), "addresses": [("eth0", "10.244.1.2/24", "", "")], "routes": [route("0.0.0.0/0", "eth0")]},
    }


def test_other_cards_are_left_out_with_all_that_is_theirs():
    seen = vm.visible(spaces(), {VAGRANTS, MANAGEMENT})
    own = seen[""]
    assert [link["name"] for link in own["links"]] == ["lo", "eth1", "v-net-0"]
    assert [one[0] for one in own["addresses"]] == ["eth1"]
    assert [one[1] for one in own["neighbours"]] == ["eth1"]
    assert set(own["conf"]) == {"all", "eth1"}
    assert seen["pod-1-2"] == spaces()["pod-1-2"], "a Pod's interface of that name is its own"


def test_a_route_of_the_lesson_is_seen_whatever_card_it_names():
    own = vm.visible(spaces(), {VAGRANTS, MANAGEMENT})[""]
    assert [one[0] for one in own["routes"]] == ["192.168.1.0/24", "10.244.2.0/24", "10.240.0.0/12", "10.9.0.0/16"]


REQUESTS = {
    "by name": ("link_set", None, {"name": "eth0", "up": False}, True),
    "by device": ("address_add", None, {"dev": "eth2", "interface": "10.1.1.1/24"}, True),
    "as a port": ("link_set", None, {"name": "veth", "master": "eth0"}, True),
    "a setting": ("sysctl", None, {"key": "ipv4/conf/eth0/forwarding", "value": 1}, True),
    "another": ("link_set", None, {"name": "eth1", "up": False}, False),
    "in a Pod": ("link_set", "pod-1-2", {"name": "eth0", "up": True}, False),
    "a gateway beyond it": ("route_add", None, {"to": "203.0.113.0/24", "via": "10.0.2.2"}, True),
    "a gateway of the lesson": ("route_add", None, {"to": "10.244.2.0/24", "via": "192.168.1.12"}, False),
    "a tunnel on it": ("link_add", None, {"name": "flannel.1", "kind": "vxlan", "settings": {"vni": 1, "dev": "eth0"}}, True),
    "a cable into a Pod": (
        "link_add",
        None,
        {"name": "v", "kind": "veth", "settings": {"peer": "eth0", "peer_namespace": "pod-1-2"}},
        False,
    ),
    "a setting of all": ("sysctl", None, {"key": "ipv4/ip_forward", "value": 1}, False),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_card_by_which_the_vm_is_reached_is_not_for_steps(monkeypatch, name):
    monkeypatch.setattr(vm, "_cards", lambda: spaces()[""]["links"])
    monkeypatch.setattr(vm, "_addresses", lambda: {address: dev for dev, address, *_ in spaces()[""]["addresses"]})
    this = vm.Vm(EXTERNAL, [VAGRANTS, MANAGEMENT], None, {})
    operation, namespace, arguments, refused = REQUESTS[name]
    requests = [("link_set", None, {"name": "lo", "up": True}), (operation, namespace, arguments)]
    if not refused:
        this.refuse(requests)
        return
    with pytest.raises(Refused) as caught:
        this.refuse(requests)
    assert caught.value.position == 1
    assert "is how this VM is reached" in caught.value.detail


def test_settings_of_other_cards_and_what_each_boot_draws_anew_are_no_baseline(monkeypatch, tmp_path):
    for path in ("ipv4/conf/eth0/forwarding", "ipv4/conf/eth1/forwarding", "ipv4/tcp_fastopen_key", "core/somaxconn"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("9\n")
    monkeypatch.setattr(all_settings, "ROOT", f"{tmp_path}/")
    assert others.Settings().read(Look(None, {"eth0"})) == {"ipv4/conf/eth1/forwarding": "9", "core/somaxconn": "9"}


def test_what_was_stored_is_what_is_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(vm, "BASELINE", tmp_path / "deep" / "baseline.json")
    monkeypatch.setattr(vm, "BOOTED", tmp_path)
    stored = vm.Vm(EXTERNAL, [VAGRANTS], None, {"snapshot": {"": {}}, "unmanaged_state": {"rules": ["00"]}})
    stored.store()
    assert vm.Vm.load() == stored
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["baseline.json"]


@pytest.mark.parametrize(
    ("node", "where", "is_vms"), [(None, None, False), (None, "namespaces", False), ("node1", None, True), ("node1", "vms", True),
                                  ("node1", "namespaces", False), ("node2", "namespaces", False)]
)  # fmt: skip
def test_a_lab_is_opened_where_it_belongs(on, node, where, is_vms):
    on(node)
    assert (kind_to_open(where) is vms.VmsBackend) is is_vms


@pytest.mark.parametrize(
    ("node", "where", "error", "words"),
    [
        (None, "vms", errors.CannotRun, "vagrant up"),
        ("node2", None, errors.CannotRun, "opened on node1"),
        ("node1", "moon", errors.BadInput, "not in 'moon'"),
        (None, "", errors.BadInput, "not in ''"),
    ],
)
def test_a_lab_that_can_not_be_opened_here(on, node, where, error, words):
    on(node)
    with pytest.raises(error, match=words):
        kind_to_open(where)


def test_a_plan_fits_the_vms_or_is_told_what_they_are():
    vms.refuse_other_nodes(plan(3, 2), CONFIG)
    vms.refuse_other_nodes(plan(3, 50), CONFIG)
    for nodes in (1, 2, 4):
        with pytest.raises(errors.BadInput, match=r"the VMs are node1 \(192.168.1.11/24\), .*where='namespaces'"):
            vms.refuse_other_nodes(plan(nodes, 2), CONFIG)


WORDS = [["agent"], ["shell", "bash", "-c", "echo 'a b'; ip -br addr | head"], ["shell", "printf", "%s", 'it\'s $HOME `id` \\ "x"']]


@pytest.mark.parametrize("words", WORDS)
def test_words_arrive_as_they_were_by_both_ways(words):
    """On node1 each is a word of the command line; ssh gets them as one, and podnet-agent splits that again."""
    here = shlex.split(vms.command(CONFIG, "node1", shlex.join(words)))
    assert here == [vms.AGENT, *words]
    there = shlex.split(vms.command(CONFIG, "node2", shlex.join(words)))
    assert there[:-1][-1] == "student@198.18.0.12"
    assert shlex.split(there[-1]) == words


SCRIPTS = [path for path in sorted((ROOT / "vm").iterdir()) if path.suffix != ".service"]


def test_the_scripts_are_here():
    assert {path.name for path in SCRIPTS} >= {"podnet-agent", "podnet-boot", "podnet-welcome", "provision", "provision-jupyter"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_vms_script_is_bash(path):
    assert path.read_text().startswith("#!/bin/bash\n")
    assert b"\r" not in path.read_bytes()
    assert subprocess.run(["bash", "-n", path], capture_output=True, check=False).stderr == b""


@pytest.mark.root
@pytest.mark.parametrize("words", [["shell", "printf", "%s|", "a b", "it's", "$x;y"], ["nonsense", "a b"]])
@pytest.mark.parametrize("as_one", [False, True])
def test_the_root_owned_program_takes_words_apart_without_a_shell(words, as_one):
    line = [ROOT / "vm" / "podnet-agent", *([shlex.join(words)] if as_one else words)]
    done = subprocess.run(["bash", *line], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if words[0] == "shell":
        assert done.stdout == "a b|it's|$x;y|"
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert "not nonsense" in done.stderr


def podnet(*words):
    return CliRunner().invoke(main, words)


def test_reset_where_there_are_no_vms_is_of_the_running_lab(on, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    on(None)
    done = podnet("reset")
    assert done.exit_code == 3
    assert "no lab is running" in done.output
    refused = podnet("reset", "--take-over")
    assert (refused.exit_code, "for the lab of VMs" in refused.output) == (2, True)


def test_reset_of_a_lab_that_a_notebook_holds_says_what_to_type(on, monkeypatch):
    on("node1")

    def held(*_, **__):
        raise errors.LabHeld("the lab of VMs is held by 03_veth.ipynb (process 7): close it there, or Lab.open(take_over=True)")

    monkeypatch.setattr(Lab, "open", held)
    done = podnet("reset")
    assert done.exit_code == 3
    assert "held by 03_veth.ipynb (process 7); podnet reset --take-over" in done.output
    assert "Lab.open" not in done.output


def test_reset_on_another_vm_says_where_the_lab_is(on):
    on("node2")
    done = podnet("reset")
    assert (done.exit_code, "opened on node1" in done.output) == (3, True)


def test_a_shell_on_a_vm_goes_the_way_that_the_node_has(on, monkeypatch):
    on("node1")
    lines = []
    monkeypatch.setattr(os, "execvp", lambda _, line: lines.append(line) or sys.exit(0))
    podnet("shell", "node1", "ip", "-br", "addr")
    podnet("shell", "node2", "ip route; id")
    assert lines[0] == [vms.AGENT, "shell", "ip", "-br", "addr"]
    assert shlex.split(lines[1][-1]) == ["shell", "bash", "-c", "ip route; id"]
    assert "no node is called 'node9'" in podnet("shell", "node9").output


@pytest.mark.parametrize(
    ("step", "refused"),
    [
        (link.down("eth0"), True),
        (link.remove("eth2"), True),
        (forwarding.setting("eth0", "forwarding", 1), True),
        (veth.plug("eth0", into="v-net-0"), True),
        (link.down("eth1"), False),
        (link.up("eth0", namespace="pod-1-2"), False),
        (forwarding.on(), False),
    ],
)
def test_a_step_that_names_a_card_of_the_vms_is_refused_before_anything_is_looked_at(step, refused):
    backend = vms.VmsBackend.__new__(vms.VmsBackend)
    backend.processes = {"node1": {"hidden": ["eth0", "eth2"]}, "outside": {}}
    backend.refuse("outside", [step])
    if refused:
        with pytest.raises(errors.StepConflict, match="is how this VM is reached"):
            backend.refuse("node1", [forwarding.on(), step])
    else:
        backend.refuse("node1", [forwarding.on(), step])
