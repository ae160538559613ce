"""Every step: its command, its claim before and after, its inverse, and that what it prints is what it asks for."""

import ast
import importlib
import inspect
import pkgutil
import re
import shlex
from dataclasses import FrozenInstanceError, fields, replace

import kinds
import pytest
import world

from podnet_lab import daemons, devices, steps
from podnet_lab.daemons import dnsmasq
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon
from podnet_lab.devices import kinds as names_of_kinds
from podnet_lab.devices import link, link_steps
from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.raw import AddRawLink
from podnet_lab.devices.veth import steps as veth
from podnet_lab.devices.veth.steps import AddVethInside
from podnet_lab.lab.journal import Entry
from podnet_lab.plan import plan
from podnet_lab.steps import address, bridge_netfilter, file, forwarding, namespace, neighbour, route
from podnet_lab.steps.base import Step
from podnet_lab.steps.facts import facts
from podnet_lab.steps.ipv6 import BringBackIpv6
from podnet_lab.steps.nft import statements as say
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.base import Nft
from podnet_lab.steps.nft.dormant import SetDormant
from podnet_lab.steps.nft.objects import Named
from podnet_lab.steps.nft.restore import restore_tables
from podnet_lab.steps.nft.rules import RemoveRule

BARE = world.bare()
WIRED = world.wired(plan())["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
LOOSE = world.do(BARE, namespace.add(POD), bridge.add("v-net-0"), veth.add(CABLE, peer=END))
MAC = "02:00:00:00:00:99"

TABLED = world.do(WIRED, nft.table(), nft.chain("services"), nft.chain("service-web"), nft.verdict_map("service-ips"))
KEY, TO_WEB = "10.96.0.20 . tcp . 80", "goto service-web"
JUMP = (say.jump("services"),)
RULED = world.do(TABLED, nft.rule("service-web", *JUMP), nft.element("service-ips", KEY, TO_WEB))
ASLEEP = world.do(TABLED, SetDormant("ip", "kube-proxy", True))
TABLE_THEN = restore_tables(WIRED.own.rules, TABLED.own.rules)[0]

CONF = "router id 192.168.1.11;\n"
BIRD = Daemon("bird", ("bird", "-f", "-c", "/run/podnet/bird/bird.conf"), (("bird.conf", CONF),), reload="HUP")
BIRD_AGAIN = replace(BIRD, files=(("bird.conf", "router id 192.168.1.12;\n"),))
BIRD_RUNS = world.do(WIRED, daemon.start(BIRD))
SERVER = dnsmasq.server(POD, {"web": "10.96.0.20"})
SERVER_RUNS = world.do(WIRED, daemon.start(SERVER))
LEASE = "/var/lib/cni/networks/cbr0/10.244.1.2"
LEASED = world.do(WIRED, file.write(LEASE, "pod-1-2\r\neth0"))
WRITE = "mkdir -p /run/podnet/bird\ncat > /run/podnet/bird/bird.conf <<'EOF'\nrouter id 192.168.1.{};\nEOF\n"

# (step, the command, a node where its claim is false, a part of what contradicts it there)
STEPS = [
    (namespace.add(POD), f"ip netns add {POD}", BARE, f"no namespace is called {POD}"),
    (namespace.remove(POD), f"ip netns del {POD}", WIRED, "still there"),
    (bridge.add("v-net-0"), "ip link add v-net-0 type bridge", BARE, "no interface is called v-net-0"),
    (bridge.remove("v-net-0"), "ip link del v-net-0", WIRED, "still there"),
    (bridge.hairpin(END), f"ip link set {END} type bridge_slave hairpin on", WIRED, f"{END} is no hairpin"),
    (link.up("v-net-0"), "ip link set dev v-net-0 up", LOOSE, "v-net-0 is down"),
    (link.up("lo", namespace=POD), f"ip -n {POD} link set dev lo up", LOOSE, f"lo in {POD} is down"),
    (link.down("v-net-0"), "ip link set dev v-net-0 down", WIRED, "v-net-0 is up"),
    (link.down(CABLE, namespace=POD), f"ip -n {POD} link set dev {CABLE} down", WIRED, f"{CABLE} in {POD} is up"),
    (link.change(CABLE, POD, mtu=1400), f"ip -n {POD} link set dev {CABLE} mtu 1400", WIRED, "has mtu 1500"),
    (link.change(CABLE, POD, arp=False), f"ip -n {POD} link set dev {CABLE} arp off", WIRED, "has arp True"),
    (link.change(END, mac=MAC.upper(), mtu=1400), f"ip link set dev {END} mtu 1400 address {MAC}", WIRED, "has mtu 1500, mac"),
    (link.remove(CABLE, POD), f"ip -n {POD} link del {CABLE}", WIRED, "still there"),
    (veth.add(CABLE, peer=END), f"ip link add {CABLE} type veth peer name {END}", BARE, f"no interface is called {CABLE}"),
    (
        veth.add("b", peer="a", peer_namespace=POD),
        f"ip link add name b type veth peer name a netns {POD}",
        LOOSE,
        "no interface is called b",
    ),
    (
        AddVethInside("b", "a", "pod-1-3", POD),
        f"ip -n {POD} link add name b type veth peer name a netns pod-1-3",
        WIRED,
        f"no interface is called b in {POD}",
    ),
    (veth.move(CABLE, to=POD), f"ip link set {CABLE} netns {POD}", LOOSE, f"{CABLE} is not in {POD}"),
    (veth.move(CABLE, to=None, namespace=POD), f"ip -n {POD} link set {CABLE} netns $$", WIRED, f"{CABLE} is not in the node itself"),
    (veth.plug(END, into="v-net-0"), f"ip link set {END} master v-net-0", LOOSE, f"{END} is not plugged into anything"),
    (veth.unplug(END), f"ip link set {END} nomaster", WIRED, f"{END} is plugged into v-net-0"),
    (veth.remove(END), f"ip link del {END}", WIRED, "still there"),
    (address.add("10.244.1.1/24", dev="v-net-0"), "ip addr add 10.244.1.1/24 dev v-net-0", LOOSE, "v-net-0 has no address"),
    (
        address.add("10.244.1.9/24", dev=CABLE, namespace=POD),
        f"ip -n {POD} addr add 10.244.1.9/24 dev {CABLE}",
        WIRED,
        f"{CABLE} in {POD} has 10.244.1.2/24",
    ),
    (address.remove("10.244.1.1/24", dev="v-net-0"), "ip addr del 10.244.1.1/24 dev v-net-0", WIRED, "still has 10.244.1.1/24"),
    (
        route.add("default", via="10.244.1.1", namespace=POD),
        f"ip -n {POD} route add default via 10.244.1.1",
        world.do(WIRED, route.remove("default", namespace=POD)),
        f"there is no route to default in {POD}",
    ),
    (route.add("10.9.0.0/24", dev="eth0"), "ip route add 10.9.0.0/24 dev eth0", BARE, "there is no route to 10.9.0.0/24"),
    (route.remove("10.244.2.0/24", via="192.168.1.12"), "ip route del 10.244.2.0/24 via 192.168.1.12", WIRED, "still there"),
    (route.remove("default", namespace=POD), f"ip -n {POD} route del default", WIRED, "still there"),
    (
        route.add("10.9.0.0/24", via="10.9.0.0", dev="eth0", onlink=True),
        "ip route add 10.9.0.0/24 via 10.9.0.0 dev eth0 onlink",
        BARE,
        "there is no route to 10.9.0.0/24",
    ),
    (route.blackhole("10.9.0.0/24"), "ip route add blackhole 10.9.0.0/24", WIRED, "there is no route"),
    (forwarding.on(), "sysctl -w net.ipv4.ip_forward=1", BARE, "net.ipv4.ip_forward is 0"),
    (forwarding.off(), "sysctl -w net.ipv4.ip_forward=0", WIRED, "net.ipv4.ip_forward is 1"),
    (forwarding.on(POD), f"ip netns exec {POD} sysctl -w net.ipv4.ip_forward=1", WIRED, f"is 0 in {POD}"),
    (
        forwarding.setting("v-net-0", "rp_filter", 2),
        "sysctl -w net/ipv4/conf/v-net-0/rp_filter=2",
        WIRED,
        "rp_filter of v-net-0 is 0",
    ),
    (
        neighbour.add("10.244.1.1", MAC, dev=CABLE, namespace=POD),
        f"ip -n {POD} neigh replace 10.244.1.1 lladdr {MAC} dev {CABLE} nud permanent",
        WIRED,
        "nothing is written down for 10.244.1.1",
    ),
    (
        neighbour.remove("10.244.1.1", dev=CABLE, namespace=POD),
        f"ip -n {POD} neigh del 10.244.1.1 dev {CABLE}",
        world.do(WIRED, neighbour.add("10.244.1.1", MAC, dev=CABLE, namespace=POD)),
        f"10.244.1.1 is at {MAC} for good",
    ),
    (nft.table(), "nft add table ip kube-proxy", WIRED, "no table is called kube-proxy"),
    (nft.chain("endpoints"), "nft add chain ip kube-proxy endpoints", TABLED, "no chain of kube-proxy is called endpoints"),
    (
        nft.chain("nat-output", hook="output"),
        "nft 'add chain ip kube-proxy nat-output { type nat hook output priority -100 ; }'",
        TABLED,
        "no chain of kube-proxy is called nat-output",
    ),
    (
        nft.verdict_map("ports", by="port"),
        "nft 'add map ip kube-proxy ports { type inet_proto . inet_service : verdict ; }'",
        TABLED,
        "no map of kube-proxy is called ports",
    ),
    (
        nft.address_set("affinity-web", 60),
        "nft 'add set ip kube-proxy affinity-web { type ipv4_addr ; flags timeout ; timeout 60s ; }'",
        TABLED,
        "no set of kube-proxy is called affinity-web",
    ),
    (bridge_netfilter.on(), "sysctl -w net.bridge.bridge-nf-call-iptables=1", WIRED, "bridge-nf-call-iptables is 0"),
    (nft.members_set("clients"), "nft 'add set ip kube-proxy clients { type ipv4_addr ; }'", TABLED, "no set of kube-proxy is called"),
    (
        nft.members_set("offices", subnets=True),
        "nft 'add set ip kube-proxy offices { type ipv4_addr ; flags interval ; }'",
        TABLED,
        "no set of kube-proxy is called",
    ),
    (
        nft.set_members("offices", ["10.9.0.0/16", "10.8.8.8/32"]),
        "nft 'flush set ip kube-proxy offices; add element ip kube-proxy offices { 10.8.8.8, 10.9.0.0/16 }'",
        world.do(TABLED, nft.members_set("offices", subnets=True)),
        "offices lacks 10.8.8.8, 10.9.0.0/16",
    ),
    (
        nft.set_members("clients", ["10.244.2.2", "10.244.1.3"]),
        "nft 'flush set ip kube-proxy clients; add element ip kube-proxy clients { 10.244.1.3, 10.244.2.2 }'",
        world.do(TABLED, nft.members_set("clients")),
        "clients lacks 10.244.1.3, 10.244.2.2",
    ),
    (
        nft.element("service-ips", KEY, TO_WEB),
        f"nft 'add element ip kube-proxy service-ips {{ {KEY} : {TO_WEB} }}'",
        TABLED,
        f"service-ips has nothing for {KEY}",
    ),
    (
        nft.remove_element("service-ips", KEY),
        f"nft 'delete element ip kube-proxy service-ips {{ {KEY} }}'",
        RULED,
        f"service-ips still sends {KEY} to goto service-web",
    ),
    (
        nft.rule("services", say.protocol("tcp"), say.drop()),
        "nft add rule ip kube-proxy services meta l4proto tcp drop",
        TABLED,
        "no rule of services says so",
    ),
    (
        nft.set_rules("service-web", [[say.drop()], JUMP]),
        "nft 'flush chain ip kube-proxy service-web; add rule ip kube-proxy service-web drop; "
        "add rule ip kube-proxy service-web jump services'",
        RULED,
        "service-web lacks a rule: `drop`",
    ),
    (SetDormant("ip", "kube-proxy", True), "nft 'add table ip kube-proxy { flags dormant ; }'", TABLED, "kube-proxy is not dormant"),
    (SetDormant("ip", "kube-proxy", False), "nft add table ip kube-proxy", ASLEEP, "is dormant: its chains are at no hook"),
    (nft.remove("chain", "services"), "nft delete chain ip kube-proxy services", TABLED, "chain services is still there"),
    (nft.remove("table", "kube-proxy"), "nft delete table ip kube-proxy", RULED, "table kube-proxy is still there"),
    (
        nft.transaction([nft.chain("a"), nft.rule("a", say.drop())], "a drops"),
        "nft 'add chain ip kube-proxy a; add rule ip kube-proxy a drop'",
        TABLED,
        "no chain of kube-proxy is called a",
    ),
    (TABLE_THEN, TABLE_THEN.command, WIRED, "the table kube-proxy is not"),
    (
        daemon.start(BIRD),
        WRITE.format(11)
        + "nohup bird -f -c /run/podnet/bird/bird.conf > /run/podnet/bird/log 2>&1 < /dev/null & echo $! > /run/podnet/bird/pid",
        WIRED,
        "bird does not run",
    ),
    (
        daemon.reload(BIRD_AGAIN),
        WRITE.format(12) + "kill -HUP $(cat /run/podnet/bird/pid)",
        BIRD_RUNS,
        "bird runs with other options or files",
    ),
    (daemon.stop(BIRD), "kill -TERM $(cat /run/podnet/bird/pid) && rm -r /run/podnet/bird", BIRD_RUNS, "bird still runs"),
    (daemon.start(SERVER), daemon.start(SERVER).command, WIRED, f"dnsmasq in {POD} does not run"),
    (
        daemon.stop(SERVER),
        f"kill -TERM $(cat /run/podnet/dnsmasq.{POD}/pid) && rm -r /run/podnet/dnsmasq.{POD}",
        SERVER_RUNS,
        f"dnsmasq in {POD} still runs",
    ),
    (
        file.write(LEASE, "pod-1-2\r\neth0"),
        f"mkdir -p /var/lib/cni/networks/cbr0 && printf 'pod-1-2\\r\\neth0' > {LEASE}",
        WIRED,
        f"there is no {LEASE}",
    ),
    (file.remove(LEASE), f"rm {LEASE}", LEASED, f"{LEASE} is still there"),
    *kinds.rows(world),
]
EACH = pytest.mark.parametrize(("step", "command", "before", "words"), STEPS, ids=[command for _, command, _, _ in STEPS])


@EACH
def test_the_command_is_what_a_person_would_type(step, command, before, words):
    assert step.command == command
    assert shlex.split(command)[0] in {"ip", "bridge", "sysctl", "nft", "mkdir", "kill", "rm", "modprobe"}


IN_A_PROGRAM = {"ip", "pod", "NetNS", "netns", "Path", "os", "subprocess"}


@EACH
def test_what_a_program_does_for_it_is_python_and_names_the_same_things(step, command, before, words):
    tree = ast.parse(step.pyroute2)
    assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} <= IN_A_PROGRAM
    texts = " ".join(str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant))
    names = [word for word in re.findall(r"[a-z]+-[0-9-]+(?:br)?|\d+\.\d+\.\d+\.\d+", command) if not command.startswith("nft")]
    assert [name for name in names if name not in texts] == []


