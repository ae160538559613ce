"""Each step on a real kernel: its claim is false before, true after, false after undo, and undo leaves no trace."""

from dataclasses import replace

import kinds
import pytest

from live.helpers import UPLINK, stable
from live.lab_facade import journal
from podnet_lab import address, bridge, bridge_netfilter, daemon, file, forwarding, link, namespace, neighbour, recipes, route, veth
from podnet_lab.daemons.base import Daemon
from podnet_lab.errors import BadInput
from podnet_lab.recipes.step_modules import step_modules
from podnet_lab.steps.route import AddRoute

POD, OTHER = "pod-1-2", "pod-1-3"
MAC = "02:00:00:00:00:07"
SLEEPER = Daemon("sleeper", ("sh", "-c", "trap '' HUP; exec sleep 600"), (("conf", "one"),), reload="HUP")

# name, steps that come first, the step. All on node1 of a wired cluster.
ON_A_WIRED_NODE = {
    "namespace.add": ([], namespace.add("pod-new")),
    "namespace.remove, an empty one": ([namespace.add("pod-new")], namespace.remove("pod-new")),
    "namespace.remove, a wired one": ([], namespace.remove(POD)),
    "bridge.add": ([], bridge.add("br9")),
    "bridge.remove": ([], bridge.remove("v-net-0")),
    "bridge.hairpin": ([], bridge.hairpin("veth-1-2-br")),
    "link.up": ([bridge.add("br9")], link.up("br9")),
    "link.up of a Pod's loopback": ([namespace.add("pod-new")], link.up("lo", namespace="pod-new")),
    "link.down of a bridge": ([], link.down("v-net-0")),
    "link.down of the uplink, with routes": ([], link.down(UPLINK)),
    "link.down in a Pod": ([], link.down("veth-1-2", namespace=POD)),
    "link.down of a Pod's loopback": ([], link.down("lo", namespace=POD)),
    "link.down with a permanent neighbour": ([neighbour.add("10.244.1.77", MAC, dev="v-net-0")], link.down("v-net-0")),
    "link.change mtu": ([], link.change("veth-1-2", namespace=POD, mtu=1400)),
    "link.change mtu of a bridge": ([], link.change("v-net-0", mtu=1400)),
    "link.change mac": ([], link.change("veth-1-2", namespace=POD, mac=MAC)),
    "link.change mac of a bridge": ([], link.change("v-net-0", mac=MAC)),
    "link.change arp": ([], link.change("veth-1-2", namespace=POD, arp=False)),
    "link.change all": ([], link.change("veth-1-2-br", mtu=1300, mac=MAC, arp=False)),
    "link.remove of a plugged cable": ([], link.remove("veth-1-2-br")),
    "link.remove in a Pod": ([], link.remove("veth-1-2", namespace=POD)),
    "link.remove of a bridge with routes": ([route.add("10.9.0.0/24", via="10.244.1.3")], link.remove("v-net-0")),
    "link.remove of a cable that was changed": ([link.change("veth-1-2-br", mtu=1400, arp=False)], link.remove("veth-1-2-br")),
    "veth.add": ([], veth.add("one", peer="two")),
    "veth.add, an end in a Pod": ([], veth.add("one", peer="two", peer_namespace=POD)),
    "veth.add, an end of the same name": ([], veth.add("one", peer="one", peer_namespace=POD)),
    "veth.remove": ([veth.add("one", peer="two")], veth.remove("one")),
    "link.move into a Pod": ([bridge.add("br7"), veth.add("one", peer="two")], link.move("one", to=POD)),
    "veth.move into a Pod": ([veth.add("one", peer="two")], veth.move("one", to=POD)),
    "veth.move out of a Pod": ([veth.add("one", peer="two", peer_namespace=POD)], veth.move("two", to=None, namespace=POD)),
    "veth.move of a plugged end": ([], veth.move("veth-1-2-br", to=OTHER)),
    "veth.move of an end in use": ([], veth.move("veth-1-2", to=OTHER, namespace=POD)),
    "veth.move of the other end's Pod": ([veth.add("one", peer="two", peer_namespace=POD)], veth.move("two", to=OTHER, namespace=POD)),
    "veth.plug": ([veth.add("one", peer="two")], veth.plug("one", into="v-net-0")),
    "veth.plug from one bridge into another": ([bridge.add("br9")], veth.plug("veth-1-2-br", into="br9")),
    "veth.unplug": ([], veth.unplug("veth-1-2-br")),
    "address.add": ([], address.add("10.244.1.99/24", dev="v-net-0")),
    "address.add in a Pod": ([], address.add("10.9.9.9/32", dev="lo", namespace=POD)),
    "address.remove": ([], address.remove("10.244.1.1/24", dev="v-net-0")),
    "address.remove with a default route": ([], address.remove("10.244.1.2/24", dev="veth-1-2", namespace=POD)),
    "address.remove of the uplink's, with routes": ([], address.remove("192.168.1.11/24", dev=UPLINK)),
    "address.remove of the first of two": (
        [address.add("10.244.1.99/24", dev="v-net-0")],
        address.remove("10.244.1.1/24", dev="v-net-0"),
    ),
    "route.add default": ([route.remove("default", namespace=POD)], route.add("default", via="10.244.1.1", namespace=POD)),
    "route.add subnet": ([], route.add("10.77.0.0/16", via="192.168.1.12")),
    "route.add dev": ([], route.add("10.77.0.0/16", dev="v-net-0")),
    "route.add via and dev": ([], route.add("10.77.0.0/16", via="192.168.1.12", dev=UPLINK)),
    "route.add host": ([], route.add("10.244.2.2/32", via="192.168.1.12")),
    "route.remove default": ([], route.remove("default", namespace=POD)),
    "route.remove subnet": ([], route.remove("10.244.2.0/24", via="192.168.1.12")),
    "route.blackhole": ([], route.blackhole("10.77.0.0/16")),
    "route.remove of a blackhole": ([route.blackhole("10.77.0.0/16")], route.remove("10.77.0.0/16")),
    "a route with a metric beside another": (
        [route.add("10.77.0.0/16", via="192.168.1.12")],
        AddRoute(route.add("10.77.0.0/16", via="192.168.1.13").to, route.add("0.0.0.0/0", via="192.168.1.13").via, metric=50),
    ),
    "forwarding.on": ([forwarding.off()], forwarding.on()),
    "forwarding.on in a Pod": ([], forwarding.on(namespace=POD)),
    "forwarding.off": ([], forwarding.off()),
    "forwarding.on where one interface had its own": (
        [forwarding.off(), forwarding.setting("v-net-0", "forwarding", 1)],
        forwarding.on(),
    ),
    "setting rp_filter": ([], forwarding.setting("v-net-0", "rp_filter", 2)),
    "setting rp_filter of all": ([], forwarding.setting("all", "rp_filter", 1)),
    "setting rp_filter of default": ([], forwarding.setting("default", "rp_filter", 1)),
    "setting proxy_arp in a Pod": ([], forwarding.setting("veth-1-2", "proxy_arp", 1, namespace=POD)),
    "setting forwarding": ([], forwarding.setting(UPLINK, "forwarding", 0)),
    "setting forwarding of all, where one had its own": (
        [forwarding.off(), forwarding.setting("v-net-0", "forwarding", 1)],
        forwarding.setting("all", "forwarding", 1),
    ),
    "bridge_netfilter.on": ([], bridge_netfilter.on()),
    "bridge_netfilter.off": ([bridge_netfilter.on()], bridge_netfilter.off()),
    "neighbour.add": ([], neighbour.add("10.244.1.77", MAC, dev="v-net-0")),
    "neighbour.add over another": (
        [neighbour.add("10.244.1.1", "02:00:00:00:00:08", dev="veth-1-2", namespace=POD)],
        neighbour.add("10.244.1.1", MAC, dev="veth-1-2", namespace=POD),
    ),
    "neighbour.remove": ([neighbour.add("10.244.1.77", MAC, dev="v-net-0")], neighbour.remove("10.244.1.77", dev="v-net-0")),
    "daemon.start": ([], daemon.start(SLEEPER)),
    "daemon.start in a Pod": ([], daemon.start(replace(SLEEPER, namespace=POD))),
    "daemon.reload": ([daemon.start(SLEEPER)], daemon.reload(replace(SLEEPER, files=(("conf", "other"),)))),
    "daemon.stop": ([daemon.start(SLEEPER)], daemon.stop(SLEEPER)),
    "file.write": ([], file.write("/run/flannel/own.env", "KEY=value\n")),
    "file.remove": ([file.write("/run/flannel/own.env", "KEY=value\n")], file.remove("/run/flannel/own.env")),
    **kinds.merged("LIVE"),
}


