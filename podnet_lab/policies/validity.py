"""
Whether objects that were built in Python are such as Kubernetes takes: the same is asked of them as of YAML. Pure.

First each field's type, for what else could be read of it; then the object is written as YAML has it, and read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from podnet_lab.errors import BadInput
from podnet_lab.policies.fields import shown
from podnet_lab.policies.manifest import read
from podnet_lab.policies.objects import IpBlock, Kind, LabelledNamespace, LabelledPod, NetworkPolicy, Peer, Port, Rule, Selector
from podnet_lab.typed_arguments import allows, words


def check_objects(objects: Iterable[Kind]) -> None:
    """Raise BadInput for the first of *objects* that Kubernetes would refuse, with its name and the field."""
    for one in objects:
        kind = next(word for kind, word in _KINDS.items() if isinstance(one, kind))
        called = f"{kind} {one.name if isinstance(one.name, str) else shown(one.name)}"
        _check_types(one, called, "")
        try:
            read(_document(one))
        except BadInput as error:
            raise BadInput(f"{called}: {error}") from None


_KINDS = {NetworkPolicy: "NetworkPolicy", LabelledPod: "Pod", LabelledNamespace: "Namespace"}


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _check_types(value: Any, called: str, path: str) -> None:
    """Raise BadInput for the first field of a dataclass, or of one within it, whose value is of another type than it says."""
    for field in fields_of(value):
        hint, has, at = _hints(type(value))[field.name], getattr(value, field.name), f"{path}{field.name}"
        if get_origin(hint) is tuple and not isinstance(has, tuple):
            raise BadInput(f"{called}: {at} is a tuple, as ({_part_words(get_args(hint)[0])},), not {shown(has)}")
        for number, part in enumerate(has) if get_origin(hint) is tuple else ():
            if not _is_part(get_args(hint)[0], part):
                raise BadInput(f"{called}: {at}[{number}] is {_part_words(get_args(hint)[0])}, not {shown(part)}")
            if is_dataclass(part):
                _check_types(part, called, f"{at}[{number}].")
        if not allows(hint, has):
            raise BadInput(f"{called}: {at} is {words(hint)}, not {shown(has)}")
        if is_dataclass(has):
            _check_types(has, called, f"{at}.")
    if isinstance(value, NetworkPolicy) and not value.types:
        raise BadInput(f"{called}: types says in which directions it isolates: Ingress, Egress or both, not ()")


def _is_part(hint: Any, part: Any) -> bool:
    return allows(hint, part) and (get_origin(hint) is not tuple or len(part) == len(get_args(hint)))


def _part_words(hint: Any) -> str:
    """What stands in a tuple: of a Selector's labels, pairs of texts."""
    return f"({', '.join(map(words, get_args(hint)))})" if get_origin(hint) is tuple else words(hint)


def _document(one: Kind) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": one.name}
    if isinstance(one, LabelledNamespace):
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata | {"labels": one.labels}}
    metadata["namespace"] = one.namespace
    if isinstance(one, LabelledPod):
        # Nothing says of which container a port is; two of one name can be of two containers.
        ports = [{"name": port.name, "containerPort": port.port, "protocol": port.protocol} for port in one.ports]
        spec: dict[str, Any] = {"containers": [{"ports": [port]} for port in ports]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"labels": one.labels}, "spec": spec}
    spec = {
        "podSelector": _selector(one.pods),
        "policyTypes": list(one.types),
        "ingress": [_rule(rule, "from") for rule in one.ingress],
        "egress": [_rule(rule, "to") for rule in one.egress],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _rule(rule: Rule, peers: str) -> dict[str, Any]:
    return {peers: list(map(_peer, rule.peers)), "ports": list(map(_port, rule.ports))}


def _port(port: Port) -> dict[str, Any]:
    return {"protocol": port.protocol, "port": port.port, "endPort": port.end_port}


def _peer(peer: Peer) -> dict[str, Any]:
    has = {"podSelector": peer.pods, "namespaceSelector": peer.namespaces, "ipBlock": peer.block}
    return {name: _block(one) if isinstance(one, IpBlock) else _selector(one) for name, one in has.items() if one is not None}


def _block(block: IpBlock) -> dict[str, Any]:
    return {"cidr": str(block.cidr), "except": list(map(str, block.excepted))}


def _selector(selector: Selector) -> Mapping[str, Any]:
    expressions = [{"key": one.key, "operator": one.operator, "values": list(one.values)} for one in selector.expressions]
    return {"matchLabels": dict(selector.labels), "matchExpressions": expressions}
