"""A trace's lines on a picture go beside what is written there, whatever hangs on a node, and however long its lines of text are."""

import itertools
import re
from html import unescape

import pytest
import world
from built_frames import GW as GATEWAY
from built_frames import NONCE, A, echo

from podnet_lab import bridge, link, route, veth, vxlan
from podnet_lab.packets.encapsulations import Opener
from podnet_lab.packets.frames import frame
from podnet_lab.packets.hop import CapturedFrame
from podnet_lab.packets.trace import Trace, build, echoes
from podnet_lab.plan import plan
from podnet_lab.show.canvas import CHARACTER
from podnet_lab.show.topology import NETWORK_BOTTOM, Topology, sketch
from podnet_lab.show.trace_player import film

WIRED = world.wired(plan(2, 2))
LONG = route.add("10.99.0.0/24", via="192.168.1.12", metric=12345)
TUNNELS = [step for n in (1, 2) for step in (vxlan.add(f"t{n}", n, local="192.168.1.11"), link.up(f"t{n}"))]
NO_BRIDGE = [link.remove("v-net-0"), *(route.add(f"10.244.1.{n}/32", dev=f"veth-1-{n}-br") for n in (2, 3))]
MOVED = [step for port in ("veth-1-2-br", "veth-1-3-br") for step in (veth.unplug(port), veth.plug(port, into="br-a"))]

# What node1 has besides, and the interfaces of its own, or of pod-1-3, at which a packet is seen on its way to eth0
NODES = {
    "the lesson's": ([], ["veth-1-3-br", "v-net-0"]),
    "long routes": ([LONG], ["veth-1-3-br", "v-net-0"]),
    "no bridge, as Calico's": ([*NO_BRIDGE, LONG], ["veth-1-3-br"]),
    "no bridge, the first Pod": ([*NO_BRIDGE, LONG], ["veth-1-2-br"]),
    "a tunnel": ([LONG, *TUNNELS[:2]], ["veth-1-3-br", "v-net-0", "t1"]),
    "two tunnels, by the left one": ([LONG, *TUNNELS], ["veth-1-3-br", "v-net-0", "t1"]),
    "two bridges, by the left one": (
        [LONG, bridge.add("br-a"), link.up("br-a"), *MOVED],
        ["veth-1-2-br", "br-a"],
    ),
}


def traced(devices, answered=True):
    """A trace of an echo that goes out by node1's *devices* and its uplink, and comes back the same way; or is lost at the last."""
    out = [(dev, True, echo()) for dev in [*devices, *(["eth0"] if answered else [])]]
    back = [(dev, False, echo((GATEWAY, A), reply=True)) for dev, _, _ in reversed(out)] if answered else []
    path = [
        CapturedFrame("node1", None, dev, sent, at, data, len(data), Opener({}).open(frame(data)))
        for at, (dev, sent, data) in enumerate([*out, *back])
    ]
    return Trace.of(build({}, path, echoes(path, NONCE), "node1"), "a → b", answered=answered)


def written(svg):
    """All texts but the badges' numbers, each with its box: left, top, right and lower edge."""
    for of_text, words in re.findall(r"<text ([^>]*)>([^<]*)</text>", svg):
        if "font-size" not in of_text:
            at = dict(re.findall(r'([\w-]+)="([^"]*)"', of_text))
            width, x, y = len(re.sub(" +", " ", unescape(words))) * CHARACTER, float(at["x"]), float(at["y"])
            left = x - {"start": 0, "middle": width / 2, "end": width}[at["text-anchor"]]
            yield words, (left, y - 8, left + width, y + 3)


def ways(svg):
    return [
        [tuple(map(float, point.split(","))) for point in points.split()]
        for points in re.findall(r'<polyline points="([^"]*)"[^>]* stroke-width="3"', svg)
    ]


def crossed(svg, lines):
    """The texts that one of *lines* runs over."""
    return {
        words
        for words, (left, top, right, low) in written(svg)
        for line in lines
        for (x1, y1), (x2, y2) in itertools.pairwise(line)
        if min(x1, x2) < right and max(x1, x2) > left and min(y1, y2) < low and max(y1, y2) > top
    }


@pytest.mark.parametrize("name", NODES)
def test_no_line_of_a_trace_runs_over_text(name):
    steps, devices = NODES[name]
    cluster, trace = world.change(WIRED, "node1", *steps), traced(devices)
    svg = Topology(cluster, trace=trace).svg
    there, back = ways(svg)
    assert len(there) > len(devices)
    assert all(x1 == x2 or y1 == y2 for line in (there, back) for (x1, y1), (x2, y2) in itertools.pairwise(line))
    assert crossed(svg, [there, back]) == set()
    canvas, anchors = sketch(Topology(cluster, trace=trace), live=True)
    assert crossed(canvas.svg(), [hop["path"] for hop in film(trace, anchors, NETWORK_BOTTOM)]) == set()


@pytest.mark.parametrize("pod", [2, 3])
@pytest.mark.parametrize("lost", [1, 2])
def test_the_cross_where_a_packet_is_lost_is_on_no_text(pod, lost):
    svg = Topology(WIRED, trace=traced([f"veth-1-{pod}-br", "v-net-0"][:lost], answered=False)).svg
    ends = re.findall(r'<line x1="(\S+)" y1="(\S+)" x2="(\S+)" y2="(\S+)" class="s-wrong"', svg)
    assert len(ends) == 2
    assert crossed(svg, [[(x1, y1), (x2, y2)] for x1, y1, x2, y2 in (map(float, line) for line in ends)]) == set()


def test_a_node_is_wider_for_a_trace_alone_and_only_if_its_text_needs_it():
    long = world.change(WIRED, "node1", LONG)
    assert sketch(Topology(long, trace=traced(["v-net-0"])))[0].width > sketch(Topology(long))[0].width
    assert sketch(Topology(WIRED, trace=traced(["v-net-0"])))[0].width == sketch(Topology(WIRED))[0].width
    lines = [{words for words, _ in written(Topology(long, trace=trace).svg) if words.startswith("10.99")} for trace in (None, traced([]))]
    assert lines[0] == lines[1], "no text is cut for it"