def changed_macs(before, after):
    """The node's interfaces that are the same and have another MAC; a bridge chooses its own when its ports change."""
    return [
        dev
        for name, space in before.spaces.items()
        for dev, was in space.links.items()
        if (now := after.link(name, dev))
        and now.index == was.index
        and now.mac != was.mac
        and was.kind != "bridge"
        and same_cable(was, before, after)
    ]


def same_cable(link, before, after):
    """Whether the other end is the same interface: in a namespace made anew, the numbers begin anew, too."""
    return link.peer is None or (there := after.link(*link.peer)) is None or there.index == before.link(*link.peer).index


@pytest.fixture(scope="module")
def pristine(running):
    """A wired node1 and what it looks like: each test here must leave it so."""
    running["node1"].run(*recipes.node(running.plan["node1"], running.plan))
    return running, stable(running["node1"].snapshot())


@pytest.fixture
def wired_node(pristine):
    """The wired node1; wired anew if the test before did not leave it so."""
    running, looks = pristine
    if stable(running["node1"].snapshot()) != looks:
        running.reset()
        running["node1"].run(*recipes.node(running.plan["node1"], running.plan))
    assert stable(running["node1"].snapshot()) == looks
    return running["node1"]


@pytest.mark.parametrize("name", ON_A_WIRED_NODE)
def test_false_before_true_after_false_after_undo(wired_node, name):
    first, step = ON_A_WIRED_NODE[name]
    node, lab = wired_node, wired_node.lab
    wired = stable(node.snapshot())
    for one in first:
        assert node.run(one).changed
    before = node.snapshot()
    assert step.contradiction(before) is not None

    assert node.run(step).changed
    after = node.snapshot()
    assert step.contradiction(after) is None

    entries = journal(lab)
    again = node.run(step)
    assert not again.changed
    assert "already so" in str(again)
    assert stable(node.snapshot()) == stable(after)
    assert journal(lab) == entries

    lab.undo()
    left = node.snapshot()
    assert step.contradiction(left) is not None
    assert stable(left) == stable(before)
    assert not changed_macs(before, left)

    for _ in first:
        lab.undo()
    assert stable(node.snapshot()) == wired


