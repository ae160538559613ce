"""Labs side by side, and a lab on a host whose settings are not the usual ones."""

import sys

import pytest

from live.helpers import stable, until
from live.lab_facade import processes
from podnet_lab import Lab, forwarding, recipes
from podnet_lab.errors import BadInput, LabError, LabGone

ROUTER = """
from podnet_lab.backends import nursery
unshare = nursery.unshare

def unshare_as_on_a_router():
    unshare()
    keys = "rp_filter", "proxy_arp", "arp_ignore", "arp_announce"
    on = ["ip_forward", *(f"conf/{one}/{key}" for one in ("all", "default") for key in keys)]
    for name in on:
        with open(f"/proc/sys/net/ipv4/{name}", "w") as file:
            file.write("1")

nursery.unshare = unshare_as_on_a_router
nursery.work(nursery.Taker(int(sys.argv[-1])))
"""
"""The nursery of a host that is a router: each node's settings are as on that."""

WRAPPER = """\
#!/bin/sh
exec {python} -P -c 'import sys
{program}' "$@"
"""


def test_two_labs_know_nothing_of_each_other(lab):
    with Lab.open(name="second") as second:
        empty = stable(second.snapshot())
        lab.build()
        assert lab.check()
        assert stable(second.snapshot()) == empty
        second.build()
        exams = [lab.check(), second.check()]
        assert all(exams)
        assert [exam.matrix.reached for exam in exams] == [30, 30]
        lab["node1"].run(forwarding.off())
        assert not lab.check()
        assert second.check()
        second.close()
        assert not second.alive
        assert lab.ping("pod-1-2", "pod-1-3")
        with pytest.raises(LabGone):
            second.snapshot()


def test_opening_again_gives_the_same_lab(lab):
    assert Lab.open(name=lab.name) is lab
    assert Lab.open(nodes=3, pods=2, name=lab.name) is lab
    with pytest.raises(LabError, match="another plan"):
        Lab.open(nodes=2, name=lab.name)


def test_a_lab_that_lost_a_node_says_so_and_makes_room():
    lab = Lab.open(nodes=2, pods=1, name="hurt")
    number = processes(lab)["node1"]["pid"]
    lab["node2"].shell(f"kill -9 {number}")
    until(lambda: not lab.alive)
    for use in (lab.snapshot, lab.build, lab.reset, lambda: lab["node1"].shell("true"), lambda: lab.ping("node1", "node2")):
        with pytest.raises(LabGone, match="hurt"):
            use()
    assert "closed" in repr(lab)
    with Lab.open(nodes=2, pods=1, name="hurt") as fresh:
        assert fresh is not lab
        fresh.build()
        lab.close()
        assert fresh.ping("pod-1-2", "pod-2-2")
        assert Lab.open(name="hurt") is fresh


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 300, "a b", "a\nb"])
def test_a_labs_name_is_a_files_name(name):
    with pytest.raises(BadInput):
        Lab.open(nodes=1, pods=1, name=name).close()


@pytest.fixture(scope="module")
def routing_host(tmp_path_factory):
    """A lab whose nodes come up as on a host that is a router already."""
    wrapper = tmp_path_factory.mktemp("host") / "python"
    wrapper.write_text(WRAPPER.format(python=sys.executable, program=ROUTER))
    wrapper.chmod(0o755)
    with Lab.open(name="routing-host", node_python=str(wrapper)) as lab:
        yield lab


def test_a_host_that_forwards_is_not_noticed(routing_host, lab):
    assert stable(routing_host.snapshot()) == stable(lab.snapshot())
    for node in routing_host:
        assert forwarding.on().contradiction(node.snapshot()) is not None
        assert not node.snapshot().own.forwarding
        said = node.shell("cd /proc/sys/net/ipv4/conf; cat {all,default,eth0,lo}/{forwarding,rp_filter,proxy_arp,arp_ignore,arp_announce}")
        assert set(said.split()) == {"0"}


def test_the_lesson_on_a_host_that_forwards(routing_host, lab):
    for name in recipes.STAGES:
        for one in (routing_host, lab):
            one.run({node.name: recipes.stage(name, node, one.plan) for node in one.plan.nodes})
        cluster = routing_host.snapshot()
        assert all(routing_host.network.checks(name, node, cluster, 2) for node in cluster.values())
        assert stable(cluster) == stable(lab.snapshot())
        if name == "addr":
            assert not routing_host.ping("pod-1-2", "pod-2-2", patience=0.3)
    assert routing_host.check()
