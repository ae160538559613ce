"""Every function that gives a step tells what a person would type, and that is what the step prints."""

import inspect
import re
from dataclasses import replace

import kinds
import pytest
import world

from podnet_lab.daemons import dnsmasq
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.plan import plan
from podnet_lab.recipes.step_modules import step_modules
from podnet_lab.steps import address, bridge_netfilter, file, forwarding, namespace, neighbour, route
from podnet_lab.steps.nft import statements as say
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.restore import restore_tables

BARE = world.bare()
WIRED = world.wired(plan())["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
LOOSE = world.do(BARE, namespace.add(POD), bridge.add("v-net-0"), veth.add(CABLE, peer=END))
MAC = "02:00:00:00:00:99"

TABLED = world.do(WIRED, nft.table(), nft.chain("services"), nft.chain("service-web"), nft.verdict_map("service-ips"))
KEY, TO_WEB = "10.96.0.20 . tcp . 80", "goto service-web"
JUMP = (say.jump("services"),)
RULED = world.do(TABLED, nft.rule("service-web", *JUMP), nft.element("service-ips", KEY, TO_WEB))
TABLE_THEN = restore_tables(WIRED.own.rules, TABLED.own.rules)[0]

CONF = "router id 192.168.1.11;\n"
BIRD = Daemon("bird", ("bird", "-f", "-c", "/run/podnet/bird/bird.conf"), (("bird.conf", CONF),), reload="HUP")
BIRD_AGAIN = replace(BIRD, files=(("bird.conf", "router id 192.168.1.12;\n"),))
BIRD_RUNS = world.do(WIRED, daemon.start(BIRD))
SERVER = dnsmasq.server(POD, {"web": "10.96.0.20"})
SERVER_RUNS = world.do(WIRED, daemon.start(SERVER))
WRITE = "mkdir -p /run/podnet/bird\ncat > /run/podnet/bird/bird.conf <<'EOF'\nrouter id 192.168.1.{};\nEOF\n"

NO_STEPS = {"nft.transaction"}
FUNCTIONS = {
    f"{called}.{name}": function
    for called, module in step_modules().items()
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_") and f"{called}.{name}" not in NO_STEPS
}


def by_hand(function):
    block = re.search(r"By hand::\n\n((?: {4,}\S.*\n?|\n)+)", inspect.getdoc(function) + "\n")
    return [line.strip() for line in block[1].splitlines() if line.strip()] if block else []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_step_function_tells_how_by_hand(name):
    assert by_hand(FUNCTIONS[name])


EXAMPLES = {
    "nft.table": [nft.table()],
    "nft.chain": [nft.chain("services"), nft.chain("nat-prerouting", hook="prerouting")],
    "nft.verdict_map": [nft.verdict_map("service-ips")],
    "nft.address_set": [nft.address_set("affinity-web", 10800)],
    "nft.element": [nft.element("service-ips", KEY, TO_WEB)],
    "nft.remove_element": [nft.remove_element("service-ips", KEY)],
    "nft.rule": [nft.rule("nat-prerouting", *JUMP)],
    "nft.set_rules": [nft.set_rules("service-web", [[say.protocol("tcp"), say.dnat("10.244.1.2", 8080)]])],
    "nft.remove": [nft.remove("table", "kube-proxy")],
    "nft.members_set": [
        nft.members_set("clients", table="network-policy"),
        nft.members_set("offices", table="network-policy", subnets=True),
    ],
    "nft.set_members": [nft.set_members("clients", ["10.244.1.2", "10.244.2.2"], table="network-policy")],
    "bridge_netfilter.on": [bridge_netfilter.on()],
    "bridge_netfilter.off": [bridge_netfilter.off()],
    "namespace.add": [namespace.add(POD)],
    "namespace.remove": [namespace.remove(POD)],
    "bridge.add": [bridge.add("v-net-0")],
    "bridge.hairpin": [bridge.hairpin(END)],
    "bridge.remove": [bridge.remove("v-net-0")],
    "link.up": [link.up("v-net-0"), link.up(CABLE, namespace=POD)],
    "link.down": [link.down("v-net-0")],
    "link.change": [link.change(CABLE, namespace=POD, mtu=1400)],
    "link.remove": [link.remove(END)],
    "veth.add": [veth.add(CABLE, peer=END), veth.add(END, peer=CABLE, peer_namespace=POD)],
    "link.move": [link.move("veth-1-2", to="pod-1-2"), link.move("veth-1-2", to=None, namespace="pod-1-2")],
    "veth.move": [veth.move(CABLE, to=POD)],
    "veth.plug": [veth.plug(END, into="v-net-0")],
    "veth.unplug": [veth.unplug(END)],
    "veth.remove": [veth.remove(END)],
    "address.add": [address.add("10.244.1.1/24", dev="v-net-0"), address.add("10.244.1.2/24", dev=CABLE, namespace=POD)],
    "address.remove": [address.remove("10.244.1.1/24", dev="v-net-0")],
    "route.add": [
        route.add("default", via="10.244.1.1", namespace=POD),
        route.add("10.244.2.0/24", via="192.168.1.12"),
        route.add("10.244.2.0/24", via="10.244.2.0", dev="flannel.1", onlink=True),
    ],
    "route.remove": [route.remove("10.244.2.0/24", via="192.168.1.12")],
    "route.blackhole": [route.blackhole("10.244.2.0/24")],
    "forwarding.on": [forwarding.on()],
    "forwarding.off": [forwarding.off()],
    "forwarding.setting": [forwarding.setting("v-net-0", "rp_filter", 1)],
    "neighbour.add": [neighbour.add("10.244.1.1", "02:00:00:00:00:01", dev=CABLE, namespace=POD)],
    "neighbour.remove": [neighbour.remove("10.244.1.1", dev=CABLE, namespace=POD)],
    "daemon.start": [daemon.start(BIRD)],
    "daemon.reload": [daemon.reload(BIRD_AGAIN)],
    "daemon.stop": [daemon.stop(BIRD)],
    "file.write": [file.write("/var/lib/cni/networks/cbr0/10.244.1.2", "pod-1-2\r\neth0")],
    "file.remove": [file.remove("/var/lib/cni/networks/cbr0/10.244.1.2")],
    **kinds.merged("EXAMPLES"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_person_would_type_is_what_the_step_prints(name):
    assert by_hand(FUNCTIONS[name]) == [line for step in EXAMPLES[name] for line in step.command.splitlines()]
