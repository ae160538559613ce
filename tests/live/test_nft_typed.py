"""What nft's JSON says, typed as a person would: of what is typed nft makes the same JSON, rule by rule, and object by object."""

import json
from pathlib import Path
from shlex import quote

import pytest

from podnet_lab.model.nft_commands import typed_commands
from podnet_lab.model.nftables import Ruleset, ruleset
from podnet_lab.steps.nft.restore import restore_tables

pytestmark = [pytest.mark.lab, pytest.mark.nft]

LINES = (Path(__file__).parent.parent / "unit" / "firewall_rules.txt").read_text().splitlines()
OBJECTS = [json.loads(line) for line in LINES if line.startswith("{")]
RULES = [line.partition("=> ")[0].split(maxsplit=3)[3].strip() for line in LINES if not line.startswith("{")]
CHAINS = {
    "plain": "",
    "rewrites": " { type nat hook prerouting priority -100 ; }",
    "leaves": " { type nat hook postrouting priority 100 ; policy drop ; }",
}
UNTOLD = 12
"""At most so many of these rules have no typed form here: each has a statement that hardly anybody writes."""


def listed(node):
    """The objects of the table."""
    return json.loads(node.shell("nft -j list table inet m"))["nftables"]


def steady(value):
    """The same, with what is in braces in one order: the kernel's is its own."""
    if isinstance(value, dict):
        return {name: sorted(map(str, map(steady, one))) if name == "set" else steady(one) for name, one in value.items()}
    return [*map(steady, value)] if isinstance(value, list | tuple) else value


def made_with_elements(listed_object):
    """The commands that make a set or a map, and what is in it."""
    ((kind, body),) = listed_object.items()
    yield {"add": {kind: {name: value for name, value in body.items() if name != "elem"}}}
    if "elem" in body:
        yield {"add": {"element": {name: body[name] for name in ("family", "table", "name", "elem")}}}


@pytest.fixture
def node(lab):
    """Node 1, with the objects that the rules name, and chains for those of each kind."""
    node = lab["node1"]
    made = [typed for one in OBJECTS if (typed := typed_commands(made_with_elements(one)))]
    assert len(made) == len(OBJECTS) - 1, "all but one whose elements count"
    lines = ["add table inet m", "add chain inet m x", *(f"add chain inet m {name}{words}" for name, words in CHAINS.items())]
    lines += [line for typed in made for line in typed]
    lines += ["add limit inet m l { rate 10/second ; }", "add quota inet m q { over 10 mbytes ; }"]
    node.shell("nft -f - <<'EOF'\n" + "\n".join(lines) + "\nEOF")
    return node


def filled(node):
    """Type each rule into the first chain that takes it; says how many were taken."""
    tries = (" || ".join(f"nft add rule inet m {chain} {quote(rule)} 2>/dev/null" for chain in CHAINS) for rule in RULES)
    return node.shell("\n".join(f"{{ {one}; }} && echo taken" for one in tries), may_fail=True).count("taken")


def test_rules_are_typed_as_they_were_listed(node):
    assert filled(node) > len(RULES) - 15
    before = [entry["rule"] for entry in listed(node) if "rule" in entry]
    typed = [typed_commands([{"add": {"rule": rule}}]) for rule in before]
    assert typed.count(None) <= UNTOLD, [rule["expr"] for rule, words in zip(before, typed, strict=True) if words is None]
    lines = [words[0] for words in typed if words]
    assert not any("{'" in line or '":' in line for line in lines)
    node.shell("".join(f"nft flush chain inet m {chain}; " for chain in CHAINS) + "nft -f - <<'EOF'\n" + "\n".join(lines) + "\nEOF")
    after = [entry["rule"] for entry in listed(node) if "rule" in entry]
    for said, now, rule in zip(lines, after, (rule for rule, words in zip(before, typed, strict=True) if words), strict=True):
        assert steady(now["expr"]) == steady(rule["expr"]), said
        assert now.get("comment") == rule.get("comment"), said


def test_a_whole_table_is_brought_back_by_what_is_typed(node):
    node.shell("nft delete limit inet m l; nft delete quota inet m q")
    before = ruleset(listed(node))
    changes = (
        "delete table inet m",
        "flush chain inet m leaves; delete map inet m a; delete element inet m prs { gre }; delete chain inet m plain",
        "add chain inet m y; add map inet m z { type ipv4_addr : verdict ; }; add element inet m z { 10.0.0.1 : jump y }",
    )
    for done in changes:
        node.shell(f"nft {quote(done)}")
        now = node.snapshot().own.rules
        assert now.table("inet", "m") != before.table("inet", "m")
        (step,) = restore_tables(now, before)
        assert step.command.startswith("nft ")
        assert "nftables" not in step.command
        node.shell(step.command)
        assert node.snapshot().own.rules.table("inet", "m") == before.table("inet", "m"), step.command


def test_where_a_command_has_no_typed_form_nothing_is_said():
    where = {"family": "inet", "table": "m"}
    counter = {"add": {"counter": where | {"name": "c", "packets": 0, "bytes": 0}}}
    flush = {"flush": {"chain": where | {"name": "x"}}}
    assert typed_commands([flush]) == ["flush chain inet m x"]
    assert typed_commands([flush, counter]) is None
    assert typed_commands([{"add": {"rule": where | {"chain": "x", "expr": [{"xt": {"type": "match", "name": "x"}}]}}}]) is None
    assert restore_tables(Ruleset(), Ruleset()) == ()
