"""NetworkPolicies: Kubernetes' own examples, judged by the API's text and by the rules that enforce them."""

from functools import cache
from ipaddress import IPv4Address

import kubernetes_validate
import pytest
import world
import yaml
from live.random_policies import Draw

from podnet_lab import policies
from podnet_lab.errors import BadInput
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.explain.firewall.verdict import outcomes, summary
from podnet_lab.lab.network_policies import policy_cluster
from podnet_lab.plan import plan

PLAN = plan(3, 3)
WIRED = world.wired(PLAN)

PODS = """
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {project: shop}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: bare}}
---
apiVersion: v1
kind: Pod
metadata: {name: pod-1-2, labels: {role: db}}
spec: {containers: [{name: db, ports: [{name: sql, containerPort: 6379}, {name: sql-udp, containerPort: 6379, protocol: UDP}]}]}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-1-3, labels: {role: frontend}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-1-4, labels: {role: batch, tier: back}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-2-2, namespace: shop, labels: {role: frontend}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-2-3, namespace: shop, labels: {role: batch}}}
---
apiVersion: v1
kind: Pod
metadata: {name: pod-3-2, namespace: bare, labels: {role: frontend}}
spec: {containers: [{name: x, ports: [{name: sql, containerPort: 7000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: pod-3-3}
spec: {containers: [{name: x, ports: [{name: sql, containerPort: 7000, protocol: UDP}]}]}
"""
"""pod-2-4, pod-3-3 and pod-3-4 have no labels."""


def policy(spec, name="p", namespace="default"):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": yaml.safe_load(spec)}


def objects(*specs):
    documents = [policy(spec, f"p{number}") for number, spec in enumerate(specs)]
    return [*policies.load(PODS), *map(policies.read, documents)]


@cache
def cluster_of(*specs):
    return policy_cluster(WIRED, objects(*specs))


DB = """
podSelector: {matchLabels: {role: db}}
policyTypes: [Ingress, Egress]
ingress:
- from:
  - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
  - namespaceSelector: {matchLabels: {project: shop}}
  - podSelector: {matchLabels: {role: frontend}}
  ports: [{protocol: TCP, port: 6379}]
egress:
- to: [{ipBlock: {cidr: 10.0.0.0/24}}]
  ports: [{protocol: TCP, port: 5978}]
"""
DENY_IN = "{podSelector: {}, policyTypes: [Ingress]}"
DENY_OUT = "{podSelector: {}, policyTypes: [Egress]}"
ALLOW_IN = "{podSelector: {}, ingress: [{}], policyTypes: [Ingress]}"
ALLOW_OUT = "{podSelector: {}, egress: [{}], policyTypes: [Egress]}"
SHOP, FRONTEND = "namespaceSelector: {matchLabels: {project: shop}}", "podSelector: {matchLabels: {role: frontend}}"
EITHER = f"{{podSelector: {{}}, ingress: [{{from: [{{{SHOP}}}, {{{FRONTEND}}}]}}]}}"
BOTH = f"{{podSelector: {{}}, ingress: [{{from: [{{{SHOP}, {FRONTEND}}}]}}]}}"
RANGE = (
    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.244.0.0/16}}], ports: [{port: 32000, endPort: 32768}]}]}"
)
NAMED = "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: sql}]}]}"
NAMED_IN = "{podSelector: {}, ingress: [{ports: [{port: sql}]}]}"
BY_NAME = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: bare}}}]}]}"
EVERY_NAMESPACE = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}"
EVERY_POD_HERE = "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"
NO_BATCH = "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [batch]}]}}]}]}"
HAS_TIER = "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}]}]}"
NO_TIER = "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}]}]}"
NOT_LOOKED_AT = "{podSelector: {}, policyTypes: [Ingress], egress: [{to: [{ipBlock: {cidr: 10.9.0.0/16}}]}]}"
EMPTY_LISTS = "{podSelector: {}, ingress: [{from: [], ports: []}]}"
EMPTY_RULES = "{podSelector: {}, ingress: [], egress: []}"
UDP_ALL = "{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}"
FAR = "10.9.8.7"

