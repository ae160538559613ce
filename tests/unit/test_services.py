"""Services without a kernel: what they are, which steps make them, and what those add up to."""

import pytest
import world

from podnet_lab import recipes, services
from podnet_lab.errors import BadInput
from podnet_lab.model.nftables import Ruleset
from podnet_lab.plan import plan
from podnet_lab.services.service import service
from podnet_lab.steps.facts import facts
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.objects import Remove
from podnet_lab.steps.nft.restore import restore_tables

PLAN = plan(3, 2)
WIRED = world.wired(PLAN)
WEB = service("web", "10.96.0.20", 80, ["10.244.1.2:8080", "10.244.2.2:8080"], node_port=30080)


def made(*wanted, was=WIRED):
    """The cluster with Services, as the lab makes them."""
    steps = services.cluster(PLAN, wanted, {name: node.own.rules for name, node in was.items()})
    return {name: world.follow(was[name], *steps[name]) for name in was}


def rules(node, chain):
    return [str(one) for one in node.own.rules.rules["ip", "kube-proxy", chain]]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("no Service's name", {"name": "Web"}),
        ("no Service's name", {"name": "-web"}),
        ("no Service's name", {"name": "9web"}),
        ("no Service's name", {"name": "w" * 64}),
        ("no Service's address", {"ip": "10.244.1.2"}),
        ("no Service's address", {"ip": "10.96.0.0"}),
        ("not an IPv4 address", {"ip": "10.96.0"}),
        ("is no port", {"port": 0}),
        ("is no port", {"port": 65536}),
        ("is no port", {"port": "80"}),
        ("is no port", {"port": True}),
        ("no address with a port like", {"endpoints": ["10.244.1.2"]}),
        ("not an IPv4 address", {"endpoints": ["pod-1-2:8080"]}),
        ("is there twice", {"endpoints": ["10.244.1.2:80", "10.244.1.2:80"]}),
        ("endpoints are several", {"endpoints": "10.244.1.2:80"}),
        ("tcp or udp", {"protocol": "icmp"}),
        ("30000 to 32767", {"node_port": 80}),
        ("needs a node_port", {"local": True}),
        ("1 to 86,400 seconds", {"affinity": 86401}),
    ],
)
def test_what_is_no_service_is_refused(words, given):
    with pytest.raises(BadInput, match=words):
        service(**{"name": "web", "ip": "10.96.0.20", "port": 80} | given)


@pytest.mark.parametrize(
    ("words", "other"),
    [
        ("address and port", service("other", "10.96.0.20", 80)),
        ("name, protocol and port", service("web", "10.96.0.21", 80)),
        ("node port", service("other", "10.96.0.21", 80, node_port=30080)),
    ],
)
def test_services_that_clash_are_refused(words, other):
    with pytest.raises(BadInput, match=f"another Service has the same {words}"):
        services.cluster(PLAN, [WEB, other])
    assert services.cluster(PLAN, [WEB, service("other", "10.96.0.20", 80, protocol="udp", node_port=30081)])


def test_a_service_on_every_node():
    cluster = made(WEB)
    for name, node in cluster.items():
        has = node.own.rules
        assert has.objects["element", "ip", "kube-proxy", "service-ips", "10.96.0.20 . tcp . 80"] == "goto service-web/tcp/80"
        assert has.objects["element", "ip", "kube-proxy", "service-nodeports", "tcp . 30080"] == "goto external-web/tcp/80"
        assert len(has.rules["ip", "kube-proxy", "service-web/tcp/80"]) == 2
        assert PLAN[name].external.ip.exploded in str(has.rules["ip", "kube-proxy", "services"])
        assert all(step.contradiction(node) is None for step in services.cluster(PLAN, [WEB])[name] if not isinstance(step, Remove))


def test_other_endpoints_leave_no_chain_behind():
    cluster = made(WEB.to("10.244.3.2:8080"), was=made(WEB))
    for node in cluster.values():
        chains = [key[3] for key in node.own.rules.objects if key[0] == "chain" and key[3].startswith("endpoint-")]
        assert chains == ["endpoint-web/tcp/80/10.244.3.2/8080"]
    longer = made(WEB, service("web-two", "10.96.0.22", 80, ["10.244.1.3:80"]))
    assert services.stale([WEB], longer["node1"].own.rules) == []
    assert [step.name for step in services.stale([WEB.to("10.244.1.2:8080")], longer["node1"].own.rules)] == [
        "endpoint-web/tcp/80/10.244.2.2/8080"
    ]


