"""What somebody has typed into a network's own table of nftables, and what the check of its rules says of it."""

import pytest

from podnet_lab import Lab
from podnet_lab.model.nft_text import rule_text
from podnet_lab.networks.calico import names
from podnet_lab.networks.flannel import iptables

pytestmark = [pytest.mark.lab, pytest.mark.nft]


@pytest.fixture(scope="module")
def labs():
    opened = {}

    def opened_as(network):
        if network not in opened:
            for other in [*opened]:
                opened.pop(other).close()
            opened[network] = Lab.open(name=f"compared-{network}", network=network, nodes=2, pods=1)
        opened[network].goto("done")
        return opened[network]

    yield opened_as
    for lab in opened.values():
        lab.close()


def problem(lab):
    return lab.check("rules").first_failure.problem


BASE = "{{ type {} hook {} priority {} ; policy {} ; }}"
NAT = "ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16"
SPOOFED = 'iifname "cali*" fib saddr . iif oif missing drop'
CALICO = {
    "a policy": (
        "add chain ip calico filter-FORWARD { policy drop ; }",
        f"the chain filter-FORWARD is {BASE.format('filter', 'forward', 0, 'drop')}, "
        f"and should be {BASE.format('filter', 'forward', 0, 'accept')}",
    ),
    "goto in place of jump": (
        "flush chain ip calico filter-FORWARD; add rule ip calico filter-FORWARD iifname cali* goto from-wl-dispatch; "
        "add rule ip calico filter-FORWARD oifname cali* jump to-wl-dispatch",
        'chain filter-FORWARD\'s rule 1 is `iifname "cali*" goto from-wl-dispatch`, and should be `iifname "cali*" jump from-wl-dispatch`',
    ),
    "a priority": (
        "delete chain ip calico nat-POSTROUTING; add chain ip calico nat-POSTROUTING { type nat hook postrouting priority 50 ; }; "
        f"add rule ip calico nat-POSTROUTING {NAT} masquerade fully-random",
        f"the chain nat-POSTROUTING is {BASE.format('nat', 'postrouting', 50, 'accept')}, "
        f"and should be {BASE.format('nat', 'postrouting', 100, 'accept')}",
    ),
    "a hook": (
        "delete chain ip calico raw-PREROUTING; add chain ip calico raw-PREROUTING { type filter hook input priority -300 ; }; "
        f"add rule ip calico raw-PREROUTING {SPOOFED}",
        f"the chain raw-PREROUTING is {BASE.format('filter', 'input', -300, 'accept')}, "
        f"and should be {BASE.format('filter', 'prerouting', -300, 'accept')}",
    ),
    "a type": (
        "delete chain ip calico nat-POSTROUTING; add chain ip calico nat-POSTROUTING { type filter hook postrouting priority 100 ; }",
        f"the chain nat-POSTROUTING is {BASE.format('filter', 'postrouting', 100, 'accept')}, "
        f"and should be {BASE.format('nat', 'postrouting', 100, 'accept')}; "
        f"chain nat-POSTROUTING lacks a rule: `{NAT} masquerade fully-random`",
    ),
    "another address": (
        f"flush chain ip calico nat-POSTROUTING; add rule ip calico nat-POSTROUTING {NAT} snat to 192.168.1.99",
        f"chain nat-POSTROUTING's rule 1 is `{NAT} snat to 192.168.1.99`, and should be `{NAT} masquerade fully-random`",
    ),
    "the contrary": (
        f"flush chain ip calico raw-PREROUTING; add rule ip calico raw-PREROUTING {SPOOFED.replace('missing', 'exists')}",
        f"chain raw-PREROUTING's rule 1 is `{SPOOFED.replace('missing', 'exists')}`, and should be `{SPOOFED}`",
    ),
    "one rule too many": (
        "insert rule ip calico from-wl-dispatch accept",
        "chain from-wl-dispatch has a rule that should not be there: `accept`",
    ),
    "no rules": (
        "flush chain ip calico to-wl-dispatch",
        "chain to-wl-dispatch lacks 2 rules, the first of them: `oifname vmap @to-wl-dispatch`",
    ),
    "a chain at a hook": (
        "add chain ip calico mine { type filter hook input priority 5 ; policy drop ; }",
        f"chain mine should not be there: it is {BASE.format('filter', 'input', 5, 'drop')}",
    ),
    "a table that sleeps": (
        "add table ip calico { flags dormant ; }",
        "the table calico is dormant: its chains are at no hook, and so no packet meets them",
    ),
    "no table": ("delete table ip calico", "no table is called calico"),
}


@pytest.mark.parametrize("what", CALICO)
def test_what_is_not_as_calicos_stage_writes_it_is_told(labs, what):
    typed, words = CALICO[what]
    lab = labs("calico-vxlan")
    assert lab.check("rules")
    lab["node1"].shell(f"nft '{typed}'")
    assert problem(lab) == words
    lab.goto("done")
    assert lab.check("rules")


EQUAL = {
    "counters, a log and a comment": (
        "flush chain ip calico filter-FORWARD; "
        'add rule ip calico filter-FORWARD counter iifname "cali*" counter jump from-wl-dispatch comment "mine"; '
        'add rule ip calico filter-FORWARD log prefix "to " oifname "cali*" jump to-wl-dispatch'
    ),
    "entries in another order": "add element ip calico to-wl-dispatch { zzz : return, aaa : return }",
    "a chain that nothing leads to": "add chain ip calico mine; add rule ip calico mine drop",
    "another table": "add table ip mine; add chain ip mine c { type filter hook forward priority 5 ; policy drop ; }",
}


