"""NetworkPolicies on the real kernel: applied, changed, taken back; told by explain and by a matrix."""

import sys
import threading

import pytest

from live.helpers import everything
from live.test_pyroute2_program import changed, program, python, same
from podnet_lab import Lab, policies, recipes
from podnet_lab.checks.reachability import Verdict
from podnet_lab.errors import BadInput, UndoRefused
from podnet_lab.show import heatmap

pytestmark = [pytest.mark.lab, pytest.mark.nft]

PODS = """
{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2, labels: {app: web}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-1-3, labels: {app: client}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-2-2, labels: {app: client}}}
---
"""
HEAD = "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {}}}, spec: {}}}"
WEB = HEAD.format(
    "web",
    "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}]}",
)
OPEN = HEAD.format("web", "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}")
DENY = HEAD.format("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
AT = "10.244.1.2:8080"
QUICK = 0.2


def load(*texts):
    return policies.load(PODS + "\n---\n".join(texts))


def answered(lab, source, patience=QUICK):
    return bool(lab.ask(source, AT, patience=patience))


@pytest.fixture
def web(served):
    served.apply(*load(WEB))
    return served


def test_a_policy_holds_on_its_node_and_on_others(web):
    assert {name: answered(web, name) for name in ("pod-1-3", "pod-2-2", "pod-2-3", "pod-3-2", "node2")} == {
        "pod-1-3": True,  # past the bridge of its own node
        "pod-2-2": True,
        "pod-2-3": False,
        "pod-3-2": False,
        "node2": False,
    }
    assert answered(web, "node1"), "a Pod's own node always reaches it: its kubelet probes it"
    assert web.ask("pod-1-2", "10.244.2.2:8080"), "nothing is said of what it sends"
    assert [policy.full_name for policy in web.policies()] == ["default/web"]
    assert web.policies().decide("pod-2-2", "pod-1-2", 8080)
    assert not web.policies().decide("pod-2-3", "pod-1-2", 8080)


@pytest.mark.parametrize("left_out", ["10.244.3.2/32", "10.244.3.0/24"])
def test_a_block_may_leave_out_any_number_of_subnets(served, left_out):
    """Among them some that overlap, and some that are neighbours: three hundred, where a rule of nft has room for sixty."""
    before = everything(served)
    excepted = [f"10.{second}.{third}.0/24" for second in (9, 10) for third in range(149)]
    block = f"{{ipBlock: {{cidr: 10.0.0.0/8, except: [{', '.join([*excepted, left_out, '10.9.0.0/20'])}]}}}}"
    served.apply(*load(HEAD.format("far", f"{{podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{block}]}}]}}")))
    assert answered(served, "pod-2-3")
    assert not answered(served, "pod-3-2")
    assert "denied by NetworkPolicy default/far" in str(served.explain("pod-3-2", "pod-1-2", tcp=8080))
    assert served.explain("pod-2-3", "pod-1-2", tcp=8080)
    assert not served.policies().differences
    assert not served.apply(*served.policies().cluster.policies, *load()).changed, "what the kernel lists is what was asked of it"
    served.apply(*load(WEB))
    assert not answered(served, "pod-2-3")
    served.undo()
    assert answered(served, "pod-2-3")
    assert not answered(served, "pod-3-2")
    served.undo()
    assert everything(served) == before


def test_explain_names_the_policy_and_what_its_rules_let_pass(web):
    said = web.explain("pod-2-3", "pod-1-2", tcp=8080)
    assert said.cause.layer == "policy"
    assert said.cause.place == ("node1", None)
    assert "denied by NetworkPolicy default/web: no ingress rule lets 10.244.2.3 in to 10.244.1.2 (TCP 8080)" in str(said)
    assert "default/web ingress[0] lets pass: Pods with app=client, at TCP 8080" in str(said)
    assert said.hint(2) == "node1# nft list chain ip network-policy ingress-default/web"
    assert "ip saddr @ingress-default/web/0 tcp dport 8080 accept" in web["node1"].shell(said.hint(2).partition("# ")[2])
    assert web.explain("pod-2-2", "pod-1-2", tcp=8080)
    by_echo = web.explain("pod-1-3", "pod-1-2")
    assert by_echo.cause.layer == "policy", "past the bridge, too"
    assert by_echo.answered is False


def test_whoever_wrote_the_rules_explain_reads_them(web):
    """A lab that joined knows nothing of what was applied: names of chains say it."""
    with Lab.join(web.name) as joined:
        said = str(joined.explain("pod-2-3", "pod-1-2", tcp=8080))
    assert "denied by NetworkPolicy default/web" in said


def test_a_matrix_tells_denied_from_broken(web):
    web["node3"].shell("ip route del 10.244.1.0/24")
    matrix = web.matrix()
    verdicts = {(ping.source.name, ping.target.name): ping.verdict for ping in matrix}
    assert verdicts["pod-2-3", "pod-1-2"] == Verdict.DENIED
    assert verdicts["pod-1-3", "pod-1-2"] == Verdict.DENIED
    assert verdicts["pod-3-2", "pod-1-3"] == Verdict.NO_REPLY
    assert verdicts["pod-3-2", "pod-1-2"] == Verdict.NO_REPLY, "its packet does not get as far as the policy"
    assert verdicts["pod-1-2", "pod-1-3"] == Verdict.REACHED
    assert not matrix
    assert "denied by NetworkPolicy" in str(matrix)
    assert "⊘" in str(matrix)
    web["node3"].shell("ip route add 10.244.1.0/24 via 192.168.1.11")
    matrix = web.matrix()
    assert len(matrix.denied) == 5
    assert matrix, "what is meant to be denied is not broken"
    assert web.check(), "Kubernetes' rules hold, barring intentional policies"
    picture = heatmap.draw(matrix)
    assert "⊘ denied by policy" in picture
    assert picture.count("⊘") == 6


def test_a_ping_that_is_denied_is_no_success_unless_that_is_expected(web):
    ping = web.ping("pod-2-3", "pod-1-2")
    assert not ping
    assert str(ping).startswith("FAIL  pod-2-3 → pod-1-2: denied by NetworkPolicy default/web")
    assert web.ping("pod-2-3", "pod-1-2", expect=False)
    assert web.ping("pod-2-3", "pod-1-2", expect="denied by policy")
    assert not web.ping("pod-1-2", "pod-2-3", expect="denied by policy")


def test_what_is_open_goes_on(served):
    served.apply(*load(OPEN))
    connection = served.connect("pod-2-3", AT)
    assert connection.ask()
    served.apply(*load(DENY))
    assert connection.ask(), "policies are about new connections"
    assert not answered(served, "pod-2-3")


ASK_FROM_PORT = """
import socket, sys
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.bind(("", int(sys.argv[1]))), asking.settimeout(float(sys.argv[2])), asking.connect(("10.244.1.2", 53))
asking.send(b"who?"), print(asking.recv(99).decode())
"""


def test_udp_goes_on_as_long_as_its_flow_is_remembered(served):
    """A flow of UDP is known by its addresses and ports: who asks again from the same port goes on, from another begins anew."""

    def asked(port, seconds):
        command = f"ip netns exec pod-2-3 {sys.executable} - {port} {seconds} <<'END'\n{ASK_FROM_PORT}END"
        return "pod-1-2 on node1" in served.parts.core.shell_text("node2", command, may_fail=True)

    served.serve("pod-1-2", 53, "udp")
    served.apply(*load(OPEN))
    assert asked(5555, 3)
    served.apply(*load(DENY))
    assert asked(5555, 3)
    assert not asked(5556, 0.3)


def test_what_was_open_before_a_node_tracked_connections_is_new_to_it(served):
    kept, cut = served.connect("pod-2-2", AT, 3), served.connect("pod-2-3", AT, 0.5)
    assert kept.ask()
    assert cut.ask()
    served.apply(*load(WEB))
    assert kept.ask(), "its next packet is let pass as a new connection's would be"
    assert cut.ask().problem == "no answer"


def test_undo_brings_those_of_before_back(served):
    before = everything(served)
    served.apply(*load(WEB))
    served.apply(*load(DENY))
    assert not answered(served, "pod-2-2")
    assert [policy.name for policy in served.policies()] == ["deny"]
    served.undo()
    assert [policy.name for policy in served.policies()] == ["web"]
    assert answered(served, "pod-2-2")
    assert not answered(served, "pod-2-3")
    served.undo()
    assert not served.policies()
    assert answered(served, "pod-2-3")
    assert everything(served) == before
    assert not served.snapshot()["node1"].own.bridged


def test_undo_takes_nothing_of_a_students_along(web):
    web["node1"].shell("nft add element ip network-policy ingress-default/web/0 '{ 10.244.3.2 }'")
    assert answered(web, "pod-3-2"), "a student's own hand"
    with pytest.raises(UndoRefused, match="network-policy is not what it was"):
        web.undo()
    assert answered(web, "pod-3-2")
    assert "node1 is not as they say: set ingress-default/web/0 has 10.244.3.2, which should not be in it" in str(web.policies())


def test_applying_again_changes_nothing_and_mends_what_was_changed(web):
    assert not web.apply(*load(WEB)).changed
    web["node1"].shell("nft flush chain ip network-policy to-10.244.1.2")
    assert answered(web, "pod-2-3")
    mended = web.apply(*load(WEB))
    assert sum(outcome.changed for outcome in mended.outcomes) == 1
    assert not answered(web, "pod-2-3")


def test_others_take_their_place_at_once(web):
    """Between two sets of policies that both deny a connection it is never let pass, and one that both allow is never denied."""
    came, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            came.extend([("pod-2-3", answered(web, "pod-2-3", 0.05)), ("pod-2-2", answered(web, "pod-2-2", 3))])

    other = HEAD.format(
        "other", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}]}]}"
    )
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(10):
            web.apply(*load(other))
            web.apply(*load(WEB))
    finally:
        stop.set()
        asking.join()
    assert {who for who, _ in came} == {"pod-2-3", "pod-2-2"}
    assert {(who, whether) for who, whether in came} == {("pod-2-3", False), ("pod-2-2", True)}


