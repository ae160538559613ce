"""The contract of daemons, dnsmasq's own, and the steps from those that run to those that should."""

import importlib
import json
from dataclasses import FrozenInstanceError, replace

import pytest
import world

from podnet_lab import daemons
from podnet_lab.cli import step_parser
from podnet_lab.daemons import dnsmasq, etcd, registry
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.daemons.reconcile import change, restore
from podnet_lab.daemons.running import running
from podnet_lab.errors import BadInput
from podnet_lab.model import Process
from podnet_lab.plan import plan
from podnet_lab.show import snapshot_text
from podnet_lab.show.changes import changes

WIRED = world.wired(plan())["node1"]
POD = "pod-1-2"
SERVER = dnsmasq.server(POD, {"web.default.svc.cluster.local": "10.96.0.20"})
OTHER_FILES = dnsmasq.server(POD, {"db": "10.96.0.21"})
ETCD = Daemon("etcd", ("etcd", "--data-dir", "/run/podnet/etcd/data"), listens=(("tcp", 2379),), creates="/run/podnet/etcd/ready")


def with_process(node, process):
    return replace(node, processes=(*node.processes, process))


def test_a_daemon_is_a_frozen_value_and_survives_its_way_to_an_agent_and_back():
    for each in (SERVER, ETCD):
        assert Daemon.of(json.dumps(each.spec)) == each
        assert hash(each) == hash(replace(each))
    with pytest.raises(FrozenInstanceError):
        ETCD.name = "other"
    assert Daemon.of("") is Daemon.of("{}") is Daemon.of("[1]") is None


def test_its_folder_is_its_own():
    assert folder("etcd") == ETCD.folder == "/run/podnet/etcd"
    assert SERVER.folder == f"/run/podnet/dnsmasq.{POD}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "../etcd"}, "name is of small letters"),
        ({"name": "a.b"}, "name is of small letters"),
        ({"name": ""}, "name is of small letters"),
        ({"command": ()}, "its command is words"),
        ({"command": (1,)}, "its command is words"),
        ({"files": (("../x", ""),)}, r"no file of its folder can be called '../x'"),
        ({"files": (("pid", ""),)}, "no file of its folder can be called 'pid'"),
        ({"listens": (("sctp", 1),)}, "a protocol is tcp or udp"),
        ({"listens": (("tcp", 70000),)}, "70000"),
        ({"namespace": "a/b"}, "a/b"),
        ({"signal": "TERM; reboot"}, "a signal is one of"),
        ({"reload": "STOP"}, "a signal is one of"),
    ],
)
def test_what_can_not_be_is_bad_input(given, words):
    with pytest.raises(BadInput, match=words):
        Daemon(**{"name": "etcd", "command": ("etcd",)} | given)


def test_what_is_no_daemon_can_not_be_started():
    for step in (daemon.start, daemon.stop, daemon.reload):
        with pytest.raises(BadInput, match="is no daemon"):
            step("dnsmasq")
    with pytest.raises(BadInput, match="etcd has no signal on which it reads its files again"):
        daemon.reload(ETCD)


def test_dnsmasq_knows_the_hosts_that_it_is_given_and_asks_nobody():
    assert SERVER.files == (("hosts", "10.96.0.20 web.default.svc.cluster.local\n"),)
    assert f"--addn-hosts=/run/podnet/dnsmasq.{POD}/hosts" in SERVER.command
    assert {"--keep-in-foreground", "--no-resolv", "--no-hosts"} <= set(SERVER.command)
    assert set(SERVER.listens) == {("udp", 53), ("tcp", 53)}
    assert SERVER.package == dnsmasq.PACKAGE == registry.packages()["dnsmasq"]
    with pytest.raises(BadInput):
        dnsmasq.server(POD, {"web": "10.96.0.20\n1.2.3.4 evil"})


