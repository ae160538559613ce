"""What nft 1.0.6 lists wrongly, in part, or not at all: read rightly all the same, or told as not known, and never in the way of goto."""

import sys

import pytest

from live.helpers import ROOT, until
from podnet_lab import Lab, nft
from podnet_lab.errors import StepConflict, UndoRefused
from podnet_lab.lab.run_steps import bring_back

pytestmark = [pytest.mark.lab, pytest.mark.nft]

PAIR = ("pod-1-2", "pod-2-2")
ASLEEP = "nft 'add table ip calico { flags dormant ; }'"


@pytest.fixture(scope="module")
def opened():
    with Lab.open(name="nft-unreadable", network="calico-vxlan", nodes=2) as lab:
        yield lab


@pytest.fixture
def lab(opened):
    opened.goto("done")
    return opened


def rules(lab):
    return lab.snapshot("node1")["node1"].own.rules


def test_a_dormant_table_is_read_as_it_is_and_stops_nothing(lab):
    awake = rules(lab)
    lab["node1"].shell("nft insert rule ip calico filter-FORWARD drop")
    assert not lab.ping(*PAIR)
    assert lab.explain(*PAIR, probe=False).cause.layer == "firewall"
    lab["node1"].shell(ASLEEP)
    asleep = rules(lab)
    assert asleep.is_dormant(("ip", "calico"))
    assert asleep.rules["ip", "calico", "filter-FORWARD"][0] == [{"drop": None}]
    assert {key: value for key, value in asleep.objects.items() if key[0] != "table"} == {
        key: value for key, value in awake.objects.items() if key[0] != "table"
    }
    assert lab.ping(*PAIR)
    assert lab.explain(*PAIR, probe=False).cause is None
    assert "the table calico is dormant: its chains are at no hook" in lab.check("rules").first_failure.problem


def test_it_is_told_and_taken_back_as_one_types_it(lab):
    before = lab.snapshot()
    lab["node1"].shell(ASLEEP)
    said = lab.by_hand(before)
    assert str(said) == f"node1# {ASLEEP}"
    lab.run(said.undo)
    assert not lab.by_hand(before).typed
    lab.undo()
    assert rules(lab).is_dormant(("ip", "calico"))
    lab["node1"].run(nft.table("calico"))
    assert lab.check("rules")
    lab.undo()
    assert rules(lab).is_dormant(("ip", "calico"))


def test_goto_reset_and_undo_with_a_dormant_table(lab):
    made = lab.add_pod("node1").pod.name
    lab["node1"].shell(
        f"{ASLEEP}; nft 'add table inet mine {{ flags dormant ; }}; add chain inet mine c {{ type filter hook input priority 0 ; }}'"
    )
    lab.undo()
    assert made not in lab.snapshot("node1")["node1"].spaces
    assert "nft delete table inet mine" in str(lab.goto("done"))
    assert lab.check("rules")
    assert lab.check()
    lab["node1"].shell(ASLEEP)
    assert lab.reset()
    assert not rules(lab)


HIDDEN = {
    "an interface's name": r"""printf 'insert rule ip calico filter-FORWARD oifname "a\xff" drop' | nft -f -""",
    "a chain's name": r"""printf '\xff' > /run/odd; iptables-nft -N "a$(cat /run/odd)"; rm /run/odd""",
}


@pytest.mark.parametrize("what", HIDDEN)
def test_a_listing_that_can_not_be_read_is_told_as_not_known(lab, what):
    if "iptables" in HIDDEN[what] and "nf_tables" not in lab["node1"].shell("iptables-nft --version", may_fail=True):
        pytest.skip("there is no iptables-nft")
    made = lab.add_pod("node1").pod.name
    earlier = lab.snapshot("node1")
    lab["node1"].shell(HIDDEN[what])
    if not rules(lab).problem:
        pytest.skip("this nft lists it")
    why = "what nftables does here is not known: nft: json.c"
    assert rules(lab).problem.startswith(why)
    failure = lab.check("rules").first_failure
    assert failure.claim == "node1 has Calico's rules"
    assert failure.problem.startswith(why)
    explained = lab.explain(*PAIR, probe=False)
    assert "could not be judged" in str(explained)
    assert "not judged: node1: what nftables does there is not known" in str(explained)
    assert f"node1: {why}" in str(lab.policies())
    assert "could not be judged" in str(lab.policies().decide(*PAIR, 80))
    assert f"rules: {why}" in str(lab.by_hand(earlier))
    with pytest.raises(UndoRefused, match="can't be read: what nftables does here is not known"):
        lab.undo()
    refused = (
        lambda: lab["node1"].run(nft.table("other")),
        lab.remove_policies,
        lambda: lab.add_pod("node1"),
        lambda: lab.remove_pod(made),
    )
    for call in refused:
        with pytest.raises(StepConflict, match=r"what nftables does here is not known: nft.* What does `nft list ruleset` show there\?"):
            call()
    _, left = bring_back(lab.parts.core.backend.agents, earlier)
    assert bool(left) == bool(rules(lab).problem) == (what == "a chain's name"), "a table that was not there is for goto to delete"
    assert made in lab.snapshot("node1")["node1"].spaces
    assert lab.goto("done")
    assert lab.check("rules")