TABLE = [
    # the policies; who asks whom; the protocol, and the port; whether it is let pass
    ([], "pod-2-2", "pod-1-2", "TCP", 6379, True),
    ([DB], "172.17.0.9", "pod-1-2", "TCP", 6379, True),
    ([DB], "172.17.1.9", "pod-1-2", "TCP", 6379, False),
    ([DB], "172.18.0.9", "pod-1-2", "TCP", 6379, False),
    ([DB], "pod-1-3", "pod-1-2", "TCP", 6379, True),
    ([DB], "pod-1-4", "pod-1-2", "TCP", 6379, False),
    ([DB], "pod-2-3", "pod-1-2", "TCP", 6379, True),  # of a namespace with the label, whatever its own labels are
    ([DB], "pod-3-2", "pod-1-2", "TCP", 6379, False),  # a frontend, but of another namespace than the policy's
    ([DB], "pod-1-3", "pod-1-2", "TCP", 6380, False),
    ([DB], "pod-1-3", "pod-1-2", "UDP", 6379, False),
    ([DB], "pod-1-2", "10.0.0.9", "TCP", 5978, True),
    ([DB], "pod-1-2", "10.0.0.9", "TCP", 5979, False),
    ([DB], "pod-1-2", "10.0.1.9", "TCP", 5978, False),
    ([DB], "pod-1-2", "pod-1-3", "TCP", 5978, False),
    ([DB], "pod-1-3", "pod-1-4", "TCP", 1, True),  # isolated is only whom a policy selects
    ([DB], "pod-1-3", "pod-1-2", "ICMP", None, False),  # a rule with ports is about TCP and UDP
    ([DENY_IN], "pod-1-3", "pod-1-4", "TCP", 80, False),
    ([DENY_IN], "pod-1-3", "pod-2-2", "TCP", 80, True),  # in another namespace
    ([DENY_IN], "pod-2-2", FAR, "TCP", 80, True),
    ([DENY_IN], "node1", "pod-1-3", "TCP", 80, True),  # its own node, where the kubelet lives
    ([DENY_IN], "192.168.1.11", "pod-1-3", "TCP", 80, True),
    ([DENY_IN], "node2", "pod-1-3", "TCP", 80, False),
    ([DENY_IN], "pod-1-3", "pod-1-3", "TCP", 80, True),  # itself
    ([DENY_OUT], "pod-1-3", "pod-1-4", "TCP", 80, False),
    ([DENY_OUT], "pod-1-3", "node1", "TCP", 80, True),
    ([DENY_OUT], "pod-1-3", "node2", "TCP", 80, False),
    ([DENY_OUT], "pod-1-3", FAR, "UDP", 53, False),
    ([DENY_IN, ALLOW_IN], "pod-1-3", "pod-1-4", "TCP", 80, True),  # what one lets pass is let pass
    ([ALLOW_IN, DENY_IN], "pod-1-3", "pod-1-4", "TCP", 80, True),
    ([DENY_OUT, ALLOW_OUT], "pod-1-3", FAR, "TCP", 80, True),
    ([ALLOW_IN, DENY_OUT], "pod-1-3", "pod-1-4", "TCP", 80, False),  # both ends have a say
    ([EITHER], "pod-1-3", "pod-1-4", "TCP", 80, True),
    ([EITHER], "pod-2-3", "pod-1-4", "TCP", 80, True),
    ([BOTH], "pod-1-3", "pod-1-4", "TCP", 80, False),
    ([BOTH], "pod-2-2", "pod-1-4", "TCP", 80, True),
    ([BOTH], "pod-2-3", "pod-1-4", "TCP", 80, False),
    ([RANGE], "pod-1-3", "pod-2-2", "TCP", 31999, False),
    ([RANGE], "pod-1-3", "pod-2-2", "TCP", 32000, True),
    ([RANGE], "pod-1-3", "pod-2-2", "TCP", 32768, True),
    ([RANGE], "pod-1-3", "pod-2-2", "TCP", 32769, False),
    ([RANGE], "pod-1-3", "pod-2-2", "UDP", 32000, False),
    ([NAMED], "pod-1-3", "pod-1-2", "TCP", 6379, True),
    ([NAMED], "pod-1-3", "pod-3-2", "TCP", 7000, True),  # the name is another number there
    ([NAMED], "pod-1-3", "pod-3-2", "TCP", 6379, False),
    ([NAMED], "pod-1-3", "pod-2-2", "TCP", 6379, False),  # which has no port of that name
    ([NAMED], "pod-1-3", "pod-1-2", "UDP", 6379, False),
    ([NAMED], "pod-1-3", "pod-3-3", "TCP", 7000, False),  # where the name is one of UDP
    ([NAMED_IN], "pod-2-2", "pod-1-2", "TCP", 6379, True),
    ([NAMED_IN], "pod-2-2", "pod-1-3", "TCP", 6379, False),
    ([BY_NAME], "pod-3-2", "pod-1-2", "TCP", 80, True),
    ([BY_NAME], "pod-2-2", "pod-1-2", "TCP", 80, False),
    ([EVERY_NAMESPACE], "pod-2-2", "pod-1-2", "TCP", 80, True),
    ([EVERY_NAMESPACE], FAR, "pod-1-2", "TCP", 80, False),  # Pods, and nobody else
    ([EVERY_POD_HERE], "pod-1-3", "pod-1-2", "TCP", 80, True),
    ([EVERY_POD_HERE], "pod-2-2", "pod-1-2", "TCP", 80, False),
    ([NO_BATCH], "pod-1-3", "pod-1-2", "TCP", 80, True),
    ([NO_BATCH], "pod-1-4", "pod-1-2", "TCP", 80, False),
    ([NO_BATCH], "pod-3-3", "pod-1-2", "TCP", 80, True),  # what lacks the label is not in it
    ([HAS_TIER], "pod-1-4", "pod-1-2", "TCP", 80, True),
    ([HAS_TIER], "pod-1-3", "pod-1-2", "TCP", 80, False),
    ([NO_TIER], "pod-1-4", "pod-1-2", "TCP", 80, False),
    ([NO_TIER], "pod-1-3", "pod-1-2", "TCP", 80, True),
    ([NOT_LOOKED_AT], "pod-1-3", FAR, "TCP", 80, True),
    ([NOT_LOOKED_AT], FAR, "pod-1-3", "TCP", 80, False),
    ([EMPTY_LISTS], FAR, "pod-1-3", "TCP", 80, True),  # empty is as if it were not there: anybody, at any port
    ([EMPTY_LISTS], FAR, "pod-1-3", "ICMP", None, True),
    ([EMPTY_RULES], FAR, "pod-1-3", "TCP", 80, False),  # by itself a policy is for ingress …
    ([EMPTY_RULES], "pod-1-3", FAR, "TCP", 80, True),  # … and for egress only with rules for it
    ([UDP_ALL], FAR, "pod-1-3", "UDP", 5353, True),
    ([UDP_ALL], FAR, "pod-1-3", "TCP", 5353, False),
    ([UDP_ALL], FAR, "pod-1-3", "ICMP", None, False),
]


