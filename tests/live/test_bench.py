"""What the benchmark does on a real kernel: both C programs make the same, every network is wired and counted, traffic goes through."""

import shutil

import pytest

from bench import networks, tables
from bench.aims import BATCHED, C
from bench.contenders import Contender, contenders, program, python
from podnet_lab import Lab
from podnet_lab.networks import registry


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_both_c_programs_make_pods_that_count():
    every = {one.name: one for one in contenders(program())}
    for name in (C, BATCHED):
        assert every[name].run(2, 66) > 0, "more than go out in one send"


def test_networks_that_need_a_device_are_left_out_by_name():
    assert networks.missing("calico-ipip") == "it needs tunl0"
    assert networks.missing("calico-ipip-tun") == "it needs /dev/net/tun"


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(name, marks=[getattr(pytest.mark, need.program) for need in network.needs])
        for name, network in ((name, registry.find(name)) for name in registry.names())
        if not (network.natively or network.device_files)
    ],
)
def test_pods_of_every_network_are_wired_and_counted(network):
    for how in ("applied", "verified"):
        assert Contender(network, python("ours", how, network), own_namespaces=True).run(1, 2) > 0


@pytest.mark.nft
def test_the_generator_runs_in_pods_and_the_wire_is_longer_by_the_tunnel(monkeypatch):
    monkeypatch.setattr(networks, "quiet", lambda: None)
    found = dict(networks.used("flannel", seconds=0.1, requests=20))
    assert found[tables.network_figure("flannel", tables.WIRE)] == 98 + registry.find("flannel").facts.overhead == 148
    for where in (tables.ONE_NODE, tables.ACROSS):
        assert found[tables.network_figure("flannel", tables.STREAM, where)] > 0
        median, p99 = (found[tables.network_figure("flannel", part, where)] for part in (tables.MEDIAN, tables.P99))
        assert 0 < median <= p99
    assert not any(tables.GENERATOR in name for name in found), "it is measured in the lesson's network alone"


def test_a_program_in_a_pod_that_finds_no_server_is_no_figure(monkeypatch):
    monkeypatch.setattr(networks, "MOST", 1)
    with Lab.open(nodes=2, pods=2, name="alone", where="namespaces") as lab:
        lab.build()
        here, there = lab.plan.nodes[0].pods(2)
        with pytest.raises(Exception, match="ended with status 124"):
            networks.run(lab, there, "answer 5201", here, "ask 10.244.1.2 5201 5")