def test_a_daemon_is_found_by_its_file(tmp_path, monkeypatch):
    """One new file in the folder is all that a new daemon takes."""
    lines = ["from podnet_lab.daemons.base import Daemon", 'PACKAGE, USED_FOR = "toyd-base", "a test needs it"', ""]
    lines += ["def instance(port: int) -> 'Daemon':", '    return Daemon("toyd", ("toyd", str(port)), listens=(("tcp", port),))', ""]
    (tmp_path / "toyd.py").write_text("\n".join(lines))
    caches = registry.modules.cache_clear, step_parser._parts.cache_clear
    with monkeypatch.context() as patched:
        patched.setattr(daemons, "__path__", [*daemons.__path__, str(tmp_path)])
        patched.setattr(registry, "_FOLDER", str(tmp_path))
        for clear in caches:
            clear()
        toy = importlib.import_module("podnet_lab.daemons.toyd").instance(7)
        assert registry.packages() == {"toyd": "toyd-base"}
        assert step_parser.read("node1: daemon.start(toyd.instance(7))") == ("node1", [daemon.start(toy)])
    for clear in caches:
        clear()
    assert list(registry.modules()) == ["bird", "containerd", "dnsmasq", "etcd"]


def test_etcd_listens_at_its_nodes_address_and_keeps_its_data_in_its_folder():
    server = etcd.server("192.168.1.11")
    assert "http://192.168.1.11:2379,http://127.0.0.1:2379" in server.command
    assert server.command[2] == f"{server.folder}/data"
    assert server.listens == (("tcp", 2379),)
    assert server.package == registry.packages()["etcd"] == "etcd-server"
    assert step_parser.read('daemon.start(etcd.server("192.168.1.11"))') == (None, [daemon.start(server)])
    with pytest.raises(BadInput, match="x"):
        etcd.server("x,http://192.0.2.1")


def test_a_long_file_is_left_out_where_the_command_is_one_of_many():
    long = replace(ETCD, files=(("program", "print()\n" * 100),))
    assert daemon.start(long).command.count("print()") == 100
    assert "cat > /run/podnet/etcd/program <<'EOF'\n… (100 lines)\nEOF" in daemon.start(long).brief
    assert daemon.start(SERVER).brief == daemon.start(SERVER).command


def test_a_daemon_is_started_from_a_terminal_too():
    text = f'daemon.start(dnsmasq.server("{POD}", {{"db": "10.96.0.21"}}))'
    assert step_parser.read(text) == (None, [daemon.start(OTHER_FILES)])


def test_the_way_from_one_to_another():
    assert change(None, None) == change(SERVER, SERVER) == []
    assert change(None, SERVER) == [daemon.start(SERVER)]
    assert change(SERVER, None) == [daemon.stop(SERVER)]
    assert change(SERVER, OTHER_FILES) == [daemon.reload(OTHER_FILES)]
    with_options = replace(SERVER, command=(*SERVER.command, "--log-queries"))
    assert change(SERVER, with_options) == [daemon.stop(SERVER), daemon.start(with_options)]
    assert change(replace(SERVER, reload=""), replace(OTHER_FILES, reload=""))[0] == daemon.stop(replace(SERVER, reload=""))


def test_back_to_what_ran_then_surplus_first_and_what_nobody_can_start_again_left_alone():
    etcd_runs, both = world.do(WIRED, daemon.start(ETCD)), world.do(WIRED, daemon.start(ETCD), daemon.start(SERVER))
    hand_made = Process("sleep 100", pid=7)
    assert restore(with_process(etcd_runs, hand_made), WIRED) == ([daemon.stop(ETCD)], [])
    assert restore(WIRED, both) == ([], [daemon.start(ETCD), daemon.start(SERVER)])
    assert restore(etcd_runs, world.do(WIRED, daemon.start(SERVER))) == ([daemon.stop(ETCD)], [daemon.start(SERVER)])
    assert restore(WIRED, with_process(WIRED, hand_made)) == restore(both, both) == ([], [])
    orphaned = with_process(WIRED, Process("dnsmasq", "", "dnsmasq", json.dumps(SERVER.spec)))
    assert restore(orphaned, WIRED) == ([daemon.stop(SERVER)], [])
    assert restore(WIRED, orphaned) == ([], [])


