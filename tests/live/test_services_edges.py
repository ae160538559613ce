"""Services where something is in the way: names that are taken, what a student has of nftables, rules that changed, Pods that go."""

import dataclasses
import time

import pytest

from live.web_service import AT, ENDPOINTS, NODE_PORT, WEB
from podnet_lab import Lab, nft, recipes, service, services, statements
from podnet_lab.errors import BadInput, CannotRun, StepConflict, StepFailed, UndoRefused
from podnet_lab.services import kube_proxy
from podnet_lab.steps.nft.objects import RemoveElement


def test_a_taken_name_and_a_missing_chain(served):
    node = served["node1"]
    node.run(nft.table(), nft.chain("services"), nft.verdict_map("service-ips"))
    before = node.snapshot()
    with pytest.raises(StepConflict, match="a chain services is there already, of another kind"):
        node.run(nft.chain("services", hook="prerouting"))
    with pytest.raises(StepFailed, match=r"No such file or directory. Which table, chain, map or set"):
        node.run(nft.chain("one"), nft.element("service-ips", WEB.key, "goto nowhere"))
    assert node.snapshot() == before
    node.run(nft.element("service-ips", WEB.key, "goto services"))
    with pytest.raises(StepFailed, match=r"busy. Which rule"):
        node.run(nft.remove("chain", "services"))
    with pytest.raises(StepConflict, match=r"has 10.96.0.20 . tcp . 80 already: goto services"):
        node.run(nft.element("service-ips", WEB.key, "drop"))


@pytest.mark.parametrize("state", ["bare", "half", "full", "strange"])
def test_goto_services_from_any_state(running, state):
    running.reset()
    if state == "half":
        running.goto("veth")
    elif state != "bare":
        running.build()
        running.services(WEB)
        running.serve("pod-1-2")
    if state == "strange":
        running["node1"].shell("nft add table inet mine; nft add chain ip kube-proxy mine; ip route del 10.96.0.0/12; ip netns del pod-1-2")
    said = str(running.goto("services"))
    assert ("nft delete table inet mine" in said) == (state == "strange")
    assert running["node1"].shell("nft list ruleset") == ""
    assert running.ask("pod-1-3", "10.244.1.2:8080").problems == {"connection refused": 1}
    assert running.check()


def _many(endpoints, **more):
    return [service(f"s{n}", f"10.96.{n // 200 + 1}.{n % 200 + 1}", 80, endpoints, **more) for n in range(300)]


def test_many_services_are_set_up_as_one(served):
    """More than fit into one transaction of an ordinary user: in several, the last of which switches them on."""
    served.services(*_many(ENDPOINTS))
    assert served.ask("pod-1-3", "10.96.2.1:80", times=5)
    assert len(served["node3"].snapshot().own.rules.rules) == 300 * 4 + 10
    served.undo()
    assert not served["node3"].snapshot().own.rules


def _changed(node, then):
    """What of a node's tables is not as it was, in any order."""
    now = node.snapshot().own.rules
    return [table for table in {*now.tables, *then.tables} if now.table(*table) != then.table(*table)]


def test_many_changed_services_are_taken_back_as_they_were_changed(served):
    """The way back is as long as the way there, and no more of it can be sent at once."""
    served.services(*_many(ENDPOINTS))
    before = served["node1"].snapshot().own.rules
    served.services(*_many([*ENDPOINTS, "10.244.1.2:8081"], affinity=30))
    assert _changed(served["node1"], before)
    served.undo()
    assert _changed(served["node1"], before) == []
    assert served.ask("pod-1-3", "10.96.2.1:80", times=5)
    served.undo()
    assert not served["node3"].snapshot().own.rules


def test_many_changed_services_are_taken_back_with_a_run_that_fails(served):
    served.services(*_many(ENDPOINTS))
    before = {node.name: node.snapshot().own.rules for node in served}
    wanted = kube_proxy.cluster(served.plan, _many([*ENDPOINTS, "10.244.1.2:8081"], affinity=30), before)
    wanted["node2"] = [*wanted["node2"], nft.chain("last"), nft.rule("last", statements.goto("nowhere"))]
    with pytest.raises(StepFailed, match="goto nowhere: No such file") as failed:
        served.run(wanted)
    assert "could not be brought back" not in str(failed.value.__notes__)
    assert {node.name: _changed(node, before[node.name]) for node in served} == {node.name: [] for node in served}


def test_a_map_of_any_size_is_filled_and_taken_back(served):
    node = served["node1"]
    keys = [f"10.97.{n // 250}.{n % 250 + 1} . tcp . 80" for n in range(6000)]
    node.run(nft.table(), nft.verdict_map("big"), nft.chain("end"), *(nft.element("big", key, "goto end") for key in keys))
    assert sum(key[0] == "element" for key in node.snapshot().own.rules.objects) == 6000
    served.undo()
    assert not node.snapshot().own.rules


