"""Forwarding entries that a tunnel has learnt, where others are written, removed and brought back."""

from dataclasses import replace
from ipaddress import IPv4Address

from podnet_lab import vxlan
from podnet_lab.model import FdbEntry, Link, Namespace, Snapshot
from podnet_lab.recipes.reconcile import restore

MAC, HERE, THERE = "02:00:00:00:00:02", IPv4Address("192.168.1.12"), IPv4Address("192.168.1.13")
SETTINGS = (("vni", 1), ("port", 8472), ("learning", False), ("local", "192.168.1.11"), ("dev", "eth0"))
LINK = Link("flannel.1", "vxlan", up=True, mtu=1450, settings=SETTINGS)


def node(*entries, link=LINK):
    return Snapshot("node1", {None: Namespace(None, links={link.name: link}, fdb=tuple(entries))})


def entry(host, written):
    return FdbEntry(MAC, "flannel.1", written, host)


def test_a_learnt_entry_is_removed_as_a_written_one_is():
    step = vxlan.fdb_remove(MAC, str(THERE), "flannel.1")
    assert "still looks" in step.contradiction(node(entry(THERE, written=False)))
    assert step.contradiction(node()) is None


def test_a_written_entry_is_no_second_one_beside_a_learnt():
    step = vxlan.fdb_append(MAC, str(HERE), "flannel.1")
    assert "looks for 02:00:00:00:00:02 at 192.168.1.13" in step.conflict(node(entry(THERE, written=False)))
    assert step.conflict(node(entry(HERE, written=False))) is None
    assert step.contradiction(node(entry(HERE, written=False))), "it is learnt, and will be forgotten"


def test_what_is_learnt_gives_way_to_what_was_written_and_goes_by_itself_else():
    then = node(entry(HERE, written=True))
    typed = [step.command for step in restore(node(entry(THERE, written=False)), then)]
    assert typed == [f"bridge fdb del {MAC} dev flannel.1 dst {THERE}", f"bridge fdb append {MAC} dev flannel.1 dst {HERE}"]
    assert restore(node(entry(THERE, written=False)), node()) == []


def test_a_tunnel_that_is_made_again_has_all_its_entries_written_in_the_same_pass():
    changed = replace(LINK, settings=tuple((dict(SETTINGS) | {"vni": 7}).items()))
    typed = [step.command for step in restore(node(entry(HERE, written=True), link=changed), node(entry(HERE, written=True)))]
    assert typed[0] == "ip link del flannel.1"
    assert typed[-1] == f"bridge fdb append {MAC} dev flannel.1 dst {HERE}"