@pytest.mark.parametrize("what", EQUAL)
def test_what_changes_nothing_of_calicos_rules_passes(labs, what):
    lab = labs("calico-vxlan")
    lab["node1"].shell(f"nft '{EQUAL[what]}'")
    assert lab.check("rules").require()


def test_an_entry_with_a_comment_is_that_entry(labs):
    lab = labs("calico-vxlan")
    end = names.cali(lab.plan["node1"].pods(1)[0])
    for table in (names.FROM_PODS, names.TO_PODS):
        there = f"element ip calico {table}"
        lab["node1"].shell(f"nft 'delete {there} {{ {end} }}; add {there} {{ {end} comment \"mine\" : return }}'")
    assert lab.check("rules").require()


FLANNEL = {
    "add chain ip flannel-ipv4 forward { policy drop ; }": f"the chain forward is {BASE.format('filter', 'forward', 0, 'drop')}",
    "insert rule ip flannel-ipv4 postrtg return": "chain postrtg has a rule that should not be there: `return`",
    "insert rule ip flannel-ipv4 forward ip saddr 10.244.0.0/16 drop": "chain forward has a rule that should not be there: `ip saddr",
    "delete chain ip flannel-ipv4 forward": "no chain of flannel-ipv4 is called forward",
    "add table ip flannel-ipv4 { flags dormant ; }": "the table flannel-ipv4 is dormant",
    "delete table ip flannel-ipv4": "no table is called flannel-ipv4",
}


@pytest.mark.parametrize("typed", FLANNEL)
def test_what_is_not_as_flannels_stage_writes_it_is_told(labs, typed):
    lab = labs("flannel-host-gw")
    assert lab.check("rules")
    lab["node1"].shell(f"nft '{typed}'")
    assert problem(lab).startswith(FLANNEL[typed])


TARGET = 'xt target "MASQUERADE"'
BY_IPTABLES = {
    "iptables -D FORWARD 1": "iptables' chain FORWARD has no rule that jumps to FLANNEL-FWD",
    "iptables -R FLANNEL-FWD 2 -d 10.244.0.0/16 -j DROP": (
        "iptables' chain FLANNEL-FWD's rule 2 is `ip daddr 10.244.0.0/16 counter drop`, and should be `ip daddr 10.244.0.0/16 accept`"
    ),
    "iptables -t nat -I FLANNEL-POSTRTG -j RETURN": "iptables' chain FLANNEL-POSTRTG has a rule that should not be there: `counter return`",
    "iptables -t nat -R FLANNEL-POSTRTG 5 -s 10.244.0.0/16 -j MASQUERADE": (
        f"iptables' chain FLANNEL-POSTRTG's rule 5 is `ip saddr 10.244.0.0/16 counter {TARGET}`, "
        f"and should be `ip saddr 10.244.0.0/16 ip daddr != 224.0.0.0/4 {TARGET}`"
    ),
    "nft 'add table ip filter { flags dormant ; }'": "the table filter is dormant",
}


@pytest.mark.iptables
@pytest.mark.parametrize("typed", BY_IPTABLES)
def test_flannel_by_iptables(labs, typed):
    lab = labs("flannel-host-gw")
    lab["node1"].shell(f"nft delete table ip flannel-ipv4\n{iptables.write(lab.plan['node1'])}")
    assert lab.check("rules").require()
    lab["node1"].shell("iptables -P FORWARD DROP; iptables -A FORWARD -p tcp -j ACCEPT")
    assert lab.check("rules").require(), "what else iptables has there is no matter of Flannel's"
    lab["node1"].shell(typed)
    assert problem(lab).startswith(BY_IPTABLES[typed])


TYPED = """
ip saddr 10.244.1.0/24 ip daddr != 10.244.0.0/16 tcp dport { 80, 443 } accept
ip saddr 10.244.1.2-10.244.1.9 udp dport 53-60 drop
iifname "cali*" oifname "eth0" counter drop
ct state established,related accept
ct original ip saddr 10.244.1.2 drop
meta l4proto { tcp, udp } th dport 53 drop
meta mark 5 mark set 7
meta mark and 16384 != 0 return
tcp flags syn reject with tcp reset
ip saddr . tcp dport { 10.244.1.2 . 80 } accept
ip daddr vmap { 10.244.1.2 : jump other, 10.244.1.3 : drop }
fib daddr type local accept
fib saddr . iif oif missing drop
icmp type echo-request limit rate 5/second accept
@th,0,16 80 drop
ip dscp cs1 notrack
numgen random mod 2 vmap { 0 : goto other, 1 : drop }
log prefix "seen " reject with icmp host-unreachable
"""


def test_a_rule_in_words_is_the_rule_that_one_types(labs):
    lab = labs("calico-vxlan")
    node = lab["node1"]
    node.shell("nft add table ip mine; nft add chain ip mine other; nft add chain ip mine one; nft add chain ip mine two")
    for line in TYPED.strip().splitlines():
        node.shell(f"nft 'add rule ip mine one {line}'")
    one = lab.snapshot("node1")["node1"].own.rules.rules["ip", "mine", "one"]
    for rule in one:
        node.shell(f"nft 'add rule ip mine two {rule_text(rule)}'")
    assert lab.snapshot("node1")["node1"].own.rules.rules["ip", "mine", "two"] == one