@EACH
def test_the_claim_is_false_before_true_after_and_false_when_taken_back(step, command, before, words):
    assert words in step.contradiction(before)
    assert step.conflict(before) is None
    after = world.do(before, step)
    assert step.contradiction(after) is None
    back = world.do(after, *Entry({after.node: [step]}, {after.node: before}, {after.node: after}).inverse()[after.node])
    assert words in step.contradiction(back)
    assert world.plain(back) == world.plain(before)


@EACH
def test_what_a_step_touches_is_what_differs(step, command, before, words):
    after = world.do(before, step)
    assert [key for key in step.touches() if facts(before, key) != facts(after, key)]
    ends = {("nft", None, "rules", *key[3:]) if "all rules" in key else key for key in step.ends()}
    assert ends <= set(step.touches()) or isinstance(step, link_steps.MoveLink)


@EACH
def test_a_step_is_a_frozen_value_that_says_something(step, command, before, words):
    assert step.claim.strip() == step.claim != ""
    assert hash(step) == hash(step)
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(step, fields(step)[0].name, "other")


@EACH
def test_on_a_node_without_its_namespace_a_step_is_no_crash(step, command, before, words):
    assert step.contradiction(BARE) is None or isinstance(step.contradiction(BARE), str)
    assert step.conflict(BARE) is None


def test_every_kind_of_step_is_in_the_table():
    """But for RemoveRule, AddRule's way back (its number is another then), and AddRawLink and BringBackIpv6, tried on a real kernel."""
    rooms = [steps, steps.nft, daemons, devices, *(importlib.import_module(f"podnet_lab.devices.{kind}") for kind in names_of_kinds())]
    modules = [importlib.import_module(f"{room.__name__}.{one.name}") for room in rooms for one in pkgutil.iter_modules(room.__path__)]
    found = {one for module in modules for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, Step)}
    assert {
        one
        for one in found
        if one not in (Step, Nft, Named, AddLink, RemoveRule, AddRawLink, BringBackIpv6) and not one.__name__.startswith("_")
    } == {type(row[0]) for row in STEPS}
