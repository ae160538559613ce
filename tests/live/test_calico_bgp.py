"""BGP between the nodes of Calico's: what real BIRDs say of it, how fast it converges, and what an explanation makes of it (CA10)."""

import re
import time

import pytest

from live.helpers import UPLINK, VMS, until
from podnet_lab import Lab
from podnet_lab.daemons import bird
from podnet_lab.daemons import steps as daemon
from podnet_lab.networks.calico import bird_config

pytestmark = [pytest.mark.nft, pytest.mark.bird]

HOLD, RESTART = 3, 2
"""Seconds: the shortest that BGP allows for the first (RFC 4271, section 4.2)."""

AT_ONCE = 1.5
"""Seconds for what takes some milliseconds, on a machine that does other things as well."""

SLACK = 3.0
"""Seconds more than a timer says: BIRD's own are a second coarse, and the machine does other things as well."""

OPENS = 6.0
"""Seconds within which a session comes back: its side waits a second between two tries."""

NODES = ("node1", "node2", "node3")

FENCE = """
ip route add 169.254.1.1 dev eth0 table 101
ip rule add priority 32763 from 10.244.0.0/16 to 169.254.1.1 lookup 101
for net in "to 10.244.0.0/16" "from 10.244.0.0/16"; do
  ip rule add priority 32764 $net lookup main suppress_prefixlength 0
  ip rule add priority 32765 $net unreachable
done
"""
"""The rules that VMs have (vm/podnet-boot), so that the lesson's packets do not leave by Vagrant's default route."""


@pytest.fixture(scope="module")
def opened():
    with Lab.open(name="calico-bgp", network="calico", pods=2) as lab:
        yield lab


@pytest.fixture
def lab(opened):
    """Wired, with BIRDs that give a silent peer up soon."""
    if opened.parts.core.alive and _whole(opened):
        return opened
    opened.goto("bgp")
    opened.run({node.name: [daemon.start(speaker(opened, node.name))] for node in opened})
    until(lambda: opened.check("bgp") and opened.bgp(), OPENS)
    opened.run({node.name: opened.network.steps("rules", opened.plan[node.name], opened.plan) for node in opened})
    return opened


def _whole(lab):
    specs = [process.spec for node in lab.snapshot().values() for process in node.processes if process.daemon == "bird"]
    return len(specs) == 3 and all(f"hold time {HOLD}" in spec for spec in specs) and lab.check() and lab.bgp()


def speaker(lab, name, **how):
    return bird_config.speaker(lab.plan[name], lab.plan, hold=HOLD, restart=RESTART, **how)


def blocks(lab, name):
    return set(re.findall(r"^(10\.244\.\d\.0/26) via", lab[name].shell("ip route show proto bird"), re.MULTILINE))


def birdc(lab, name, *words):
    return lab[name].shell(bird.ask(*words))


def test_ca10_a_session_between_each_two_and_blocks_alone_in_bgp(lab):
    for name in NODES:
        protocols = birdc(lab, name, "show", "protocols")
        assert len(re.findall(r"^Mesh_192_168_1_1\d +BGP .* Established", protocols, re.MULTILINE)) == 2
    for n, name in enumerate(NODES, 1):
        for other in {1, 2, 3} - {n}:
            told = birdc(lab, name, "show", "route", "export", f"Mesh_192_168_1_1{other}")
            assert re.findall(r"^(\S+/\d+)", told, re.MULTILINE) == [f"10.244.{n}.0/26"], "no /32, though BIRD knows them"
    assert "/32" in birdc(lab, "node1", "show", "route")


def test_what_each_announces_and_hears_is_a_table(lab):
    table = lab.bgp()
    assert table
    assert [(one["node"], one["neighbour"], one["state"], one["hold"]) for one in table.records][:2] == [
        ("node1", "192.168.1.12", "Established", HOLD),
        ("node1", "192.168.1.13", "Established", HOLD),
    ]
    for n, name in enumerate(NODES, 1):
        for record in (one for one in table.records if one["node"] == name):
            far = int(record["neighbour"][-1])
            assert record["announces"] == [f"10.244.{n}.0/26"]
            assert record["hears"] == [{"network": f"10.244.{far}.0/26", "next_hop": f"192.168.1.1{far}"}]
    assert "10.244.2.0/26 by 192.168.1.12" in str(table)
    assert str(table).count("Established") == table._repr_html_().count("Established") == 6
    assert lab.topology().svg.count("BGP: 2 of 2 sessions") == 3