def test_what_is_sent_is_what_is_listed(served):
    """Every statement, as the kernel gives it back; and the text that we print, typed with the real nft, makes the same."""
    sticky = dataclasses.replace(WEB, affinity=60, local=True)
    recipe = services.cluster(served.plan, [sticky, service("none", "10.96.0.31", 53, protocol="udp")])["node1"]
    steps = [*recipe, services.egress(served.plan["node1"]), nft.rule("services", statements.port("tcp", 81), statements.drop())]
    node = served["node1"]
    node.run(*steps)
    ours = node.snapshot().own
    served.goto("services")
    assert not node.snapshot().own.rules
    typed = [step for step in steps if not isinstance(step, RemoveElement)]  # what is not there can't be deleted
    node.shell(recipes.script(typed))
    theirs = node.snapshot().own
    assert ours.rules == theirs.rules
    assert ours.routes == theirs.routes
    assert len(ours.rules.objects) > 20


def test_with_bridge_netfilter_no_masquerade_is_needed_on_a_node(web):
    """As in a real cluster: what a bridge passes on meets the rules, and the client's address stays; itself needs hairpin mode."""
    node, setting = web["node1"], "/proc/sys/net/bridge/bridge-nf-call-iptables"
    if node.shell(f"modprobe br_netfilter 2>/dev/null; ls {setting}", may_fail=True).strip() != setting:
        pytest.skip("this kernel has no bridge netfilter, or does not let a lab have it")
    web.serve("pod-1-3")
    two = service("two", "10.96.0.21", 80, ["10.244.1.3:8080"])
    web.services(WEB, two)
    assert str(web.ask("pod-1-2", "10.96.0.21:80")) == "pod-1-3 on node1 saw 10.244.1.1"
    node.run(nft.set_rules("nat-postrouting", [[statements.marked(), statements.masquerade()]]))
    node.shell(f"echo 1 > {setting}")
    assert str(web.ask("pod-1-2", "10.96.0.21:80")) == "pod-1-3 on node1 saw 10.244.1.2"
    assert web.ask("pod-1-3", "10.96.0.21:80").problems == {"no answer": 1}
    node.shell("bridge link set dev veth-1-3-br hairpin on")
    assert web.ask("pod-1-3", "10.96.0.21:80")
    web.goto("services")
    assert node.shell(f"cat {setting}") == "0\n"


def test_without_nft_the_step_says_how_to_get_it_and_all_else_works():
    with Lab.open(nodes=1, pods=1, name="lacking", where="namespaces") as lab:
        lab.build()
        lab["node1"].shell("mount -t tmpfs tmpfs /usr/sbin; mount -t tmpfs tmpfs /sbin 2>/dev/null || true")
        with pytest.raises(CannotRun, match="node1 lacks a program: nft is not installed here: sudo apt install nftables"):
            lab["node1"].run(nft.table())
        with pytest.raises(CannotRun, match="dnsmasq is not installed here: sudo apt install dnsmasq-base"):
            lab.serve_names("pod-1-2", WEB)
        assert lab.ping("pod-1-2", "node1")
        lab.goto("veth")
        assert lab.check("namespaces")


def test_undo_finds_its_rule_though_its_number_has_changed(served):
    node = served["node1"]
    one, two = ([statements.port("tcp", number), statements.drop()] for number in (1, 2))
    node.run(nft.table(), nft.chain("c"))
    node.run(nft.rule("c", *one))
    node.run(nft.rule("c", *two))
    node.shell(
        "nft flush chain ip kube-proxy c; nft add rule ip kube-proxy c tcp dport 1 drop; nft add rule ip kube-proxy c tcp dport 2 drop"
    )
    with pytest.raises(StepFailed):
        node.run(nft.chain("e"), nft.rule("e", statements.jump("nowhere")))
    served.undo()
    assert "dport 1" in node.shell("nft list chain ip kube-proxy c")
    assert "dport 2" not in node.shell("nft list chain ip kube-proxy c")
    served.undo()
    assert "dport" not in node.shell("nft list chain ip kube-proxy c")


def test_undo_takes_nothing_of_a_students_along(web):
    node = web["node1"]
    node.run(nft.set_rules("mark-for-masquerade", []))
    node.shell("nft add chain ip kube-proxy mine; nft add rule ip kube-proxy mine counter accept")
    web.undo()
    assert "counter" in node.shell("nft list chain ip kube-proxy mine")
    assert "0x00004000" in node.shell("nft list chain ip kube-proxy mark-for-masquerade")
    with pytest.raises(UndoRefused, match="nft's table ip kube-proxy is not what it was"):
        web.undo()  # it would delete the whole table
    assert "counter" in node.shell("nft list chain ip kube-proxy mine")


