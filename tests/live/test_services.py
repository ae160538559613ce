"""Services on the real kernel: reached from Pods, nodes and outside; each check proved both ways."""

import dataclasses
import time

import pytest

from live.web_service import AT, ENDPOINTS, NODE_PORT, PEOPLE, WEB
from podnet_lab import nft, service, services, statements
from podnet_lab.checks.answers import chi_square
from podnet_lab.errors import BadInput, LabError, UndoRefused


def test_a_server_names_itself_and_its_client(served):
    assert str(served.ask("pod-1-3", "10.244.2.2:8080")) == "pod-2-2 on node2 saw 10.244.1.3"
    assert str(served.ask("node3", "10.244.2.2:8080")) == "pod-2-2 on node2 saw 192.168.1.13"
    assert served.ask("pod-1-3", "10.244.2.3:8080").problems == {"connection refused": 1}
    assert served.serve("pod-1-2").startswith("already so: ")
    assert served.serve("pod-2-3", 9000, "udp") == "pod-2-3 answers at port 9000 (UDP)"
    assert str(served.ask("pod-1-3", "10.244.2.3:9000", protocol="udp")) == "pod-2-3 on node2 saw 10.244.1.3"
    assert served.stop_serving("pod-1-2") == "pod-1-2 answers no more"
    assert served.stop_serving("pod-1-2").startswith("nothing to do")
    assert served.ask("pod-1-3", "10.244.1.2:8080").problems == {"connection refused": 1}


def test_a_port_that_a_student_uses_is_named(served):
    node = served["node1"]
    node.shell("ip netns exec pod-1-3 python3 -m http.server 8080 >/dev/null 2>&1 & echo $! > /run/served.pid")
    try:
        deadline = time.monotonic() + 10
        while served.ask("pod-2-2", "10.244.1.3:8080").problems and time.monotonic() < deadline:
            pass
        assert "Directory listing" in str(served.ask("pod-2-2", "10.244.1.3:8080"))
        with pytest.raises(LabError, match=r"pod-1-3 can't answer at port 8080: .*in use"):
            served.serve("pod-1-3")
    finally:
        node.shell("kill $(cat /run/served.pid); rm /run/served.pid")


def test_a_server_goes_with_its_pod_however_it_goes(served):
    """An open socket would keep the namespace, and its cable, alive."""
    served.remove_pod("pod-1-2")
    assert "veth-1-2-br" not in served["node1"].snapshot().own.links
    served["node2"].shell("ip netns del pod-2-2")
    deadline = time.monotonic() + 5
    while "veth-2-2-br" in served["node2"].snapshot().own.links and time.monotonic() < deadline:
        pass
    assert "veth-2-2-br" not in served["node2"].snapshot().own.links


def test_nobody_and_nowhere_are_clear_errors(served):
    with pytest.raises(BadInput, match="nope"):
        served.serve("nope")
    with pytest.raises(BadInput, match="no port"):
        served.serve("pod-1-2", 70000)
    with pytest.raises(BadInput, match="tcp or udp"):
        served.serve("pod-1-2", 80, "icmp")
    with pytest.raises(BadInput, match="no address with a port like"):
        served.ask("pod-1-2", "10.96.0.20")
    with pytest.raises(BadInput, match=r"pod-2-3 has the address 10.244.2.3: 10.244.2.3:8080"):
        served.ask("pod-1-2", "pod-2-3:8080")
    with pytest.raises(BadInput, match=r"no address with a port .*; node2 has the address 192.168.1.12"):
        served.connect("pod-1-2", "node2")
    with pytest.raises(BadInput, match="1 to 20,000 times"):
        served.ask("pod-1-2", AT, times=0)
    with pytest.raises(BadInput, match="which Services"):
        served.services()
    with pytest.raises(LabError, match=r"can't connect to 10.244.2.3:8080"):
        served.connect("pod-1-2", "10.244.2.3:8080")


