"""What we print is what we do, as a program: run by the lab's Python on a node, it makes the kernel that our steps make."""

import shlex
import sys
import time

import pytest

from live.helpers import UPLINK, everything, stable
from live.test_script import HARD_NAMES, MIXED
from podnet_lab import address, bridge, forwarding, link, macvlan, namespace, neighbour, nft, recipes, route, service, veth, vxlan
from podnet_lab import statements as say
from podnet_lab.errors import BadInput, ShellFailed
from podnet_lab.steps.nft.rules import RemoveRule
from podnet_lab.steps.route import AddRoute, RemoveRoute


def python(node, program, *words):
    """Run a program on a node, with the Python that this lab runs with."""
    node.shell(f"{shlex.join([sys.executable, '-', *words])} <<'END OF PROGRAM'\n{program}\nEND OF PROGRAM")


def program(steps):
    return recipes.script(steps, language="pyroute2")


# -d: protocol and scope, too. Left out are the numbers of interfaces, and whether a cable's end has noticed the other one yet.
LISTED = """
list() { echo "== $2"; ip "$@" -d -4 route show table all | sed 's/ linkdown//'; ip "$@" -o -4 addr | cut -d ' ' -f 2-; }
list
ip netns list | cut -d ' ' -f 1 | sort | while read -r name; do list -n "$name"; done
"""


def changed(result):
    """The steps of a result that had work to do, node by node: what was so already would be refused."""
    steps = {}
    for outcome in result.outcomes:
        steps.setdefault(outcome.node, []).extend([outcome.step] if outcome.changed else [])
    return steps


def kernel(node):
    """All of a node's kernel that two labs can have in common: what a snapshot says, and what `ip` and `nft` say besides."""
    seen = node.snapshot()
    rules = seen.own.rules
    return stable(seen), node.shell(LISTED), (rules.problem, rules.objects, rules.rules)


def same(lab, other):
    """Both kernels are alike; one that lost a namespace is still clearing away behind it for a moment."""
    for node in lab:
        wanted, deadline = kernel(node), time.monotonic() + 2
        while (got := kernel(other[node.name])) != wanted and time.monotonic() < deadline:
            pass
        assert got == wanted
    assert everything(other) == everything(lab)


def test_the_cluster_by_one_program(lab, other):
    lab.build()
    for node in other:
        python(node, lab.script(language="pyroute2"), node.name)
    same(lab, other)
    assert other.check()


def test_the_cluster_by_each_nodes_program(lab, other):
    lab.build()
    for node in other:
        python(node, lab.script(node.name, language="pyroute2"))
    same(lab, other)


def test_the_program_for_all_wants_a_known_name(lab):
    with pytest.raises(ShellFailed, match=r"which node\? node1, node2, node3"):
        python(lab["node1"], lab.script(language="pyroute2"), "node9")


def test_another_language_is_refused(lab):
    with pytest.raises(BadInput, match="shell or pyroute2, not in 'perl'"):
        lab.script(language="perl")


def test_tunnels_and_interfaces_on_others_as_a_program(lab, other):
    steps = [vxlan.add("vx0", 42, local="192.168.1.11", dev="eth0", learning=False), link.up("vx0"), namespace.add("p1")]
    steps += [vxlan.fdb_append("00:00:00:00:00:00", host, dev="vx0") for host in ("192.168.1.12", "192.168.1.13")]
    steps += [macvlan.add("mv0", UPLINK, mode="private"), macvlan.add("mv1", UPLINK, namespace="p1")]
    back = [vxlan.fdb_remove("00:00:00:00:00:00", "192.168.1.12", dev="vx0"), macvlan.remove("mv1", "p1"), vxlan.remove("vx0")]
    for recipe in (steps, back):
        lab["node1"].run(*recipe)
        python(other["node1"], program(recipe))
        same(lab, other)


def test_a_namespace_that_is_not_there_is_not_made(lab):
    with pytest.raises(ShellFailed, match="No such file"):
        python(lab["node1"], program([link.up("lo", "nowhere")]))
    assert list(lab["node1"].snapshot().pods) == []


def test_each_stages_program_and_the_way_back(lab, other):
    for stage in recipes.STAGES:
        recipe = {node.name: recipes.stage(stage, node, lab.plan) for node in lab.plan.nodes}
        lab.run(recipe)
        for node in other:
            python(node, recipes.script(recipe, node.name, "pyroute2"))
        same(lab, other)
    assert other.check()
    back = [changed(lab.undo()) for _ in recipes.STAGES]
    for node in other:
        python(node, program([step for run in back for step in run.get(node.name, [])]))
    same(lab, other)


def test_every_kind_of_step_as_a_program(lab, other):
    lab["node1"].run(*MIXED)
    python(other["node1"], program(MIXED))
    same(lab, other)
    assert lab["node1"].snapshot().own.links["br0"].mac == other["node1"].snapshot().own.links["br0"].mac


def test_every_kind_of_step_a_few_at_a_time(lab, other):
    for start in range(0, len(MIXED), 5):
        few = MIXED[start : start + 5]
        for step in few:
            lab["node1"].run(step)
        python(other["node1"], program(few))
        same(lab, other)