def test_goto_reset_and_removal_leave_nothing(web):
    assert not web.goto("services").undone, "a step of this lab made all of it"
    assert not web.snapshot()["node1"].own.rules
    assert not web.snapshot()["node1"].own.bridged
    web.apply(*load(WEB))
    web.remove_policies()
    assert not web.snapshot()["node1"].own.rules
    assert not web.policies()
    web.undo()
    assert [policy.name for policy in web.policies()] == ["web"]
    web.reset()
    assert not web.snapshot()["node1"].own.rules


@pytest.mark.parametrize("language", ["shell", "pyroute2"])
def test_a_script_of_it_makes_the_same_rules(wired, other, language):
    other.build()
    one, two = "{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}", "{cidr: 10.0.0.0/8, except: [10.9.0.0/16, 10.8.8.8/32]}"
    blocks = f"{{podSelector: {{}}, egress: [{{to: [{{ipBlock: {one}}}, {{ipBlock: {two}}}]}}]}}"
    mixed = load(WEB, DENY, HEAD.format("b", blocks))
    recipe = changed(wired.apply(*mixed))
    for node in other:
        if language == "shell":
            node.shell(recipes.script(recipe, node.name))
        else:
            python(node, program(recipe[node.name]))
    same(wired, other)
    assert other.snapshot()["node1"].own.bridged
    assert other.matrix().denied


def test_a_new_pod_is_under_policies_that_are_applied_again(web):
    web.apply(*load(DENY))
    web.add_pod("node2")
    assert web.ping("pod-2-4", "node1")
    web.apply(*load(DENY))
    assert web.ping("pod-2-4", "node1", expect="denied by policy")


def test_what_cannot_be_applied_changes_nothing(served):
    before = everything(served)
    wrong = policies.NetworkPolicy("q", types=("Foo",)), policies.NetworkPolicy("q", ingress=policies.Rule())
    for objects in (
        (),
        policies.load("{apiVersion: v1, kind: Pod, metadata: {name: pod-7-7}}"),
        load(WEB, OPEN),
        *((one,) for one in wrong),
    ):
        with pytest.raises(BadInput):
            served.apply(*objects)
    assert everything(served) == before
