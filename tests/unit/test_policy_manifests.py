"""What YAML is a NetworkPolicy, and which field of it is wrong."""

from json import loads
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from podnet_lab import policies
from podnet_lab.errors import BadInput
from podnet_lab.policies import known_fields
from podnet_lab.policies.objects import LabelledNamespace, LabelledPod, NetworkPolicy

HEAD = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"}}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def pod(*ports, **more):
    spec = {"containers": [{"name": "c", "ports": list(ports)}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod-1-2"}, "spec": spec, **more}


def spec(text):
    return {**HEAD, "spec": yaml.safe_load(text)}


WRONG = [
    # the spec; what is said of it
    ("{}", r"spec\.podSelector: required"),
    ("{podSelector: {}, ingres: []}", r"spec\.ingres: unknown field; did you mean .*ingress"),
    ("{podSelector: {matchLabels: {app: 1}}}", r"spec\.podSelector\.matchLabels\.app: must be text, not 1: does it need quotes\?"),
    ("{podSelector: {matchLabels: {'-app': web}}}", r"spec\.podSelector\.matchLabels: '-app' is no label's key"),
    ("{podSelector: {matchLabels: {app: 'web!'}}}", r"spec\.podSelector\.matchLabels\.app: 'web!' is no label's value"),
    (
        "{podSelector: {matchExpressions: [{key: app, operator: in, values: [a]}]}}",
        r"spec\.podSelector\.matchExpressions\[0\]\.operator: unsupported value 'in'",
    ),
    (
        "{podSelector: {matchExpressions: [{key: app, operator: Exists}, {key: app, operator: In}]}}",
        r"spec\.podSelector\.matchExpressions\[1\]\.values: required when operator is In",
    ),
    (
        "{podSelector: {matchExpressions: [{key: app, operator: Exists, values: [a]}]}}",
        r"spec\.podSelector\.matchExpressions\[0\]\.values: forbidden when operator is Exists",
    ),
    ("{podSelector: {}, policyTypes: [ingress]}", r"spec\.policyTypes\[0\]: unsupported value 'ingress': supported are Ingress, Egress"),
    ("{podSelector: {}, policyTypes: [Ingress, Egress, Ingress]}", r"spec\.policyTypes: there are two at most"),
    ("{podSelector: {}, ingress: {}}", r"spec\.ingress: must be a list"),
    ("{podSelector: {}, ingress: [{to: []}]}", r"spec\.ingress\[0\]\.to: unknown field"),
    ("{podSelector: {}, egress: [{from: []}]}", r"spec\.egress\[0\]\.from: unknown field"),
    ("{podSelector: {}, ingress: [{from: [{}]}]}", r"spec\.ingress\[0\]\.from\[0\]: required"),
    (
        "{podSelector: {}, ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}",
        r"spec\.ingress\[0\]\.from\[0\]: forbidden: an ipBlock stands alone",
    ),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {}}]}]}", r"spec\.egress\[0\]\.to\[0\]\.ipBlock\.cidr: required"),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0}}]}]}", r"cidr: .*the prefix length is missing"),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.300/8}}]}]}", r"cidr: '10.0.0.300/8' is no CIDR"),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 'fd00::/8'}}]}]}", r"cidr: fd00::/8 is IPv6, which this lab does not judge"),
    (
        "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 11.0.0.0/16]}}]}]}",
        r"spec\.egress\[0\]\.to\[0\]\.ipBlock\.except\[1\]: must be a strict subset of cidr",
    ),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}", r"except\[0\]: must be a strict subset"),
    (
        "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.244.1.0/255.255.255.0}}]}]}",
        r"cidr: '10.244.1.0/255.255.255.0' is no CIDR like 10.244.1.0/24: a prefix length, not a mask",
    ),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.244.1.0/0.0.0.255}}]}]}", r"cidr: .* a prefix length, not a mask"),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/255.255.0.0]}}]}]}", r"except\[0\]: .* not a mask"),
    ("{podSelector: {}, ingress: [{ports: [{port: 0}]}]}", r"spec\.ingress\[0\]\.ports\[0\]\.port: must be a number from 1 to 65535"),
    ("{podSelector: {}, ingress: [{ports: [{}, {port: 65536}]}]}", r"spec\.ingress\[0\]\.ports\[1\]\.port: must be"),
    ("{podSelector: {}, ingress: [{ports: [{port: HTTP}]}]}", r"port: 'HTTP' is no port's name"),
    (
        "{podSelector: {}, ingress: [{ports: [{port: '8080'}]}]}",
        r"port: '8080' is text, which would be a port's name: a number has no quotes",
    ),
    ("{podSelector: {app: web}}", r"spec\.podSelector\.app: unknown field: labels stand in matchLabels, as \{matchLabels: \{app: web\}\}"),
    (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {team: ops}}]}]}",
        r"spec\.ingress\[0\]\.from\[0\]\.namespaceSelector\.team: unknown field: labels stand in matchLabels",
    ),
    ("{podSelector: {matchLabel: {app: web}}}", r"spec\.podSelector\.matchLabel: unknown field; did you mean 'matchLabels'"),
    ("{podSelector: {}, ingress: [{ports: [{port: a-name-too-long-for-iana}]}]}", r"is no port's name"),
    ("{podSelector: {}, ingress: [{ports: [{protocol: tcp}]}]}", r"protocol: unsupported value 'tcp': supported are TCP, UDP, SCTP"),
    ("{podSelector: {}, ingress: [{ports: [{protocol: SCTP}]}]}", r"protocol: SCTP is not judged in this lab"),
    ("{podSelector: {}, ingress: [{ports: [{port: 9, endPort: 8}]}]}", r"endPort: must be greater than or equal to port"),
    ("{podSelector: {}, ingress: [{ports: [{port: http, endPort: 80}]}]}", r"endPort: may not be specified when port is non-numeric"),
    ("{podSelector: {}, ingress: [{ports: [{endPort: 80}]}]}", r"endPort: may not be specified when port is absent"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_wrong_is_named_by_its_path(text, words):
    with pytest.raises(BadInput, match=words):
        policies.read(spec(text))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "the document: must be an object"),
        ({"kind": "Deployment"}, "kind: must be one of NetworkPolicy, Pod, Namespace"),
        ({**HEAD, "apiVersion": "extensions/v1beta1"}, "apiVersion: of a NetworkPolicy it is networking.k8s.io/v1"),
        ({**HEAD, "metadata": {}}, "metadata.name: required"),
        ({**HEAD, "metadata": {"name": "Web"}}, "metadata.name: 'Web' is no name"),
        ({**HEAD, "metadata": {"name": "web", "namespace": "a.b"}}, "metadata.namespace: 'a.b' is no name"),
        ({**HEAD, "specs": {}}, "specs: unknown field"),
        ({**HEAD, "kind": ["NetworkPolicy"]}, "kind: must be one of"),
        ({**HEAD, "metadata": {"name": "p", "label": {}}}, "metadata.label: unknown field; did you mean 'labels'"),
        ({**HEAD, "metadata": {"name": "p", "nameSpace": "x"}}, "metadata.nameSpace: unknown field; did you mean 'namespace'"),
        ({**HEAD, "metadata": {"name": "p", "annotations": {"a": 5}}}, "metadata.annotations.a: must be text, not 5"),
        (pod(labels={}), "^labels: unknown field"),
        ({**NAMESPACE, "labels": {}}, "^labels: unknown field"),
        ({**NAMESPACE, "spec": {"finaliser": []}}, r"^spec\.finaliser: unknown field; did you mean 'finalizers'"),
        (pod(spec={"container": []}), r"^spec\.container: unknown field; did you mean 'containers'"),
        (pod(spec={"containers": [{"port": []}]}), r"^spec\.containers\[0\]\.port: unknown field; did you mean 'ports'"),
        (pod(spec={"containers": [{"targetContainerName": "x"}]}), r"^spec\.containers\[0\]\.targetContainerName: unknown field"),
        (pod({"port": 80}), r"^spec\.containers\[0\]\.ports\[0\]\.port: unknown field"),
        (pod({"containerPort": 99999}), r"ports\[0\]\.containerPort: must be a number from 1 to 65535, not 99999"),
        (pod({"name": "http"}), r"ports\[0\]\.containerPort: must be a number"),
        (pod({"containerPort": 80, "hostPort": 99999}), r"ports\[0\]\.hostPort: must be a number from 1 to 65535"),
        (pod({"containerPort": 80, "protocol": "tcp"}), r"ports\[0\]\.protocol: unsupported value 'tcp'"),
        (pod({"name": "a", "containerPort": 80, "protocol": "SCTP"}), "SCTP is not judged"),
        (
            pod({"name": "a", "containerPort": 80}, {"name": "a", "containerPort": 81}),
            r"ports\[1\]\.name: duplicate value: spec\.containers\[0\]\.ports\[0\] is called 'a', too",
        ),
        (pod({"name": 10**5000, "containerPort": 80}), "must be text, not a number of thousands of digits"),
    ],
)
def test_what_is_no_object_is_refused(document, words):
    with pytest.raises(BadInput, match=words):
        policies.read(document)


SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / "v1.34.0-local-strict"


@pytest.mark.parametrize(
    ("schema", "known"),
    [
        ("objectmeta-meta-v1", known_fields.METADATA),
        ("listmeta-meta-v1", known_fields.LIST_METADATA),
        ("podlist-v1", known_fields.LIST),
        ("pod-v1", known_fields.OBJECT),
        ("namespace-v1", known_fields.OBJECT),
        ("namespacespec-v1", known_fields.NAMESPACE),
        ("networkpolicyspec-networking-v1", known_fields.POLICY),
        ("podspec-v1", known_fields.POD),
        ("container-v1", known_fields.CONTAINERS["containers"]),
        ("container-v1", known_fields.CONTAINERS["initContainers"]),
        ("ephemeralcontainer-v1", known_fields.CONTAINERS["ephemeralContainers"]),
        ("containerport-v1", known_fields.PORT),
    ],
)
def test_the_fields_that_are_known_are_those_of_kubernetes(schema, known):
    assert sorted(known) == sorted(loads((SCHEMAS / f"{schema}.json").read_text())["properties"])


def test_what_a_cluster_says_of_an_object_is_taken():
    """As `kubectl get -o yaml` prints it."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1"}
    printed = {"uid": "2", "creationTimestamp": None, "ownerReferences": [owner], "generateName": "p-", "finalizers": [], "generation": 1}
    more = {"resourceVersion": "7", "managedFields": [{"fieldsV1": {"f:spec": {}}}], "annotations": {"Example.com/a": "any text"}}
    named = policies.read({**HEAD, "metadata": {"name": "p", **printed, **more}, "spec": {"podSelector": {}}, "status": {}})
    assert named.full_name == "default/p"
    assert policies.read(pod({"containerPort": 80, "protocol": "SCTP"}, {"containerPort": 81, "hostPort": 0}, status={})).ports == ()
    side = {"containers": [], "initContainers": [{"name": "x", "ports": [{"name": "metrics", "containerPort": 9}]}]}
    assert [port.name for port in policies.read(pod(spec=side)).ports] == ["metrics"]


@pytest.mark.parametrize("namespace", ["", None])
def test_an_empty_namespace_is_the_default_one(namespace):
    policy = policies.read({**HEAD, "metadata": {"name": "p", "namespace": namespace}, "spec": {"podSelector": {}}})
    assert policy.full_name == "default/p"
    with pytest.raises(BadInput, match=r"^NetworkPolicy default/p: spec: must be an object, not 5"):
        policies.load(GOOD + str({**HEAD, "metadata": {"name": "p", "namespace": namespace or ""}, "spec": 5}))


def test_a_list_of_one_kind_is_one_of_objects():
    """Its items need not say their kind."""
    policy = "{metadata: {name: NAME}, spec: {podSelector: {}}}"
    items = f"{policy.replace('NAME', 'a')}, {policy.replace('NAME', 'b')}"
    text = f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicyList, metadata: {{resourceVersion: ''}}, items: [{items}]}}"
    assert [one.full_name for one in policies.load(text)] == ["default/a", "default/b"]
    (pod,) = policies.load("{apiVersion: v1, kind: PodList, items: [{metadata: {name: pod-1-2}}]}")
    assert pod == LabelledPod("pod-1-2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{apiVersion: foo, kind: List, items: []}", "apiVersion: of a List it is v1, not 'foo'"),
        ("{kind: List}", "apiVersion: of a List it is v1, not None"),
        ("{apiVersion: v1, kind: NetworkPolicyList}", "apiVersion: of a NetworkPolicyList it is networking.k8s.io/v1"),
        ("{apiVersion: v1, kind: List, item: []}", "item: unknown field; did you mean 'items'"),
        ("{apiVersion: v1, kind: List, items: {}}", "items: must be a list"),
    ],
)
def test_a_list_is_one_that_kubernetes_takes(text, words):
    with pytest.raises(BadInput, match=words):
        policies.load(text)


def test_what_is_no_yaml_is_refused():
    with pytest.raises(BadInput, match="this is no YAML"):
        policies.load("a: [")


@pytest.mark.parametrize("nothing", ["", "---\n---\n", "# a remark", "{apiVersion: v1, kind: List, items: []}"])
def test_a_text_without_an_object_is_refused(nothing):
    with pytest.raises(BadInput, match=r"there is no object in this text: .* NetworkPolicy, Pod, Namespace"):
        policies.load(nothing)


@pytest.mark.parametrize(("wrong", "hint"), [(None, "not None"), ({"kind": "Pod"}, r"policies\.read takes one object"), (b"a", "decode")])
def test_what_is_no_text_is_refused(wrong, hint):
    with pytest.raises(BadInput, match=f"policies.load takes a text of YAML, .*{hint}"):
        policies.load(wrong)


GOOD = "{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2}}\n---\n"


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (str(spec("{podSelector: {app: web}}")), r"^NetworkPolicy default/p: spec\.podSelector\.app: "),
        ("{apiVersion: v1, kind: Pod, metadata: {name: pod-1-3, labels: {a: 1}}}", r"^Pod pod-1-3: metadata\.labels\.a: must be text"),
        ("{apiVersion: v1, kind: Pod, metadata: {}}", r"^object 2: metadata\.name: required"),
        ("{kind: Deployment, metadata: {name: web}}", r"^object 2: kind: must be one of"),
        ("[]", r"^object 2: the document: must be an object"),
        ("{apiVersion: v1, kind: List, items: [{kind: Pod}]}", r"^object 2: apiVersion: of a Pod it is v1"),
    ],
)
def test_of_several_objects_the_one_that_is_wrong_is_named(second, words):
    with pytest.raises(BadInput, match=words):
        policies.load(GOOD + second)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("{podSelector: {}}", ("Ingress",)),
        ("{podSelector: {}, policyTypes: []}", ("Ingress",)),
        ("{podSelector: {}, egress: []}", ("Ingress",)),
        ("{podSelector: {}, egress: [{}]}", ("Ingress", "Egress")),
        ("{podSelector: {}, policyTypes: [Egress], ingress: [{}]}", ("Egress",)),
        ("{podSelector: {}, policyTypes: [Egress, Ingress]}", ("Egress", "Ingress")),
    ],
)
def test_types_that_are_not_said_follow_from_the_rules(text, types):
    assert policies.read(spec(text)).types == types


def test_pods_and_namespaces_have_the_labels_that_yaml_says():
    text = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: prod, labels: {team: a}}}
- apiVersion: v1
  kind: Pod
  metadata: {name: pod-1-2, namespace: prod, labels: {app: web, example.com/tier: ""}}
  spec:
    containers: [{name: c, image: x, ports: [{name: http, containerPort: 8080}, {containerPort: 9}]}]
---
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web.v2, annotations: {a: b}}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.1.2.3/16}}]}]}
"""
    prod, pod, policy = policies.load(text)
    assert isinstance(prod, LabelledNamespace)
    assert prod.all_labels == {"team": "a", "kubernetes.io/metadata.name": "prod"}
    assert isinstance(pod, LabelledPod)
    assert (pod.namespace, pod.labels) == ("prod", {"app": "web", "example.com/tier": ""})
    assert [(port.name, port.port, port.protocol) for port in pod.ports] == [("http", 8080, "TCP")]
    assert isinstance(policy, NetworkPolicy)
    assert policy.full_name == "default/web.v2"
    assert str(policy.ingress[0].peers[0]) == "10.1.0.0/16"  # host bits are cut off, as the API does it