def test_without_endpoints_it_is_refused_and_not_looked_up():
    for node in made(WEB.to(), was=made(WEB)).values():
        has = node.own.rules.objects
        assert ("element", "ip", "kube-proxy", "service-ips", WEB.key) not in has
        assert has["element", "ip", "kube-proxy", "no-endpoint-services", WEB.key] == "goto reject-chain"
    again = made(WEB, was=made(WEB.to()))
    assert ("element", "ip", "kube-proxy", "no-endpoint-services", WEB.key) not in again["node1"].own.rules.objects


def test_local_leads_to_the_nodes_own_endpoints_or_nowhere():
    local = service("web", "10.96.0.20", 80, ["10.244.1.2:8080", "10.244.2.2:8080"], node_port=30080, local=True)
    cluster = made(local)
    first, second, third = (rules(cluster[name], "external-web/tcp/80") for name in ("node1", "node2", "node3"))
    assert "endpoint-web/tcp/80/10.244.1.2/8080" in first[-1]
    assert "10.244.2.2" not in first[-1]
    assert "endpoint-web/tcp/80/10.244.2.2/8080" in second[-1]
    assert "drop" in third[-1]
    marks = [one for one in (*first, *second, *third) if "mark-for-masquerade" in one]
    assert len(marks) == 3
    assert all("fib" in one for one in marks), "only what the node itself sends is masqueraded"
    assert "mark-for-masquerade" in rules(made(WEB)["node1"], "external-web/tcp/80")[0]


def test_affinity_looks_before_it_draws():
    sticky = service("web", "10.96.0.20", 80, ["10.244.1.2:8080", "10.244.2.2:8080"], affinity=True)
    node = made(sticky)["node1"]
    _, look, look_again, draw = rules(node, "service-web/tcp/80")
    assert "@affinity-web/tcp/80/10.244.1.2/8080/10800s" in look
    assert "@affinity-web/tcp/80/10.244.2.2/8080/10800s" in look_again
    assert "numgen" in draw
    assert node.own.rules.objects["set", "ip", "kube-proxy", "affinity-web/tcp/80/10.244.1.2/8080/10800s"]["timeout"] == services.STICKY


def test_removal_leaves_the_base():
    sticky = service("web", "10.96.0.20", 80, ["10.244.1.2:8080"], node_port=30080, affinity=60)
    before = {name: world.follow(node, *services.base(PLAN[name])) for name, node in WIRED.items()}
    after = made(sticky, was=before)
    for name, node in after.items():
        back = world.follow(node, *services.removal(sticky))
        assert node.own.rules != before[name].own.rules
        assert back.own.rules == before[name].own.rules


def test_the_switch_comes_after_all_chains():
    steps = services.cluster(PLAN, [service(f"s{n}", f"10.96.1.{n}", 80, ["10.244.1.2:80"]) for n in range(1, 9)])["node1"]
    kinds = [type(step).__name__ for step in steps]
    assert kinds.index("AddElement") > max(number for number, kind in enumerate(kinds) if kind == "Transaction")


def test_services_begin_where_the_wiring_is_done():
    assert recipes.before("services", PLAN) == recipes.before("done", PLAN)


def test_an_unknown_ruleset_is_no_empty_one():
    import dataclasses

    own = dataclasses.replace(WIRED["node1"].own, rules=Ruleset(problem="nft is not installed here"))
    node = dataclasses.replace(WIRED["node1"], spaces=WIRED["node1"].spaces | {None: own})
    assert nft.table().contradiction(node) == "nft is not installed here"
    assert nft.remove("table", "kube-proxy").contradiction(node) == "nft is not installed here"
    assert facts(node, ("nft", None, "table", "ip", "kube-proxy")) == "nft is not installed here"
    assert restore_tables(own.rules, WIRED["node1"].own.rules) == ()


@pytest.mark.parametrize(
    "later",
    [
        {"node_port": 30081},
        {"node_port": None},
        {"ip": "10.96.0.99"},
        {"affinity": 60},
        {"affinity": 100},
        {"endpoints": []},
        {"endpoints": ["10.244.3.2:8080"], "local": True},
    ],
)
@pytest.mark.parametrize("first", [{}, {"affinity": 60}, {"local": True}])
def test_what_a_service_was_leaves_nothing_behind(first, later):
    """Made at once, or out of another one: the same."""
    given = {"name": "web", "ip": "10.96.0.20", "port": 80, "endpoints": ["10.244.1.2:8080", "10.244.2.2:8080"], "node_port": 30080}
    wanted = given | first | later
    if wanted["node_port"] is None:
        wanted |= {"local": False}
    other, now = service(**given | first), service(**wanted)
    grown = made(now, was=made(other))
    for name, node in made(now).items():
        assert grown[name].own.rules.objects == node.own.rules.objects
        assert grown[name].own.rules.rules == node.own.rules.rules
