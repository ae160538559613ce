"""
NetworkPolicies, Pods and Namespaces from YAML, as `kubectl apply` takes them; errors name the field's path. Pure.

What is asked of each field: kubernetes/kubernetes, pkg/apis/networking/validation. Of a Pod only its name, namespace, labels and
its containers' ports are read: what wires it is the lab.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.policies import fields, known_fields
from podnet_lab.policies.objects import (
    DEFAULT,
    EGRESS,
    INGRESS,
    IpBlock,
    Kind,
    LabelledNamespace,
    LabelledPod,
    NetworkPolicy,
    Peer,
    Port,
    Requirement,
    Rule,
    Selector,
)
from podnet_lab.policies.pod_manifest import port_names

_VERSIONS = {"NetworkPolicy": "networking.k8s.io/v1", "Pod": "v1", "Namespace": "v1"}
_LISTS = {"List": ""} | {f"{kind}List": kind for kind in _VERSIONS}
"""Kinds of lists, and the kind of an item that does not say its own."""

_LENGTH = re.compile(r"/[0-9]+", re.ASCII)


def load(text: str) -> tuple[Kind, ...]:
    """
    The objects in a text of YAML: NetworkPolicies, and the Pods and Namespaces whose labels they ask for.

    Raises BadInput with the object and the field's path, as ``NetworkPolicy default/web: spec.ingress[0].ports[0].port``, for what
    Kubernetes' API would refuse, a field that it does not know included, and for what this lab does not judge: SCTP, and IPv6; with the
    line, for what is no YAML, or says the same key twice.
    """
    if not isinstance(text, str):
        raise BadInput(f"policies.load takes a text of YAML, not {fields.shown(text)}{_OTHERWISE.get(type(text), '')}")
    from podnet_lab.policies.yaml_documents import documents  # here: whoever does not read YAML need not wait for it

    items = [item for document in documents(text) if document is not None for item in _items(document)]
    if not items:
        raise BadInput("there is no object in this text: policies.load takes YAML with objects of the kinds " + ", ".join(_VERSIONS))
    return tuple(_read_named(item, f"object {number}" if len(items) > 1 else "") for number, item in enumerate(items, 1))


_OTHERWISE = {
    dict: ": policies.read takes one object that was read already",
    list: ": policies.read takes one object that was read already",
    bytes: ": .decode() makes text of it",
}
"""What to do with what is no text."""


def _items(document: Any) -> list[Any]:
    """The objects of a document: it is one, or a list of some."""
    kind = document.get("kind") if isinstance(document, Mapping) else None
    if not isinstance(kind, str) or kind not in _LISTS:
        return [document]
    version = _VERSIONS.get(_LISTS[kind], "v1")
    _is_version(document, kind, version)
    fields.mapping(document, "", known_fields.LIST)
    fields.mapping(document.get("metadata"), "metadata", known_fields.LIST_METADATA)
    items = [item for item, _ in fields.several(document.get("items"), "items")]
    implied = {"apiVersion": version, "kind": _LISTS[kind]} if _LISTS[kind] else {}
    return [{**item, **implied} if isinstance(item, Mapping) and not item.get("kind") else item for item in items]


def _is_version(document: Mapping[str, Any], kind: str, wanted: str) -> None:
    if (version := document.get("apiVersion")) != wanted:
        raise fields.wrong("apiVersion", f"of a {kind} it is {wanted}, not {fields.shown(version)}")


def _read_named(item: Any, number: str) -> Kind:
    """One object; of several, an error says in which: its kind and name, or its *number* where it has no name."""
    try:
        return read(item)
    except BadInput as error:
        if not number:
            raise
        raise BadInput(f"{_called(item) or number}: {error}") from None


def _called(item: Any) -> str:
    """The kind and name of an object with whose fields something is wrong; "" if it does not say both."""
    metadata = item.get("metadata") if isinstance(item, Mapping) else None
    kind, name = item.get("kind") if metadata else None, metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(kind, str) or kind not in _VERSIONS or not isinstance(name, str) or not name:
        return ""
    namespace = (metadata.get("namespace") or DEFAULT) if kind == "NetworkPolicy" else None
    return f"{kind} {namespace}/{name}" if isinstance(namespace, str) else f"{kind} {name}"


def read(document: Any) -> Kind:
    """One object from what its YAML says, as dictionaries and lists."""
    kind = fields.mapping(document, "the document").get("kind")
    if not isinstance(kind, str) or kind not in _VERSIONS:
        raise fields.wrong("kind", f"must be one of {', '.join(_VERSIONS)}, not {fields.shown(kind)}")
    _is_version(document, kind, _VERSIONS[kind])
    fields.mapping(document, "", known_fields.OBJECT)
    metadata = fields.mapping(document.get("metadata"), "metadata", known_fields.METADATA)
    name = fields.object_name(metadata.get("name"), "metadata.name", dots=kind != "Namespace")
    labels = fields.labels(metadata.get("labels"), "metadata.labels")
    fields.annotations(metadata.get("annotations"), "metadata.annotations")
    fields.mapping(document.get("status"), "status")
    if kind == "Namespace":
        fields.mapping(document.get("spec"), "spec", known_fields.NAMESPACE)
        return LabelledNamespace(name, labels)
    namespace = metadata.get("namespace")
    namespace = DEFAULT if namespace in (None, "") else fields.object_name(namespace, "metadata.namespace")
    if kind == "Pod":
        return LabelledPod(name, namespace, labels, tuple(port_names(document.get("spec"))))
    return _policy(name, namespace, document.get("spec"))


def _policy(name: str, namespace: str, spec: Any) -> NetworkPolicy:
    has = fields.mapping(spec, "spec", known_fields.POLICY)
    if has.get("podSelector") is None:
        # Required in v1; `podSelector: {}` selects all Pods of the namespace.
        raise fields.wrong("spec.podSelector", "required: {} selects all Pods of the namespace")
    ingress = tuple(_rule(rule, path, "from") for rule, path in fields.several(has.get("ingress"), "spec.ingress"))
    egress = tuple(_rule(rule, path, "to") for rule, path in fields.several(has.get("egress"), "spec.egress"))
    types = tuple(fields.one_of(one, path, (INGRESS, EGRESS)) for one, path in fields.several(has.get("policyTypes"), "spec.policyTypes"))
    if len(types) > 2:
        raise fields.wrong("spec.policyTypes", "there are two at most")
    # Where none is said: Ingress always, and Egress if there are rules for it.
    types = tuple(dict.fromkeys(types)) or ((INGRESS, EGRESS) if egress else (INGRESS,))
    return NetworkPolicy(name, namespace, _selector(has["podSelector"], "spec.podSelector"), ingress, egress, types)


def _rule(rule: Any, path: str, peers: str) -> Rule:
    has = fields.mapping(rule, path, (peers, "ports"))
    return Rule(
        tuple(_peer(peer, at) for peer, at in fields.several(has.get(peers), f"{path}.{peers}")),
        tuple(_port(port, at) for port, at in fields.several(has.get("ports"), f"{path}.ports")),
    )


def _peer(peer: Any, path: str) -> Peer:
    has = {
        name: value
        for name, value in fields.mapping(peer, path, ("podSelector", "namespaceSelector", "ipBlock")).items()
        if value is not None
    }
    if not has:
        raise fields.wrong(path, "required: a peer has a podSelector, a namespaceSelector or an ipBlock")
    if "ipBlock" in has and len(has) > 1:
        raise fields.wrong(path, "forbidden: an ipBlock stands alone, without selectors")
    return Peer(
        _selector(has["podSelector"], f"{path}.podSelector") if "podSelector" in has else None,
        _selector(has["namespaceSelector"], f"{path}.namespaceSelector") if "namespaceSelector" in has else None,
        _block(has["ipBlock"], f"{path}.ipBlock") if "ipBlock" in has else None,
    )


def _block(block: Any, path: str) -> IpBlock:
    has = fields.mapping(block, path, ("cidr", "except"))
    if has.get("cidr") in (None, ""):
        raise fields.wrong(f"{path}.cidr", "required")
    cidr = _network(has["cidr"], f"{path}.cidr")
    excepted = []
    for one, at in fields.several(has.get("except"), f"{path}.except"):
        inner = _network(one, at)
        if inner == cidr or not inner.subnet_of(cidr):
            raise fields.wrong(at, f"must be a strict subset of cidr: {inner} is not within {cidr}, or is all of it")
        excepted.append(inner)
    return IpBlock(cidr, tuple(excepted))


def _network(has: Any, path: str) -> IPv4Network:
    try:
        # Host bits are cut off, as the API's own parser does it.
        network = ip_network(fields.text(has, path), strict=False)
    except ValueError:
        raise fields.wrong(path, f"{fields.shown(has)} is no CIDR like 10.9.0.0/16") from None
    if isinstance(network, IPv6Network):
        raise fields.wrong(path, f"{has} is IPv6, which this lab does not judge")
    if "/" not in has:
        raise fields.wrong(path, f"{fields.shown(has)} is no CIDR like 10.9.0.0/16: the prefix length is missing")
    if not _LENGTH.fullmatch(has.removeprefix(has.partition("/")[0])):
        raise fields.wrong(path, f"{fields.shown(has)} is no CIDR like {network}: a prefix length, not a mask, stands behind the /")
    return network


def _port(port: Any, path: str) -> Port:
    has = fields.mapping(port, path, ("protocol", "port", "endPort"))
    protocol, number, end = fields.protocol(has.get("protocol"), f"{path}.protocol"), has.get("port"), has.get("endPort")
    if isinstance(number, str):
        if number.isdecimal():
            raise fields.wrong(f"{path}.port", f"{fields.shown(number)} is text, which would be a port's name: a number has no quotes")
        fields.port_name(number, f"{path}.port")
    elif number is not None:
        fields.number(number, f"{path}.port")
    if end is not None:
        if not isinstance(number, int):
            raise fields.wrong(f"{path}.endPort", f"may not be specified when port is {'absent' if number is None else 'non-numeric'}")
        if fields.number(end, f"{path}.endPort") < number:
            raise fields.wrong(f"{path}.endPort", f"must be greater than or equal to port: {end} is less than {number}")
    return Port(protocol, number, end)


def _selector(selector: Any, path: str) -> Selector:
    known = ("matchLabels", "matchExpressions")
    for name, value in fields.mapping(selector, path).items():
        if name not in known and not isinstance(value, Mapping | list) and not did_you_mean(name, known):
            # What a Service's selector is, and what most mean by it.
            raise fields.wrong(f"{path}.{name}", f"unknown field: labels stand in matchLabels, as {{matchLabels: {{{name}: {value}}}}}")
    has = fields.mapping(selector, path, known)
    labels = fields.labels(has.get("matchLabels"), f"{path}.matchLabels")
    expressions = fields.several(has.get("matchExpressions"), f"{path}.matchExpressions")
    return Selector(tuple(labels.items()), tuple(_requirement(one, at) for one, at in expressions))


def _requirement(requirement: Any, path: str) -> Requirement:
    has = fields.mapping(requirement, path, ("key", "operator", "values"))
    key = fields.label_key(has.get("key"), f"{path}.key")
    operator = fields.one_of(has.get("operator"), f"{path}.operator", ("In", "NotIn", "Exists", "DoesNotExist"))
    values = tuple(fields.label_value(value, at) for value, at in fields.several(has.get("values"), f"{path}.values"))
    if bool(values) != (operator in ("In", "NotIn")):
        words = "required" if not values else "forbidden"
        raise fields.wrong(f"{path}.values", f"{words} when operator is {operator}")
    return Requirement(key, operator, values)