def test_a_table_with_a_name_that_is_no_text_is_no_traceback_either(lab):
    """`nft` takes no such name; whoever speaks netlink can."""
    program = """
import sys
sys.path.insert(0, {!r})
from podnet_lab.kernel import unmanaged_state
unmanaged_state.add_table("odd\\udcff")
"""
    lab["node1"].shell(f"{sys.executable} - <<'END'{program.format(str(ROOT))}END")
    assert rules(lab).problem
    assert "could not be judged" in str(lab.explain(*PAIR, probe=False))
    assert "nft delete table ip odd" in str(lab.goto("done"))
    assert lab.check("rules")


OBJECTS = """
table ip mine {
    counter hits { }
    quota much { over 10 mbytes }
    limit slow { rate 10/second }
    ct helper ftp { type "ftp" protocol tcp; }
    ct timeout short { protocol tcp; l3proto ip; policy = { established : 20, close : 5 }; }
    set some { type ipv4_addr; flags timeout, interval; timeout 5m; elements = { 172.30.0.0/16 timeout 30s comment "x" }; }
    set pairs { type ipv4_addr . inet_service; flags interval; elements = { 172.30.0.0/16 . 80-90 }; }
    map verdicts { type ipv4_addr : verdict; elements = { 172.30.0.1 : drop, 172.30.0.2 : jump other }; }
    map seen { type ipv4_addr : inet_service; flags dynamic; size 10; }
    chain other { }
    chain c {
        type filter hook forward priority 1; policy accept;
        counter name hits quota name "much" drop
        limit name "slow" accept
        tcp dport 21 ct helper set "ftp"
        ct timeout set "short"
        ip saddr vmap @verdicts
        ip saddr . tcp dport @pairs drop
        update @seen { ip saddr : tcp dport }
        @th,0,16 7 drop
        meta day "Monday" tcp dport 7 drop
        ip saddr 172.30.0.1 jump { drop; }
        ip saddr 172.30.0.1 drop comment "odd bytes: \xff\t\\"
    }
}
"""


@pytest.mark.parametrize("flags", ["", "flags dormant;"])
def test_no_call_fails_with_what_a_table_may_have(lab, flags):
    text = OBJECTS.replace("table ip mine {", f"table ip mine {{ {flags}\n")
    data = text.encode("latin-1").hex()
    before = lab.snapshot()
    lab["node1"].shell(f"python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(\"{data}\"))' | nft -f -")
    now = rules(lab)
    assert not now.problem
    assert len(now.rules["ip", "mine", "c"]) == 11
    assert now.rules["ip", "mine", "c"][6] == [{"text": "update @seen { ip saddr : tcp dport }"}]
    assert {key[3] for key in now.objects if key[:3] == ("chain", "ip", "mine")} == {"c", "other"}
    assert lab.check("rules")
    explained = str(lab.explain(*PAIR, tcp=80, probe=False))
    assert ("could not be judged" in explained) == (not flags)
    said = str(lab.policies().decide(*PAIR, 80))
    assert said.startswith("pod-1-2 → pod-2-2:80 (TCP): allowed; no policy isolates")
    assert ("in the table ip calico and ip mine" in said) == (not flags)
    assert "mine" in str(lab.by_hand(before))
    assert "nft delete table ip mine" in str(lab.goto("done"))


def test_a_table_that_a_program_owns_goes_with_it(lab):
    lab["node1"].shell(
        "mkfifo /run/say; nft -i < /run/say >/dev/null 2>&1 & exec 3>/run/say; rm /run/say; echo 'add table ip owned { flags owner; }' >&3;"
        "sleep 1000 >/dev/null 2>&1 &"
    )
    until(lambda: ("table", "ip", "owned") in rules(lab).objects)
    assert rules(lab).objects["table", "ip", "owned"] == {"flags": ["owner"]}
    assert lab.check("rules")
    lab.goto("done")
    assert ("table", "ip", "owned") not in rules(lab).objects


def test_a_chain_of_thousands_of_rules(lab):
    for part in range(10):
        lines = "".join(f"add rule ip calico from-wl-dispatch ip saddr 172.30.{part}.{n} drop\n" for n in range(250))
        lab["node1"].shell(f"nft -f - <<'END'\n{lines}END")
    assert len(rules(lab).rules["ip", "calico", "from-wl-dispatch"]) == 2502
    assert "has 2500 rules, the first of them that should not be there: `ip saddr 172.30.0.0 drop`" in str(lab.check("rules").first_failure)
    assert lab.explain(*PAIR, probe=False).cause is None
    lab.goto("done")
    assert lab.check("rules")
