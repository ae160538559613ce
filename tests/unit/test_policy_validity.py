"""Objects that were built in Python are asked the same as YAML, before anything is done with them."""

from ipaddress import IPv4Network

import pytest
from test_policies import PODS, TABLE, WIRED, objects

from podnet_lab import policies
from podnet_lab.errors import BadInput
from podnet_lab.lab.network_policies import policy_cluster
from podnet_lab.policies import IpBlock, LabelledNamespace, LabelledPod, NetworkPolicy, Peer, Port, PortName, Requirement, Rule, Selector
from podnet_lab.policies.validity import check_objects

TEN = IPv4Network("10.0.0.0/8")


def peer(**fields):
    return NetworkPolicy("q", ingress=(Rule((Peer(**fields),)),))


def port(*fields):
    return NetworkPolicy("q", ingress=(Rule(ports=(Port(*fields),)),))


WRONG = [
    (NetworkPolicy("q", types=("Foo",)), r"policyTypes\[0\]: unsupported value 'Foo': supported are Ingress, Egress"),
    (NetworkPolicy("q", types="Ingress"), r"types is a tuple, as \(text,\), not 'Ingress'"),
    (NetworkPolicy("q", types=()), "types says in which directions it isolates: Ingress, Egress or both"),
    (NetworkPolicy("q", ingress=Rule()), r"ingress is a tuple, as \(a Rule,\), not Rule"),
    (NetworkPolicy("q", ingress=[Rule()]), r"ingress is a tuple, as \(a Rule,\), not \[Rule"),
    (NetworkPolicy("q", egress=(Peer(),), types=("Egress",)), r"egress\[0\] is a Rule, not Peer"),
    (NetworkPolicy("q", pods="x"), "pods is a Selector, not 'x'"),
    (NetworkPolicy("q", pods=Selector({"app": "web"})), r"pods.labels is a tuple, as \(\(text, text\),\), not {'app': 'web'}"),
    (NetworkPolicy("q", pods=Selector((("app", 5),))), r"pods\.labels\[0\] is .*, not \('app', 5\)"),
    (NetworkPolicy("q", pods=Selector((("app",),))), r"pods\.labels\[0\] is \(text, text\), not \('app',\)"),
    (NetworkPolicy("q", pods=Selector(expressions=(Requirement("a", "in", ("b",)),))), "operator: unsupported value 'in'"),
    (NetworkPolicy("q", pods=Selector(expressions=(Requirement("a", "In", "b"),))), r"pods\.expressions\[0\]\.values is a tuple"),
    (NetworkPolicy("Q"), "metadata.name: 'Q' is no name"),
    (NetworkPolicy(5), "name is text, not 5"),
    (NetworkPolicy("q", namespace=None), "namespace is text, not None"),
    (peer(), r"spec\.ingress\[0\]\.from\[0\]: required: a peer has"),
    (peer(block="10.0.0.0/8"), r"ingress\[0\]\.peers\[0\]\.block is an IpBlock or None, not '10.0.0.0/8'"),
    (peer(block=IpBlock("10.0.0.0/8")), r"block\.cidr is an IPv4Network, not '10.0.0.0/8'"),
    (peer(block=IpBlock(TEN, (TEN,))), "must be a strict subset of cidr"),
    (peer(block=IpBlock(TEN), pods=Selector()), "an ipBlock stands alone"),
    (port("tcp"), "protocol: unsupported value 'tcp'"),
    (port("SCTP"), "SCTP is not judged"),
    (port("TCP", "80"), "'80' is text, which would be a port's name"),
    (port("TCP", 80.0), "port is a whole number or text or None, not 80.0"),
    (port("TCP", 99999), "must be a number from 1 to 65535, not 99999"),
    (port("TCP", 80, 70), "endPort: must be greater than or equal to port"),
    (LabelledPod("pod-1-2", labels={"a": 5}), "labels is a mapping of text to text, not {'a': 5}"),
    (LabelledPod("pod-1-2", labels={"a b": "c"}), "'a b' is no label's key"),
    (LabelledPod("pod-1-2", ports=(80,)), r"ports\[0\] is a PortName, not 80"),
    (LabelledPod("pod-1-2", ports=(PortName("http", 99999),)), "containerPort: must be a number from 1 to 65535"),
    (LabelledPod(None), "name is text, not None"),
    (LabelledNamespace("a.b"), "'a.b' is no name"),
    (LabelledNamespace("a", labels=None), "labels is a mapping of text to text, not None"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_what_kubernetes_would_refuse_is_refused_with_its_field(wrong, said):
    kind = {NetworkPolicy: "NetworkPolicy", LabelledPod: "Pod", LabelledNamespace: "Namespace"}[type(wrong)]
    with pytest.raises(BadInput, match=f"^{kind} {wrong.name}: .*{said}"):
        policy_cluster(WIRED, [*policies.load("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"), wrong])


@pytest.mark.parametrize("specs", sorted({tuple(row[0]) for row in TABLE}))
def test_what_yaml_says_is_taken(specs):
    check_objects(objects(*specs))


def test_what_python_says_is_taken():
    twice = (PortName("http", 80), PortName("http", 81, "UDP"))
    rules = (Rule((Peer(block=IpBlock(TEN, (IPv4Network("10.9.0.0/16"),))),), (Port("UDP", 53), Port("TCP", "http"), Port("TCP", 1, 9))),)
    pods = Selector((("app", "web"),), (Requirement("a", "NotIn", ("b",)),))
    check_objects([NetworkPolicy("q", "shop", pods, rules, rules, ("Egress", "Ingress")), LabelledPod("pod-1-2", ports=twice)])
    check_objects(policies.load(PODS))