def test_what_was_typed_by_hand_counts_if_it_is_the_same():
    start = daemon.start(ETCD)
    by_hand = Process("etcd --data-dir /run/podnet/etcd/data", listens=(("tcp", 2379),))
    assert start.contradiction(with_process(WIRED, by_hand)) is None
    assert start.contradiction(with_process(WIRED, replace(by_hand, namespace=POD))) == "etcd does not run"
    assert start.contradiction(with_process(WIRED, replace(by_hand, listens=()))) == "etcd does not listen at tcp 2379"
    assert running(with_process(WIRED, by_hand), None, "etcd") is None
    assert daemon.stop(ETCD).contradiction(with_process(WIRED, by_hand)) == "etcd still runs"


def test_who_has_the_port_or_the_name_is_a_conflict():
    start = daemon.start(ETCD)
    assert start.conflict(WIRED) is None
    taken = with_process(WIRED, Process("nc -l 2379", listens=(("tcp", 2379),)))
    assert start.conflict(taken) == "nc -l 2379 listens at tcp 2379"
    assert start.conflict(with_process(WIRED, Process("nc -l 2379", POD, listens=(("tcp", 2379),)))) is None
    other = world.do(WIRED, daemon.start(replace(ETCD, command=("etcd", "--debug"))))
    assert start.conflict(other) == "etcd runs already, with other options or files"
    assert start.contradiction(other).startswith("etcd runs with other options or files: etcd --debug")


def test_where_nothing_runs_nothing_is_shown_and_a_process_is_one_line_without_numbers():
    both = with_process(world.do(WIRED, daemon.start(SERVER)), Process("sh -c 'sleep\n 1'", pid=71, born=5))
    assert "runs" not in snapshot_text.node(WIRED)
    assert [line.strip() for line in snapshot_text.node(both).splitlines() if "runs" in line] == ["runs sh -c 'sleep 1'", "runs dnsmasq"]
    assert changes(WIRED, both) == ["+ runs sh -c 'sleep 1'", f"+ {POD}: runs dnsmasq"]
    assert "71" not in str(both.processes[-1]) + snapshot_text.node(both)
    assert Process("a", pid=1, born=2) == Process("a", pid=3, born=4)
    assert len(Process("x" * 500).short) == 80
    assert str(Process("sleep 1", "")) == "sleep 1 in a namespace without a name"


def test_content_that_would_end_its_own_text_is_written_otherwise():
    for content in ("no newline at the end", "EOF\n", "it's\nEOF\n"):
        command = daemon.start(replace(ETCD, files=(("conf", content),))).command
        assert "<<" not in command
        assert "printf %s" in command


def looks(monkeypatch, *pids):
    """What successive looks at a daemon see; the last one for good."""
    kernel = pytest.importorskip("podnet_lab.kernel.daemons", reason="podnet_lab.kernel needs a Unix")
    left = list(pids)
    monkeypatch.setattr(kernel, "_pids", lambda spec, net: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr(kernel.processes, "listens", lambda pid: [("udp", 53)])
    monkeypatch.setattr(kernel, "_log", lambda spec: "")
    return kernel._wait_until_ready


FORKS = {"name": "forks", "listens": [["udp", 53]], "creates": "", "patience": 5.0}


def test_one_that_forks_and_is_missed_by_a_few_looks_has_not_ended(monkeypatch):
    looks(monkeypatch, [], [], [], [8])(FORKS, "")


def test_one_that_is_not_seen_any_more_has_ended(monkeypatch):
    with pytest.raises(OSError, match="forks ended at once, and said nothing"):
        looks(monkeypatch, [])(FORKS, "")


def test_on_a_machine_where_one_look_takes_long_it_has_not_ended(monkeypatch):
    """As on an emulated processor: a look takes longer than nothing may be seen of it, and it is ready at the third."""
    wait, at = looks(monkeypatch, [8]), iter([[], [], [("udp", 53)]])
    kernel = pytest.importorskip("podnet_lab.kernel.daemons", reason="podnet_lab.kernel needs a Unix")
    clock = iter(range(1000))
    monkeypatch.setattr(kernel.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(kernel.processes, "listens", lambda pid: next(at))
    wait({**FORKS, "patience": 100.0}, "")
    assert next(at, "it was looked at three times") == "it was looked at three times"