def test_a_bird_that_is_stopped_is_forgotten_at_once(lab):
    assert blocks(lab, "node2") == {"10.244.1.0/26", "10.244.3.0/26"}
    lab["node1"].shell(f"kill $(cat {bird.folder('bird')}/pid)")
    until(lambda: (blocks(lab, "node2"), blocks(lab, "node3")) == ({"10.244.3.0/26"}, {"10.244.2.0/26"}), AT_ONCE)
    assert not lab.bgp()
    assert "BIRD does not run" in str(lab.bgp())
    assert lab.ping("pod-2-2", "pod-3-2")
    found = lab.explain("pod-2-2", "pod-1-2", probe=False)
    assert "no BIRD runs on node1" in found.cause
    assert found.cause.place == ("node1", None)
    if not VMS:
        lab["node2"].shell(FENCE)
        assert lab.ping("pod-2-2", "pod-3-2")
        fenced = lab.explain("pod-2-2", "pod-1-2", probe=False)
        assert fenced.cause.place == ("node1", None)
        assert "no BIRD runs on node1" in fenced.cause
        lab["node2"].shell("ip route flush table 101; for n in 32763 32764 32764 32765 32765; do ip rule del priority $n; done")
    lab["node1"].shell(f"rm -r {bird.folder('bird')}")
    lab["node1"].run(daemon.start(speaker(lab, "node1")))
    until(lambda: lab.check("bgp"), OPENS)
    assert lab.check()


def test_of_one_that_is_killed_the_routes_stay_for_as_long_as_it_might_restart(lab):
    """Its peers keep them (graceful restart, RFC 4724), and packets pass: its kernel has not noticed."""
    begun = time.monotonic()
    lab["node1"].shell(f"kill -9 $(cat {bird.folder('bird')}/pid)")
    assert blocks(lab, "node2") == {"10.244.1.0/26", "10.244.3.0/26"}
    assert lab.ping("pod-2-2", "pod-1-2")
    until(lambda: blocks(lab, "node2") == {"10.244.3.0/26"}, RESTART + SLACK)
    assert time.monotonic() - begun > RESTART - 0.5
    assert "10.244.2.0/26" in blocks(lab, "node1"), "nobody has taken them out of its own kernel"


@pytest.mark.skipif(VMS, reason="there a node's interface is the way of whoever drives it")
def test_a_node_that_falls_silent_is_forgotten_when_its_time_is_over(lab):
    begun = time.monotonic()
    lab["node1"].shell(
        f"nft add table ip x; nft 'add chain ip x i {{ type filter hook input priority 0 ; }}'; nft add rule ip x i iifname {UPLINK} drop"
    )
    assert "10.244.1.0/26" in blocks(lab, "node2")
    until(lambda: blocks(lab, "node2") == {"10.244.3.0/26"}, HOLD + SLACK)
    assert time.monotonic() - begun > HOLD * 2 / 3 - 0.5, "a silent peer had said something a third of that time ago, at most"
    lab["node1"].shell("nft delete table ip x")
    until(lambda: lab.check("bgp"), OPENS)


def test_a_route_of_birds_that_somebody_deletes_comes_back(lab):
    lab["node1"].shell("ip route del 10.244.2.0/26")
    until(lambda: "10.244.2.0/26" in blocks(lab, "node1"), 2 + AT_ONCE)  # it looks at the kernel's table every 2 seconds


def test_a_configuration_that_somebody_has_edited_is_seen_and_put_back(lab):
    wanted = speaker(lab, "node1")
    lab["node1"].shell(f"sed -i 's/local as 64512/local as 64600/' {bird.folder('bird')}/bird.conf; {bird.ask('configure')}")
    assert daemon.start(wanted).contradiction(lab["node1"].snapshot()) is not None
    found = lab.explain("pod-1-2", "pod-2-2", probe=False)
    assert "is in the autonomous system 64600" in found.cause
    assert found.cause.place == ("node1", None)
    lab["node1"].run(daemon.reload(wanted))
    until(lambda: lab.check("bgp"), OPENS)


def test_what_is_missing_on_a_machine_is_said_with_its_package(monkeypatch):
    from podnet_lab.daemons import registry
    from podnet_lab.networks import registry as networks

    assert registry.packages()["bird"] == "bird2"
    assert ("bird", "bird2") in {(need.program, need.package) for need in networks.find("calico").needs}
    assert not any(need.program == "bird" for need in networks.find("calico-vxlan").needs)


def test_when_the_step_is_done_a_bird_has_told_its_kernel_what_it_was_started_with(lab):
    """Its own block, which needs no peer: a look asks BIRD first, and whoever answers has begun."""
    own = speaker(lab, "node1")
    for _ in range(25):
        lab["node1"].run(daemon.stop(own))
        after = lab["node1"].run(daemon.start(own)).after["node1"].own
        made = [str(route) for route in after.routes if route.by_daemon]
        assert "blackhole 10.244.1.0/26 proto bird" in made