def test_a_service_works_from_everywhere_and_not_before_nor_after(served):
    assert not served.check_service(WEB)
    served.services(WEB)
    assert str(served.check_service(WEB)) == "\n".join(
        [
            *(
                f"ok    {one} reaches web at {AT}"
                for pod, node in zip(PEOPLE, ("node1", "node2", "node3"), strict=True)
                for one in (pod, node)
            ),
            *(
                line
                for number in (11, 12, 13)
                for line in (
                    f"ok    outside reaches web at {NODE_PORT.format(number)}",
                    f"ok    endpoints do not see outside's own address at {NODE_PORT.format(number)}",
                )
            ),
        ]
    )
    served.undo()
    assert not served.check_service(WEB)
    assert served["node1"].shell("nft list ruleset") == ""


def test_a_check_names_what_is_wrong(web):
    web.stop_serving("pod-3-2")
    assert "connection refused" in web.check_service(WEB).first_failure.problem
    web.serve("pod-3-2")
    fewer = WEB.to(*ENDPOINTS[:2])
    assert "pod-3-2 answered, too" in web.check_service(fewer).first_failure.problem
    web.services(fewer)
    assert "pod-3-2 never answered" in web.check_service(WEB).first_failure.problem
    assert web.check_service(fewer)


def test_spread_is_even(web):
    """
    1,000 connections: chi-square with two degrees of freedom is above 18.4 once in 10,000 times.

    Which did happen, so a second thousand may say otherwise: an uneven spread is uneven again, an even one once in 100 million times.
    """

    def spread():
        found = web.ask("pod-1-3", AT, times=1000).require()
        assert set(found.counts) == set(PEOPLE)
        return chi_square(found.counts.values())

    assert spread() < 18.4 or spread() < 18.4
    assert chi_square([400, 300, 300]) > 18.4


def test_a_pod_reaches_itself_through_its_service(web):
    found = web.ask("pod-1-2", AT, times=60).require()
    assert "pod-1-2" in found.who
    # Itself it sees as its node's bridge; the others see it as it is.
    assert found.clients == ["10.244.1.1", "10.244.1.2"]


def test_no_translation_between_pods_still_holds(web):
    exam = web.check()
    assert exam
    assert exam.matrix.reached == 30


def test_without_the_rule_for_one_node_the_answer_passes_the_node_by(web):
    """And with it no more: the client hears from an address that it never asked."""
    two = service("two", "10.96.0.21", 80, ["10.244.1.3:8080"])
    web.serve("pod-1-3")
    web.services(WEB, two)
    assert web.ask("pod-1-2", "10.96.0.21:80")
    marked = [statements.marked(), statements.masquerade()]
    web["node1"].run(nft.set_rules("nat-postrouting", [marked]))
    assert web.ask("pod-1-2", "10.96.0.21:80").problems == {"no answer": 1}
    assert web.ask("pod-2-2", "10.96.0.21:80")
    web.undo()
    assert web.ask("pod-1-2", "10.96.0.21:80")


def test_affinity(served):
    sticky = dataclasses.replace(WEB, affinity=60)
    served.services(sticky)
    for source in ("pod-1-3", "pod-2-3"):
        assert len(served.ask(source, AT, times=30).require().who) == 1
    assert served.check_service(sticky)
    served.services(WEB)
    assert len(served.ask("pod-1-3", AT, times=60).require().who) == 3


def test_no_endpoints_is_a_refusal_at_once(web):
    web.services(WEB.to())
    assert web.check_service(WEB.to())
    found = web.ask("pod-1-3", AT)
    assert found.problems == {"connection refused": 1}
    assert web.ask("node2", AT).problems == {"connection refused": 1}
    web.services(WEB)
    assert not web.check_service(WEB.to())
    assert web.check_service(WEB)


