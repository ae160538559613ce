"""
What is read of a Pod's spec: its containers' ports, of which those with names are what policies speak of. Pure.

What is asked of each field: kubernetes/kubernetes, pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podnet_lab.policies import fields, known_fields
from podnet_lab.policies.objects import PortName


def port_names(spec: Any) -> Iterator[PortName]:
    """The ports with names of all containers of a Pod; BadInput for what is wrong with any port."""
    has = fields.mapping(spec, "spec", known_fields.POD)
    for kind, known in known_fields.CONTAINERS.items():
        for container, path in fields.several(has.get(kind), f"spec.{kind}"):
            yield from _container(fields.mapping(container, path, known), path)


def _container(has: Any, path: str) -> Iterator[PortName]:
    places: dict[str, str] = {}
    for port, at in fields.several(has.get("ports"), f"{path}.ports"):
        one = fields.mapping(port, at, known_fields.PORT)
        number = fields.number(one.get("containerPort"), f"{at}.containerPort")
        if one.get("hostPort"):
            fields.number(one["hostPort"], f"{at}.hostPort")
        if one.get("name") in (None, ""):
            fields.protocol(one.get("protocol"), f"{at}.protocol", judged=False)
            continue
        name = fields.port_name(one["name"], f"{at}.name")
        if name in places:
            raise fields.wrong(f"{at}.name", f"duplicate value: {places[name]} is called {name!r}, too")
        places[name] = at
        yield PortName(name, number, fields.protocol(one.get("protocol"), f"{at}.protocol"))