FOREIGN = """
nft add table ip mine
nft 'add map ip mine back { type inet_service : ipv4_addr . inet_service ; elements = { 80 : 10.244.1.2 . 8080 } ; }'
nft 'add map ip mine nets { type ipv4_addr : mark ; flags interval ; elements = { 10.0.0.0/8 : 0x1, 11.0.0.1-11.0.0.9 : 0x2 } ; }'
nft 'add set ip mine names { type ifname ; elements = { "eth0", "v-net-0" } ; }'
nft add counter ip kube-proxy hits
nft 'add limit ip kube-proxy slow { rate 10/second ; }'
nft add chain ip kube-proxy m
nft add rule ip kube-proxy m counter name hits limit name slow accept
nft 'add set ip kube-proxy seen { type ipv4_addr ; timeout 60s ; elements = { 10.244.1.9 } ; }'
nft 'add table ip sleeping { flags dormant ; }'
nft 'add chain ip sleeping in { type filter hook input priority 0 ; policy drop ; }'
"""


def test_what_a_student_may_have_of_nftables_is_no_crash_and_stays(web):
    node = web["node1"]
    node.shell(FOREIGN)
    before = node.shell("nft -s list ruleset")
    assert not node.snapshot().own.rules.problem
    with pytest.raises(StepFailed):
        node.run(nft.chain("one"), nft.rule("one", statements.jump("nowhere")))
    assert node.shell("nft -s list ruleset").replace("expires", "").count("10.244.1.9") == 1
    assert len(node.shell("nft -s list ruleset")) == pytest.approx(len(before), abs=20)  # but for the time that is left to 10.244.1.9
    node.run(nft.chain("one"), nft.set_rules("services", []))
    web.undo()
    assert "chain one" not in node.shell("nft list ruleset")
    assert web.check_service(WEB)
    said = str(web.goto("services"))
    assert "nft delete table ip sleeping" in said
    assert node.shell("nft list ruleset") == ""


def test_a_check_sees_what_a_single_answer_does_not(served):
    sticky = dataclasses.replace(WEB, affinity=60, node_port=None)
    served.services(dataclasses.replace(sticky, affinity=None))
    assert "it should be one" in served.check_service(sticky).first_failure.problem
    served.services(sticky)
    assert served.check_service(sticky)
    served.services(WEB)
    for name in ("node1", "node2", "node3"):
        served[name].shell("nft insert rule ip kube-proxy nat-postrouting ct status dnat masquerade")
    assert "which is not pod-1-2's address" in served.check_service(WEB).first_failure.problem
    served.goto("services")
    served["node1"].shell("ip netns exec pod-1-2 python3 -m http.server 8080 >/dev/null 2>&1 & echo $! > /run/served.pid")
    try:
        plain = service("plain", "10.96.0.22", 80, ["10.244.1.2:8080"])
        served.services(plain)
        deadline = time.monotonic() + 10
        while served.ask("node1", "10.244.1.2:8080").problems and time.monotonic() < deadline:
            pass
        assert "no server of lab.serve" in served.check_service(plain).first_failure.problem
    finally:
        served["node1"].shell("kill $(cat /run/served.pid); rm /run/served.pid")


def test_a_local_node_port_that_is_off_is_not_one_that_drops(web):
    local = dataclasses.replace(WEB.to("10.244.2.2:8080"), local=True)
    web.services(local)
    assert web.check_service(local)
    assert str(web.ask("node1", NODE_PORT.format(11))) == "pod-2-2 on node2 saw 192.168.1.11"
    web["node1"].shell("nft 'delete element ip kube-proxy service-nodeports { tcp . 30080 }'")
    assert "connection refused" in web.check_service(local).first_failure.problem


def test_a_node_port_without_endpoints_is_refused_whoever_listens(web):
    web.serve("node1", 30080)
    web.services(WEB.to())
    assert web.ask("outside", NODE_PORT.format(11)).problems == {"connection refused": 1}


def test_who_comes_to_the_services_own_address_from_outside_is_answered_by_the_same_way(web):
    web.services(WEB.to("10.244.2.2:8080"))
    web.outside.shell("ip route add 10.96.0.0/12 via 192.168.1.11")
    assert str(web.ask("outside", AT)) == "pod-2-2 on node2 saw 192.168.1.11"


def test_a_client_lets_go_of_a_pod_that_is_deleted_by_hand(web):
    connection = web.connect("pod-1-3", AT)
    assert connection.ask()
    web["node1"].shell("ip netns del pod-1-3")
    deadline = time.monotonic() + 5
    while "veth-1-3-br" in web["node1"].shell("ip -o link") and time.monotonic() < deadline:
        pass
    assert "veth-1-3-br" not in web["node1"].shell("ip -o link")
    assert connection.ask().problem == "the connection is closed"


def test_a_node_answers_udp_from_the_address_it_was_asked_at(served):
    served.serve("node1", 9000, "udp")
    assert str(served.ask("pod-1-2", "192.168.1.11:9000", protocol="udp")) == "node1 on node1 saw 10.244.1.2"
    for bad in (0, -1, "1", None, 61):
        with pytest.raises(BadInput, match="patience is "):
            served.ask("pod-1-2", "192.168.1.11:9000", patience=bad)
    with pytest.raises(BadInput, match="1 to 20,000 times"):
        served.ask("pod-1-2", AT, times=20001)
    with pytest.raises(BadInput, match="a word of nft's own"):
        nft.chain("drop")
