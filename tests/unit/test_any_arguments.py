"""Whatever is given to what makes steps, statements, plans and Services: it is made, printed and sent, or refused with BadInput."""

import inspect
import json
import math

import pytest
from any_arguments import odd

import podnet_lab
import podnet_lab.plan as plans
from podnet_lab.devices.bridge.steps import AddBridge
from podnet_lab.errors import BadInput
from podnet_lab.plan import Node, Plan, plan
from podnet_lab.steps.base import Step
from podnet_lab.typed_arguments import Count, Seconds, allows, checked, words

NO_STEPS = {"checks", "errors", "plan", "policies", "recipes", "services"}
MODULES = {
    name: getattr(podnet_lab, name) for name in podnet_lab.__all__ if name not in NO_STEPS and inspect.ismodule(getattr(podnet_lab, name))
}
MAKERS = {
    f"{name}.{what}": function
    for name, module in MODULES.items()
    for what, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__
    and not what.startswith("_")
    and f"{name}.{what}" not in {"statements.text", "statements.json"}
}
MAKERS |= {"plan": plan, "Plan": Plan, "service": podnet_lab.service, "Node": Node}
MAKERS |= {
    name: getattr(plans, name) for name in ("echo_size", "interface_address", "ip_address", "port_number", "socket_address", "subnet")
}

USUAL = {
    "name": "m0",
    "interface": "10.244.1.1/24",
    "dev": "v-net-0",
    "namespace": None,
    "lower": "eth0",
    "key": "rp_filter",
    "value": 1,
    "address": "10.244.1.2",
    "mac": "02:00:00:00:00:01",
    "to": "10.5.0.0/16",
    "via": "10.244.1.2",
    "peer": "p0",
    "into": "v-net-0",
    "vni": 1,
    "remote": "10.0.0.1",
    "map": "service-ips",
    "chain": "c",
    "hook": "",
    "kind": "chain",
    "verdict": "drop",
    "timeout": 3,
    "table": "kube-proxy",
    "where": "10.0.0.1",
    "number": 3,
    "port": 80,
    "chains": ["a"],
    "negate": False,
    "statements": None,
    "rules": [],
    "steps": [],
    "claim": "c",
    "members": ["10.244.1.2"],
    "which": "saddr",
    "first": 80,
    "last": 90,
    "protocol": "tcp",
    "nodes": 3,
    "pods": 2,
    "ip": "10.96.0.1",
    "endpoints": ["10.244.1.2:80"],
    "daemon": None,
    "external": None,
    "subnet": None,
}
NEEDS = {
    "statements.port": {"name": "tcp"},
    "statements.protocol": {"name": "udp"},
    "statements.ports": {"name": "udp"},
    "nft.element": {"key": "10.0.0.1 . tcp . 80"},
    "Plan": {"nodes": ()},
}


def look(made):
    if isinstance(made, Step):
        assert made.command.encode()
        assert made.pyroute2.encode()
        assert made.claim.encode()
        assert json.dumps(made.requests())
    elif hasattr(made, "json"):
        assert made.text.encode()
        assert json.dumps(made.json, allow_nan=False)


@pytest.mark.parametrize("name", MAKERS)
def test_it_is_made_or_refused(name):
    assert odd(name, MAKERS[name], USUAL | NEEDS.get(name, {}), look=look) == []


def test_the_search_finds_what_it_looks_for():
    def refuses(number):
        raise BadInput(f"not {number!r}")

    assert odd("careless", lambda number: number + 1, {})
    assert odd("strict", refuses, {}) == []
    assert odd("unprintable", AddBridge, {}, ["\ud800"], look)


@pytest.mark.parametrize("wrong", [-1, 0, math.nan, math.inf, True, "1", None, 60.5])
def test_seconds_are_a_number_that_one_can_wait(wrong):
    assert not allows(Seconds, wrong)


def test_what_fits_is_allowed():
    assert all(allows(Seconds, good) for good in (0.01, 1, 2.5, 60))
    assert all(allows(Count, good) for good in (1, 10**6))
    assert [words(Seconds), words(Count | None)] == ["a number of seconds from 0.01 to 60", "a whole number, 1 or more or None"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: podnet_lab.statements.source("x"), "'x' is not an IPv4 subnet"),
        (lambda: podnet_lab.statements.jump("a; drop"), "can't be a name for nft"),
        (lambda: podnet_lab.statements.protocol("tcp; accept"), "name is 'tcp' or 'udp', not 'tcp; accept'"),
        (lambda: podnet_lab.nft.chain("c", hook="input", does="filter", priority="0; policy drop"), "priority is a whole number or None"),
        (lambda: podnet_lab.nft.chain("c", hook="input", does="filter", priority=2**31), "32 bits"),
        (lambda: Node("n", "192.168.1.11/24", "10.244.1.0/24"), "an address is an IPv4Interface"),
        (lambda: plan(3, 2)["node1"].pods(1.5), "how many Pods is a whole number"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_meant(make, says):
    with pytest.raises(BadInput, match=says):
        make()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: checked(greet)(), "greet: missing a required argument: 'name'; it is called as greet(name, loud=False)"),
        (lambda: checked(greet)("a", "b", "c"), "greet: too many positional arguments; it is called as greet(name, loud=False)"),
        (
            lambda: checked(greet)("a", lout=True),
            "greet: got an unexpected keyword argument 'lout'; did you mean 'loud'?; it is called as greet(name, loud=False)",
        ),
    ],
)
def test_a_call_with_too_few_or_too_many_is_shown_as_it_should_be(call, said):
    with pytest.raises(BadInput) as raised:
        call()
    assert str(raised.value) == said


def greet(name: str, loud: bool = False) -> str:
    return name