def test_endpoints_come_and_go_and_connections_stay(web):
    connection = web.connect("pod-1-3", AT)
    mine = connection.ask().who
    others = [one for one in ENDPOINTS if one.split(":")[0] != f"10.244.{mine[4]}.2"]
    web.services(WEB.to(*others))
    assert mine not in web.ask("pod-1-3", AT, times=40).require().who
    assert connection.ask().who == mine
    web.services(WEB.to())
    assert connection.ask().who == mine
    connection.close()
    assert connection.ask().problem == "the connection is closed"


def test_udp_and_a_flow_that_outlives_its_endpoint(served):
    for name in PEOPLE[:2]:
        served.serve(name, 9000, "udp")
    echo = service("echo", "10.96.0.30", 9000, ["10.244.1.2:9000", "10.244.2.2:9000"], protocol="udp")
    served.services(echo)
    assert served.check_service(echo)
    assert any("udp 10.244.1.2 → 10.96.0.30:9000" in one for one in served.flows("node1", 9000))
    gone = "10.244.2.2"
    assert any(f"answers {gone}:9000" in one for name in ("node1", "node2", "node3") for one in served.flows(name, 9000))
    served.services(echo.to("10.244.1.2:9000"))
    assert served.forget_flows(gone) > 0
    assert not any(f"answers {gone}:9000" in one for name in ("node1", "node2", "node3") for one in served.flows(name, 9000))
    assert served.forget_flows(gone) == 0


def test_a_node_port_hides_the_client_and_local_keeps_it(web):
    elsewhere = WEB.to("10.244.2.2:8080")
    web.services(elsewhere)
    assert str(web.ask("outside", NODE_PORT.format(11))) == "pod-2-2 on node2 saw 192.168.1.11"
    assert web.flows("node1", 30080) == ["tcp 192.168.1.5 → 192.168.1.11:30080, answers 10.244.2.2:8080 → 192.168.1.11"]
    local = dataclasses.replace(elsewhere, local=True)
    web.services(local)
    assert str(web.ask("outside", NODE_PORT.format(12))) == "pod-2-2 on node2 saw 192.168.1.5"
    assert web.ask("outside", NODE_PORT.format(11)).problems == {"no answer": 1}
    assert web.check_service(local)
    assert not web.check_service(elsewhere)
    web.services(elsewhere)
    assert not web.check_service(local)


def test_without_masquerade_the_answer_comes_from_the_wrong_address(web):
    elsewhere = WEB.to("10.244.2.2:8080")
    web.services(elsewhere)
    web["node1"].run(nft.set_rules("mark-for-masquerade", []))
    assert web.ask("outside", NODE_PORT.format(11)).problems == {"no answer": 1}
    web.undo()
    assert web.ask("outside", NODE_PORT.format(11))


def test_a_policy_of_drop_in_forward_stops_pods_and_not_nodes(web):
    elsewhere = WEB.to("10.244.2.2:8080")
    web.services(elsewhere)
    web["node1"].shell("nft add table ip filter; nft 'add chain ip filter forward { type filter hook forward priority 0 ; policy drop ; }'")
    assert web.ask("pod-1-3", AT).problems == {"no answer": 1}
    assert web.ask("node1", AT)
    web["node1"].shell("nft delete table ip filter")
    assert web.ask("pod-1-3", AT)


def test_egress_is_off_until_it_is_asked_for(served):
    served.serve("outside", 8000)
    assert served.ask("pod-1-2", "192.168.1.5:8000").problems == {"no answer": 1}
    node = served.plan["node1"]
    served["node1"].run(*services.base(node), services.egress(node))
    assert str(served.ask("pod-1-2", "192.168.1.5:8000")) == "outside on outside saw 192.168.1.11"
    assert served.check()


def test_what_a_student_changed_since_is_not_undone(web):
    # Nothing that drops: in this chain it would be every new connection of a VM, ours to it, too.
    web["node1"].shell("nft add rule ip kube-proxy services counter")
    with pytest.raises(UndoRefused, match="ip kube-proxy is not what it was"):
        web.undo()
    assert "counter" in web["node1"].shell("nft list chain ip kube-proxy services")