@pytest.mark.parametrize(("specs", "source", "target", "protocol", "port", "allowed"), TABLE)
def test_the_api_says_who_may_talk_to_whom(specs, source, target, protocol, port, allowed):
    assert bool(policies.decide(cluster_of(*specs), source, target, port, protocol)) is allowed


@cache
def ruled(*specs):
    """The nodes, with what enforces the policies."""
    wanted = objects(*specs)
    rules = {name: node.own.rules for name, node in WIRED.items()}
    steps = policies.cluster_steps(policy_cluster(WIRED, wanted), rules, dict.fromkeys(WIRED, True))
    return {name: world.follow(WIRED[name], *some) for name, some in steps.items()}


def passes(nodes, cluster, source, target, protocol, port):
    """Whether the nodes' rules let a packet pass wherever it is forwarded: at its sender's node, at its receiver's."""
    place = {placed.pod.name: (placed.node, placed.ip) for placed in cluster.pods}
    place |= {name: (name, addresses[0]) for name, addresses in cluster.nodes.items()}
    (here, from_ip), (there, to_ip) = (place.get(name) or (None, IPv4Address(name)) for name in (source, target))
    ways = [here] if source.startswith("pod") and target != here else []
    ways += [there] if target.startswith("pod") and from_ip not in cluster.nodes.get(there, ()) else []
    packet = Packet(from_ip, to_ip, "v-net-0", "v-net-0", protocol=protocol.lower(), port=port)
    judged = [summary(outcomes(nodes[node].own.rules, "forward", packet)).verdict for node in dict.fromkeys(ways) if source != target]
    assert {*judged} <= {"accept", "drop"}
    return "drop" not in judged


@pytest.mark.parametrize(("specs", "source", "target", "protocol", "port", "allowed"), TABLE)
def test_the_rules_say_the_same(specs, source, target, protocol, port, allowed):
    assert passes(ruled(*specs), cluster_of(*specs), source, target, protocol, port) is allowed


@pytest.mark.parametrize("spec", sorted({spec for row in TABLE for spec in row[0]}))
def test_the_examples_are_what_a_cluster_takes(spec):
    kubernetes_validate.validate(policy(spec), "1.34", strict=True)


