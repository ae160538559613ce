"""Daemons as plain values: what they are started with, told apart by, and what steps make of a snapshot's processes."""

import json
from dataclasses import replace

import pytest

from podnet_lab.daemons import steps
from podnet_lab.daemons.base import Daemon
from podnet_lab.daemons.dnsmasq import dnsmasq
from podnet_lab.errors import BadInput
from podnet_lab.model import Namespace, Process, Snapshot

SERVER = dnsmasq("pod-1-1", {"web.default.svc.cluster.local": "10.96.0.20"})


def snapshot(*processes: Process) -> Snapshot:
    spaces = {None: Namespace(None), "pod-1-1": Namespace("pod-1-1")}
    return Snapshot("node1", spaces, processes=processes)


def process(daemon: Daemon, listens=(("tcp", 53), ("udp", 53)), **of) -> Process:
    return Process(" ".join(daemon.command), daemon.namespace, daemon.mark, tuple(listens), 7, 70, json.dumps(daemon.spec), **of)


def test_a_daemon_comes_back_from_its_plain_data():
    assert Daemon.of(json.loads(json.dumps(SERVER.spec))) == SERVER


@pytest.mark.parametrize(
    "other",
    [
        replace(SERVER, command=(*SERVER.command, "--log-queries")),
        replace(SERVER, files=((SERVER.files[0][0], "10.96.0.21 web\n"),)),
        replace(SERVER, namespace="pod-1-2"),
        replace(SERVER, listens=(("udp", 53),)),
    ],
    ids=["options", "files", "Pod", "places"],
)
def test_another_way_to_start_it_has_another_mark(other):
    assert other.mark != SERVER.mark
    assert other.mark.startswith("dnsmasq-")


def test_how_it_ends_is_no_part_of_what_it_is():
    assert replace(SERVER, signal="TERM", grace=9.0).mark == SERVER.mark


def test_starting_is_true_once_it_listens():
    start = steps.start(SERVER)
    assert start.contradiction(snapshot()) == "dnsmasq does not run in pod-1-1"
    assert start.contradiction(snapshot(process(SERVER))) is None
    deaf = start.contradiction(snapshot(process(SERVER, [("udp", 53)])))
    assert deaf == "dnsmasq runs in pod-1-1, and does not listen at tcp 53"
    assert start.contradiction(Snapshot("node1", {None: Namespace(None)})) == "no namespace is called pod-1-1"


def test_stopping_is_true_once_it_is_gone_whatever_else_runs():
    stop = steps.stop(SERVER)
    other = replace(SERVER, files=())
    assert stop.contradiction(snapshot(process(SERVER))) == "dnsmasq still runs in pod-1-1"
    assert stop.contradiction(snapshot(process(other))) is None


def test_the_way_back_ends_the_new_and_starts_the_ended():
    left = Process("sleep 99", None, pid=8, born=80)
    end, start = steps.restore_processes(snapshot(left), snapshot(process(SERVER)))
    assert [step.claim for step in end] == ["sleep 99 has ended"]
    assert start == [steps.start(SERVER)]
    assert steps.restore_processes(snapshot(left, process(SERVER)), snapshot(left, process(SERVER))) == ([], [])


def test_a_number_that_went_to_another_process_is_another():
    then, now = Process("sleep 99", None, pid=8, born=80), Process("sleep 99", None, pid=8, born=81)
    end, _ = steps.restore_processes(snapshot(now), snapshot(then))
    assert [step.requests()[0][2] for step in end] == [{"pid": 8, "born": 81}]


def test_a_file_with_quotes_is_typed_whole():
    odd = replace(SERVER, files=(("/run/podnet/odd file", "it's $HOME `id`\n"),))
    assert """printf %s 'it'"'"'s $HOME `id`\n' > '/run/podnet/odd file'""" in steps.start(odd).command


@pytest.mark.parametrize("given", ["dnsmasq", None, ("dnsmasq",)])
def test_only_a_daemon_is_started(given):
    with pytest.raises(BadInput, match="is no daemon"):
        steps.start(given)
    with pytest.raises(BadInput, match="is no daemon"):
        steps.stop(given)


@pytest.mark.parametrize("pod", ["", "../x", "a b", "x" * 300])
def test_a_name_that_no_pod_can_have_is_refused(pod):
    with pytest.raises(BadInput):
        dnsmasq(pod, {})