def test_a_batch_in_which_a_switch_and_a_setting_work_together(lab):
    node = lab["node1"]
    node.run(forwarding.on())
    node.run(forwarding.off(), forwarding.setting(UPLINK, "forwarding", 1))
    assert (node.snapshot().own.forwarding, node.snapshot().own.conf[UPLINK].forwarding) == (False, True)


NEED_A_DEVICE = ("ipip", "tun")
"""Steps about what a usual lab here can't have, a module of the kernel's and /dev/net/tun: tried where those are, in test_calico_ipip."""


def test_every_step_function_is_here():
    tried = {name.split(",")[0].split(" ")[0] for name in ON_A_WIRED_NODE}
    modules = {called: module for called, module in step_modules().items() if called not in ("nft", *NEED_A_DEVICE)}
    own = {
        f"{called}.{name}"
        for called, module in modules.items()
        for name, one in vars(module).items()
        if callable(one) and not name.startswith("_") and getattr(one, "__module__", "") == module.__name__ and not isinstance(one, type)
    }
    assert own - tried - {"forwarding.setting"} == set()
    assert "setting" in tried


@pytest.mark.parametrize("mac", ["zz:00:00:00:00:01", "02:00", "", "02:00:00:00:00:01; reboot"])
def test_a_mac_that_is_none_is_bad_input(mac):
    with pytest.raises(BadInput):
        neighbour.add("10.244.1.77", mac, dev="v-net-0")
