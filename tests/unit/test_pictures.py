"""Pictures as values: what is marked on them, and what can be picked in a live one."""

import json
import re
from dataclasses import replace
from html import unescape

import world

from podnet_lab.checks.reachability import SILENCE, Endpoint, Matrix, Ping, Verdict
from podnet_lab.devices.veth import steps as veth
from podnet_lab.plan import plan
from podnet_lab.show import heatmap
from podnet_lab.show.topology import Topology, sketch

WIRED = world.wired(plan(2, 2))
A, B, C = (Endpoint(name, "node1", name, ("10.0.0.1",)) for name in ("pod-a", "pod-b", "pod-c"))


def parts(svg):
    """What can be picked: keys by labels."""
    found = re.findall(r'class="part" data-key="([^"]*)" role="button" tabindex="0" aria-label="([^"]*)"', svg)
    return {unescape(label): tuple(json.loads(unescape(key))) for key, label in found}


def test_everything_on_a_live_topology_can_be_picked_and_nothing_on_a_still_one():
    shown = Topology(WIRED)
    found = parts(sketch(shown, live=True)[0].svg())
    assert found["Pod pod-1-2"] == ("node1", "pod-1-2", None)
    assert found["interface veth-1-2 of pod-1-2"] == ("node1", "pod-1-2", "veth-1-2")
    assert found["interface veth-1-2-br of node1"] == ("node1", None, "veth-1-2-br")
    assert found["bridge v-net-0 of node2"] == ("node2", None, "v-net-0")
    assert found["interface eth0 of node2"] == ("node2", None, "eth0")
    assert found["node node1"] == ("node1", None, None)
    assert len(found) == 2 * (1 + 1 + 1 + 2 * 3)
    assert parts(shown.svg) == {}


def test_a_live_picture_shows_what_a_still_one_shows():
    live, still = (
        re.findall(r"<text[^>]*>([^<]*)</text>", svg) for svg in (sketch(Topology(WIRED), live=True)[0].svg(), Topology(WIRED).svg)
    )
    assert live == still
    assert "pod-1-2" in live


def test_a_name_may_hold_anything():
    odd = 'a"b<c>&'
    spaces = {**WIRED["node1"].spaces, odd: replace(WIRED["node1"].spaces["pod-1-2"], name=odd)}
    cluster = {**WIRED, "node1": replace(WIRED["node1"], spaces=spaces)}
    found = parts(sketch(Topology(cluster), live=True)[0].svg())
    assert ("node1", odd, None) in found.values()


def cell(ping):
    return heatmap.draw(Matrix([ping, Ping(B, A, Verdict.REACHED, "10.0.0.1")])).split("✓ reached ·")[0]


def test_what_the_snapshots_explain_looks_different_from_what_nobody_can():
    explained = cell(Ping(A, B, Verdict.NO_REPLY, why="node1 has no route"))
    silent = cell(Ping(A, B, Verdict.NO_REPLY, why=SILENCE))
    translated = cell(Ping(A, B, Verdict.TRANSLATED, "10.0.0.9"))
    assert ("stroke-dasharray" in explained, 'stroke-width="2.6"' in explained) == (True, False)
    assert ("stroke-dasharray" in silent, 'stroke-width="2.6"' in silent) == (False, True)
    assert ("stroke-dasharray" in translated, 'stroke-width="2.6"' in translated) == (False, True)


def test_of_very_many_those_with_most_failures_are_drawn():
    everyone = [Endpoint(f"pod-{number}", "node1", f"pod-{number}", (f"10.0.0.{number}",)) for number in range(40)]
    bad = everyone[35]
    pings = [
        Ping(one, other, Verdict.NO_REPLY if bad in (one, other) else Verdict.REACHED)
        for one in everyone
        for other in everyone
        if one != other
    ]
    drawn = heatmap.chosen(Matrix(pings))
    assert len(drawn) == heatmap.MOST
    assert bad in drawn
    assert drawn == sorted(drawn, key=everyone.index)
    assert "the 30 of 40 with most failures" in heatmap.draw(Matrix(pings))


def test_a_loose_cable_and_a_port_elsewhere_can_be_picked_too():
    cluster = world.change(WIRED, "node1", veth.unplug("veth-1-2-br"))
    assert "interface veth-1-2-br of node1" in parts(sketch(Topology(cluster), live=True)[0].svg())