@pytest.mark.parametrize("name", HARD_NAMES)
def test_hard_names_reach_the_kernel_as_they_are(running, other_running, name):
    lab, other = running, other_running
    peer, pod = name[:1] + "-x", f"p{name}"
    steps = [bridge.add(name), link.up(name), veth.add("v1", peer=peer), veth.plug(peer, into=name), link.change(name, mtu=1400)]
    steps += [address.add("10.50.0.1/24", dev=name), route.add("10.60.0.0/16", dev=name), forwarding.setting(name, "rp_filter", 1)]
    steps += [neighbour.add("10.50.0.2", "02:00:00:00:00:02", dev=name)]
    steps += [namespace.add(pod), veth.move("v1", to=pod), forwarding.on(pod), link.up("v1", pod)]
    back = [namespace.remove(pod), link.remove(name)]
    try:
        for recipe in (steps, back):
            lab["node1"].run(*recipe)
            python(other["node1"], program(recipe))
            same(lab, other)
    finally:
        lab.reset(), other.reset()


SERVICE = service("web", "10.96.0.20", 80, ["10.244.1.2:8080", "10.244.2.2:8080"], node_port=30080, affinity=60)
KEY = "10.96.0.20 . tcp . 80"
RULES = [
    nft.table(),
    nft.chain("services"),
    nft.chain("web"),
    nft.chain("spare"),
    nft.chain("nat-prerouting", hook="prerouting"),
    nft.verdict_map("service-ips"),
    nft.address_set("affinity-web", 60),
    nft.rule("services", say.look_up("service-ips")),
    nft.rule("nat-prerouting", say.jump("services")),
    nft.rule("web", say.drop()),
    nft.rule("web", say.protocol("tcp"), say.dnat("10.244.1.2", 8080)),
    RemoveRule("web", "kube-proxy", (say.drop(),), 0),
    nft.members_set("clients"),
    nft.set_members("clients", ["10.244.1.3", "10.244.2.2"]),
    nft.members_set("offices", subnets=True),
    nft.set_members("offices", ["10.9.0.0/16", "10.8.8.8/32"]),
    nft.members_set("ports", by="address"),
    nft.set_members("ports", ["10.244.1.3 . tcp . 80"]),
    nft.verdict_map("by-host", by="host"),
    nft.element("by-host", "10.244.1.2", "jump web"),
    nft.set_rules(
        "services",
        [
            [say.known(), say.accept()],
            [say.member("clients", "saddr"), say.ports("udp", 53, 60), say.accept()],
            [say.member("clients", "daddr"), say.member("ports", "service"), say.accept()],
            [say.look_up_host("by-host", "daddr")],
        ],
    ),
    nft.element("service-ips", KEY, "goto web"),
    nft.element("service-ips", "10.96.0.21 . tcp . 80", "drop"),
    nft.remove_element("service-ips", "10.96.0.21 . tcp . 80"),
    nft.set_rules("spare", [[say.drop()], [say.jump("web")]]),
    nft.set_rules("spare", []),
    nft.remove("chain", "spare"),
    nft.transaction([nft.chain("a"), nft.rule("a", say.drop())], "a drops"),
]


@pytest.mark.nft
def test_rules_and_the_way_back(lab, other):
    for step in RULES:
        lab["node1"].run(step)
    python(other["node1"], program(RULES))
    same(lab, other)
    for start in reversed(range(0, len(RULES), 4)):
        back = [lab.undo().steps["node1"] for _ in RULES[start : start + 4]]
        python(other["node1"], program([step for run in back for step in run]))
        same(lab, other)


@pytest.mark.nft
def test_services_and_the_way_back(lab, other):
    lab.build(), other.build()
    there = changed(lab.services(SERVICE))
    for node in other:
        python(node, program(there[node.name]))
    same(lab, other)
    back = changed(lab.undo())
    for node in other:
        python(node, program(back[node.name]))
    same(lab, other)


def test_a_removed_pod_as_a_program(lab, other):
    lab.build(), other.build()
    gone = lab.remove_pod("pod-1-2")
    python(other["node1"], program(gone.steps["node1"]))
    same(lab, other)


def test_routes_of_every_kind_that_steps_know(lab, other):
    to = route.blackhole("10.70.0.0/16").to
    kinds = [AddRoute(to, kind=kind, metric=number + 1) for number, kind in enumerate(("blackhole", "unreachable", "prohibit", "throw"))]
    kinds += [AddRoute(to, via=route.add("default", via="192.168.1.12").via, table=table) for table in (100, 300, 70000)]
    kinds += [route.add("default", dev="eth0"), AddRoute(route.add("default", dev="eth0").to, dev="eth0", table=100, metric=5)]
    back = [RemoveRoute(step.to, step.via, step.dev, None, step.kind, step.table, step.metric) for step in kinds]
    for recipe in (kinds, back):
        lab["node1"].run(*recipe)
        python(other["node1"], program(recipe))
        same(lab, other)
