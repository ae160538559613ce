"""Rules of nftables, from JSON to what one types; which of two do the same; and what a chain's check says of the first that does not."""

import pytest

from podnet_lab.model.nft_text import described_text, rule_text, same_rule
from podnet_lab.model.nftables import ruleset
from podnet_lab.steps.nft import statements as say
from podnet_lab.steps.nft import steps as nft
from podnet_lab.steps.nft.restore import restore_tables
from podnet_lab.steps.nft.rules import difference

SAID = [
    say.source("10.244.1.0/24"),
    say.destination("10.244.1.2", negate=True),
    say.from_here(),
    say.comes_by("cali*"),
    say.leaves_by("eth0"),
    say.has_no_way_back(),
    say.protocol("udp"),
    say.port("tcp", 80),
    say.ports("tcp", 80, 90),
    say.known(),
    say.new(),
    say.translated(),
    say.jump("services"),
    say.goto("services"),
    say.back(),
    say.masquerade(),
    say.masquerade(fully_random=True),
    say.dnat("10.244.1.2", 8080),
    say.accept(),
    say.drop(),
    say.reject(),
    say.look_up("service-ips"),
    say.look_up("service-nodeports", address=False),
    say.spread(["one", "two"]),
    say.remember("affinity"),
    say.remembered("affinity"),
    say.look_up_host("isolated", "saddr"),
    say.member("offices", "daddr", negate=True),
    say.look_up_interface("from-wl-dispatch", "iifname"),
    say.member("clients", "daddr"),
    say.member("ports", "service"),
]


@pytest.mark.parametrize("statement", SAID, ids=str)
def test_each_statement_is_written_as_one_types_it(statement):
    assert rule_text([statement.json]) == statement.text


def test_what_is_not_known_stays_json():
    assert rule_text([{"a statement of tomorrow": 1}, {"match": {"op": "==", "left": {"x": 1}, "right": 2}}, None]) == (
        '{"a statement of tomorrow": 1} {"match": {"op": "==", "left": {"x": 1}, "right": 2}} null'
    )


def test_where_a_chain_is_attached_in_words():
    base = {"type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
    assert described_text("chain", base) == "{ type filter hook forward priority 0 ; policy drop ; }"
    assert described_text("chain", {}) == "a chain at no hook"
    assert (
        described_text("map", {"type": ["ipv4_addr", "inet_service"], "map": "verdict"}) == "{ type ipv4_addr . inet_service : verdict ; }"
    )


DROP, JUMP, GOTO = {"drop": None}, {"jump": {"target": "a"}}, {"goto": {"target": "a"}}
PORTS = [
    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": one}}} for one in ([1, 2], [2, 1])
]


def test_what_counts_logs_or_notes_changes_no_rule_and_sets_have_no_order():
    for beside in ({"counter": {"packets": 1, "bytes": 2}}, {"counter": "c"}, {"log": None}, {"xt": {"type": "match", "name": "comment"}}):
        assert same_rule([beside, DROP], [DROP])
    assert same_rule([PORTS[0], DROP], [PORTS[1], DROP])
    for other in ([JUMP], [GOTO], [PORTS[0], DROP], [{"limit": {"rate": 1, "per": "second"}}, DROP], [None, DROP], []):
        assert not same_rule(other, [DROP])
    assert not same_rule([JUMP], [GOTO])


WANTED = [(say.jump("a"),), (say.jump("b"),), (say.drop(),)]


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (WANTED, ""),
        ([], " lacks 3 rules, the first of them: `jump a`"),
        (WANTED[1:], " lacks a rule: `jump a`"),
        ([WANTED[0], WANTED[2]], " lacks a rule: `jump b`"),
        ([(say.accept(),), *WANTED], " has a rule that should not be there: `accept`"),
        ([WANTED[0], (say.goto("b"),), WANTED[2]], "'s rule 2 is `goto b`, and should be `jump b`"),
        ([WANTED[1], WANTED[0], WANTED[2]], "'s rule 1 is `jump b`, and should be `jump a`"),
    ],
)
def test_the_first_rule_that_differs_is_told(listed, words):
    assert difference([say.json(rule) for rule in listed], WANTED) == words


TABLE = {"table": {"family": "ip", "name": "t"}}
CHAIN = {"chain": {"family": "ip", "table": "t", "name": "c", "type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}}


def rule(*statements):
    return {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 1, "expr": list(statements)}}


def test_a_statement_that_nft_has_no_json_for_is_kept_and_is_no_rule_that_a_step_can_make():
    rules = ruleset([TABLE, CHAIN, rule("update @m { ip saddr : tcp dport }"), rule("jump {\n\t\tdrop\n\t}")])
    assert rules.rules["ip", "t", "c"] == ([{"text": "update @m { ip saddr : tcp dport }"}], [{"text": "jump {\n\t\tdrop\n\t}"}])
    assert rules.filled == {("ip", "t", "m")}
    assert rule_text(rules.rules["ip", "t", "c"][1]) == "jump { drop }"
    (step,) = restore_tables(ruleset([]), rules)
    assert step.unsaid == "rules of the table ip t that nft can't take as it lists them"


def test_a_table_that_sleeps_is_no_table_that_is_there_and_is_woken_by_its_step():
    asleep, awake = ({"table": {**TABLE["table"], **flags}} for flags in ({"flags": ["dormant"]}, {}))
    sleeping, waking = ruleset([asleep, CHAIN]), ruleset([awake, CHAIN])
    assert "dormant" in nft.table("t").wrong(sleeping)
    assert nft.table("t").wrong(waking) is None
    assert [step.command for step in restore_tables(sleeping, waking)] == ["nft add table ip t"]
    assert [step.command for step in restore_tables(waking, sleeping)] == ["nft 'add table ip t { flags dormant ; }'"]
    made = restore_tables(ruleset([]), sleeping)
    assert [type(step).__name__ for step in made] == ["RestoreTable", "SetDormant"]