@pytest.mark.parametrize("seed", range(3000, 3040))
def test_random_policies_and_their_rules_say_the_same(seed):
    case = Draw(seed).case([pod.name for pod in PLAN.pods()], [node.name for node in PLAN.nodes], 20)
    cluster = policy_cluster(WIRED, [policies.read(document) for document in case.objects])
    rules = {name: node.own.rules for name, node in WIRED.items()}
    steps = policies.cluster_steps(cluster, rules, dict.fromkeys(WIRED, False))
    nodes = {name: world.follow(WIRED[name], *some) for name, some in steps.items()}
    for probe in case.probes:
        asked = (probe.source, probe.target, probe.port, probe.protocol)
        allowed = bool(policies.decide(cluster, *asked))
        assert passes(nodes, cluster, probe.source, probe.target, probe.protocol, probe.port) is allowed, probe


def test_a_decision_names_the_policy_and_its_rules():
    cluster = cluster_of(DB)
    denied = str(policies.decide(cluster, "pod-1-4", "pod-1-2", 6379))
    assert "denied by NetworkPolicy default/p0: no ingress rule lets it into pod-1-2" in denied
    assert "default/p0 ingress[0] lets pass: 172.17.0.0/16 except 172.17.1.0/24 or all Pods in namespaces with project=shop" in denied
    assert "default/p0 ingress[0] lets it pass" in str(policies.decide(cluster, "pod-1-3", "pod-1-2", 6379))
    assert "they have no egress rule at all" in str(policies.decide(cluster_of(DENY_OUT), "pod-1-3", FAR, 1))
    with pytest.raises(BadInput, match="pod-1-9"):
        policies.decide(cluster, "pod-1-9", "pod-1-2", 80)
    with pytest.raises(BadInput, match="about TCP or UDP and a port"):
        policies.decide(cluster, "pod-1-3", "pod-1-2", 80, "SCTP")
    with pytest.raises(BadInput, match="not about TCP without a port"):
        policies.decide(cluster, "pod-1-3", "pod-1-2")
    for port in (808000, 0, -1, True, "80", 80.0):
        with pytest.raises(BadInput, match="is no port: they go from 1 to 65535"):
            policies.decide(cluster, "pod-1-3", "pod-1-2", port)


def test_a_node_has_rules_for_its_own_pods_alone():
    rules = {name: node.own.rules for name, node in ruled(DB, EITHER).items()}
    chains = {name: sorted(key[2] for key in node.rules if key[2].startswith(("to-", "from-"))) for name, node in rules.items()}
    assert chains["node1"] == ["from-10.244.1.2", "to-10.244.1.2", "to-10.244.1.3", "to-10.244.1.4"]
    assert chains["node2"] == ["to-10.244.2.4"]
    assert ("ip", "network-policy", "ingress-default/p0") not in rules["node2"].rules


def test_other_policies_leave_nothing_of_those_before():
    both, first = ruled(DB, RANGE, NAMED), ruled(DB)
    steps = policies.cluster_steps(cluster_of(DB), {name: node.own.rules for name, node in both.items()}, dict.fromkeys(both, True))
    for name, node in both.items():
        after = world.follow(node, *steps[name]).own.rules
        assert (after.objects, after.rules) == (first[name].own.rules.objects, first[name].own.rules.rules)
    gone = {name: world.follow(node, *policies.removal(node.own.rules)) for name, node in both.items()}
    assert not any(node.own.rules for node in gone.values())


def test_a_pod_that_is_not_there_and_a_name_twice_are_refused():
    with pytest.raises(BadInput, match="pod-9-9"):
        policy_cluster(WIRED, policies.load("{apiVersion: v1, kind: Pod, metadata: {name: pod-9-9}}"))
    twice = policy_cluster(WIRED, [policies.read(policy(DENY_IN)), policies.read(policy(DENY_OUT))])
    with pytest.raises(BadInput, match="two NetworkPolicies are called default/p"):
        policies.compiled(twice)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2, labels: {app: web}}}", "two Pods are called pod-1-2"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2, namespace: other}}", "two Pods are called pod-1-2"),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}", "two Namespaces are called shop"),
    ],
)
def test_two_of_one_name_are_refused(text, words):
    with pytest.raises(BadInput, match=words):
        policy_cluster(WIRED, policies.load(f"{PODS}---\n{text}"))
