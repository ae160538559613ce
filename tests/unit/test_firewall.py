"""The judge of firewalls, rule by rule: nft's listings, and lines of iptables-save and ebtables-save, as statements and as verdicts."""

import json
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from podnet_lab.explain.firewall.outcome import Outcome
from podnet_lab.explain.firewall.packet import Packet, arp_request
from podnet_lab.explain.firewall.verdict import outcomes, summary
from podnet_lab.model.firewall import firewall_rules
from podnet_lab.model.nftables import Ruleset, ruleset

ECHO = Packet(IPv4Address("10.244.1.2"), IPv4Address("10.244.2.2"), "v-net-0", "eth0", ttl=63)
SYN = replace(ECHO, protocol="tcp", port=80)
REPLY = Packet(IPv4Address("10.244.2.2"), IPv4Address("10.244.1.2"), "eth0", "v-net-0", reply=True, ttl=63)
WHERE = {"family": "inet", "table": "m"}

LINES = (Path(__file__).parent / "firewall_rules.txt").read_text().splitlines()
"""Sets and maps, as nft lists them; then rules: verdict of an echo, verdict of a TCP SYN to port 80, policy, as typed => as listed."""
SETS = [json.loads(line) for line in LINES if line.startswith("{")]
_LISTED = [(line[:24].split(), *line[24:].split(" => ")) for line in LINES if not line.startswith("{")]
RULES = {typed.strip(): (*expected, listing) for expected, typed, listing in _LISTED}


def listed(*rules, policy="accept", hook="forward", prio=0, family="inet", flags=None, kind="filter", **more):
    """A ruleset with one table and one chain, as nft lists it."""
    where = WHERE | {"family": family}
    table = {"family": family, "name": "m", "handle": 1} | ({"flags": flags} if flags else {})
    chain = where | {"name": "f", "type": kind, "hook": hook, "prio": prio, "policy": policy} | more
    entries = [{"table": table}, {"chain": where | {"name": "x"}}, {"chain": chain}]
    return ruleset([*entries, *({"rule": where | {"chain": "f", "handle": 2, "expr": expr}} for expr in rules), *SETS])


def verdict(rules, packet=ECHO, hook="forward", **options):
    return summary(outcomes(rules, hook, packet, **options)).verdict


@pytest.mark.parametrize("typed", RULES)
def test_a_rule_of_nft_is_judged(typed):
    echo, syn, policy, listing = RULES[typed]
    rules = listed(json.loads(listing), policy=policy)
    assert (verdict(rules), verdict(rules, SYN)) == (echo, syn)


def saved(*lines, family="ip", before="", policy="ACCEPT"):
    """The rules of a table of iptables-legacy, or, of another family, of none."""
    text = f"*filter\n:FORWARD {policy} [0:0]\n{before}" + "".join(f"-A FORWARD {line}\n" for line in lines) + "COMMIT\n"
    return firewall_rules({"legacy": text})


# Lines of iptables-save in FORWARD, the last of them a drop: (verdict of the echo, of the SYN, of the echo's reply)
SAVED = {
    "-j DROP": "drop drop drop",
    "-s 10.244.1.0/24 -j DROP": "drop drop accept",
    "! -s 10.244.1.0/24 -j DROP": "accept accept drop",
    "-i v-net+ -j DROP": "drop drop accept",
    "! -i v-net-0 -j DROP": "accept accept drop",
    "-o eth0 -p icmp -j DROP": "drop accept accept",
    "-p tcp -m tcp --dport 80 -j DROP": "accept drop accept",
    "-p tcp -m tcp ! --dport 80 -j DROP": "accept accept accept",
    "-p tcp -m tcp --dport 80:90 -j DROP": "accept drop accept",
    "-p tcp -m tcp --dport :79 -j DROP": "accept accept accept",
    "-p tcp -m tcp --sport 1024:65535 -j DROP": "accept drop accept",
    "-p tcp -m tcp --sport 40000 -j DROP": "accept unknown accept",
    "-p tcp -m multiport --dports 22,80,443 -j DROP": "accept drop accept",
    "-p tcp -m multiport ! --dports 22,443 -j DROP": "accept drop accept",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP": "accept drop accept",
    "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP": "accept accept accept",
    "-p icmp -m icmp --icmp-type 8 -j DROP": "drop accept accept",
    "-p icmp -m icmp --icmp-type 0/0 -j DROP": "accept accept drop",
    "-p icmp -m icmp --icmp-type any -j DROP": "drop accept drop",
    "-m conntrack --ctstate NEW -j DROP": "drop drop accept",
    "-m conntrack ! --ctstate NEW -j DROP": "accept accept drop",
    "-m state --state RELATED,ESTABLISHED -j DROP": "accept accept drop",
    "-m conntrack --ctstate INVALID,UNTRACKED -j DROP": "accept accept accept",
    "-m conntrack --ctstate NEW,DNAT -j DROP": "drop drop accept",
    "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP": "drop drop accept",
    "-m conntrack --ctdir REPLY -j DROP": "accept accept drop",
    "-m mark --mark 0x4000/0x4000 -j DROP": "accept accept accept",
    "-m mark ! --mark 0x4000/0x4000 -j DROP": "drop drop drop",
    "-m addrtype --dst-type LOCAL -j DROP": "accept accept accept",
    "-m addrtype ! --src-type LOCAL,BROADCAST -j DROP": "drop drop drop",
    '-m comment --comment "a \\"-j ACCEPT\\" of old" -j DROP': "drop drop drop",
    "-m limit --limit 5/sec -j DROP": "unknown unknown unknown",
    "-m hashlimit --hashlimit-above 5/sec --hashlimit-mode srcip --hashlimit-name a -j DROP": "unknown unknown unknown",
    "-m statistic --mode random --probability 0.5 -j DROP": "unknown unknown unknown",
    "-m set --match-set blocked src -j DROP": "unknown unknown unknown",
    "-m set --match-set blocked src": "accept accept accept",
    "-p udp -m set --match-set blocked src -j DROP": "accept accept accept",
    "-m u32 --u32 0&0xFFFF=0x100:0xFFFF -j DROP": "unknown unknown unknown",
    "-m physdev --physdev-in veth0 -j DROP": "accept accept accept",
    "-m physdev ! --physdev-is-bridged -j DROP": "drop drop drop",
    "-m ttl --ttl-lt 64 -j DROP": "drop drop drop",
    "-m ttl --ttl-eq 64 -j DROP": "accept accept accept",
    "-m iprange ! --src-range 10.244.1.1-10.244.1.9 -j DROP": "accept accept drop",
    "-f -j DROP": "accept accept accept",
    "! -f -j DROP": "drop drop drop",
    "-j REJECT --reject-with icmp-port-unreachable": "drop drop drop",
    "-j NFQUEUE --queue-num 1": "unknown unknown unknown",
    "-j SOMETHING --new 1": "unknown unknown unknown",
    '-j LOG --log-prefix "-j DROP "': "accept accept accept",
    "-p tcp -j TPROXY --on-port 80": "accept unknown accept",
}


@pytest.mark.parametrize("line", SAVED)
def test_a_line_of_iptables_is_judged(line):
    rules = saved(line)
    assert not rules.problem
    assert [verdict(rules, packet) for packet in (ECHO, SYN, REPLY)] == SAVED[line].split()


def test_chains_of_iptables_jump_return_and_go_to():
    before = ":A - [0:0]\n:B - [0:0]\n-A A -p tcp -j RETURN\n-A A -g B\n-A A -j DROP\n-A B -j MARK --set-xmark 0x2/0xff\n"
    rules = saved("-j A", "-m mark --mark 0x2 -j DROP", before=before)
    assert (verdict(rules), verdict(rules, SYN)) == ("drop", "accept")


def test_marks_of_iptables_are_written_bit_by_bit():
    lines = (
        "-j MARK --set-xmark 0x0/0xe0000",
        "-j MARK --set-xmark 0x10000/0x10000",
        "-j CONNMARK --save-mark --nfmask 0xf0000 --ctmask 0xf0000",
    )
    (after,) = outcomes(saved(*lines), "forward", replace(ECHO, mark=0x60001))
    assert (after.packet.mark, after.packet.ct_mark) == (0x10001, 0x10000)
    (after,) = outcomes(saved("-j CONNMARK --restore-mark"), "forward", replace(REPLY, ct_mark=7))
    assert after.packet.mark == 7


def nat(chain, line):
    return firewall_rules({"legacy": f"*nat\n:{chain} ACCEPT [0:0]\n-A {chain} {line}\nCOMMIT\n"})


@pytest.mark.parametrize(
    ("chain", "line", "target", "port"),
    [
        ("PREROUTING", "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.9.9.9:8080", "10.9.9.9", 8080),
        ("PREROUTING", "-j DNAT --to-destination 10.9.9.9", "10.9.9.9", 80),
        ("PREROUTING", "-p tcp -j DNAT --to-destination :81", "10.244.2.2", 81),
        ("PREROUTING", "-j NETMAP --to 10.9.9.0/24", "10.9.9.2", 80),
        ("PREROUTING", "-p tcp -j REDIRECT --to-ports 81", "10.244.1.1", 81),
        ("PREROUTING", "-p udp -j DNAT --to-destination 10.9.9.9", "10.244.2.2", 80),
    ],
)
def test_targets_that_translate_give_the_packet_another_end(chain, line, target, port):
    (after,) = outcomes(nat(chain, line), "prerouting", replace(SYN, redirect_to=IPv4Address("10.244.1.1")))
    assert (str(after.packet.target), after.packet.port, after.unsure) == (target, port, "")
    untracked = replace(SYN, untracked=True)
    assert outcomes(nat(chain, line), "prerouting", untracked) == [Outcome("accept", untracked)], "what is not tracked is not translated"
    reply = replace(SYN, reply=True)
    assert outcomes(nat(chain, line), "prerouting", reply) == [Outcome("accept", reply)], "it was decided by the first packet"


@pytest.mark.parametrize("to", ["10.9.9.1-10.9.9.9", "10.9.9.9:80-90"])
def test_a_range_to_translate_to_is_not_judged(to):
    assert verdict(nat("PREROUTING", f"-p tcp -j DNAT --to-destination {to}"), SYN, "prerouting") == "unknown"


DROP = [{"drop": None}]


def test_what_an_echo_has_in_place_of_a_port_is_only_a_part_of_a_key():
    """kube-proxy looks up the address, the protocol and the port of whatever comes by."""
    key = {
        "concat": [
            {"payload": {"protocol": "ip", "field": "daddr"}},
            {"meta": {"key": "l4proto"}},
            {"payload": {"protocol": "th", "field": "dport"}},
        ]
    }
    service = [{"concat": ["10.244.2.2", "tcp", 80]}, {"drop": None}]
    rules = listed([{"vmap": {"key": key, "data": {"set": [service]}}}])
    assert (verdict(rules), verdict(rules, SYN)) == ("accept", "drop")
    port = {"match": {"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": 80}}
    assert verdict(listed([port, *DROP])) == "unknown"


def test_a_dormant_table_does_nothing():
    assert verdict(listed(DROP)) == "drop"
    for flags in ("dormant", ["dormant"], ["dormant", "owner"]):
        assert verdict(listed(DROP, flags=flags)) == "accept"
    for flags in ("t", ["owner"]):  # nft 1.0.6 has anything in the flag's place: an agent does not ask it (nft_listing.py)
        assert verdict(listed(DROP, flags=flags)) == "drop"


def test_only_chains_of_the_family_that_is_asked_for_count():
    bridge = listed(DROP, family="bridge")
    assert verdict(bridge) == "accept"
    assert verdict(bridge, families=("bridge",)) == "drop"
    arp = arp_request(ECHO.source, ECHO.target, "eth0", None)
    assert verdict(listed(DROP, family="arp", hook="input"), arp, "input", families=("arp",)) == "drop"
    assert verdict(listed(DROP, hook="ingress", dev="eth0"), arp, "ingress", families=("netdev", "inet"), device="eth0") == "accept"


def test_a_chain_of_devices_is_for_those_alone_and_if_none_are_known_it_is_not_judged():
    at = {"hook": "ingress", "families": ("netdev", "inet")}
    assert verdict(listed(DROP, hook="ingress", dev=["eth0", "v-*"]), **at, device="v-net-0") == "drop"
    assert verdict(listed(DROP, hook="ingress", dev="eth0"), **at, device="eth1") == "accept"
    assert verdict(listed(DROP, hook="ingress"), **at, device="eth1") == "unknown"


def test_notrack_counts_before_connection_tracking_alone():
    untracked = [[{"notrack": None}]]
    state = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "untracked"}}
    for prio, seen in ((-300, True), (-100, False)):
        (after,) = outcomes(listed(*untracked, hook="prerouting", prio=prio), "prerouting", ECHO)
        assert after.packet.untracked == seen
        assert verdict(listed([state, *DROP]), after.packet) == ("drop" if seen else "accept")
    invalid = [{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, *DROP]
    assert verdict(listed(invalid, hook="prerouting", prio=-300), hook="prerouting") == "drop", "there is no connection yet"


def test_what_is_rewritten_and_not_followed_is_not_called_accepted():
    source = {"mangle": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "value": "1.1.1.1"}}
    assert verdict(listed([source])) == "unknown"
    assert verdict(listed([{"a statement of tomorrow": None}])) == "unknown"
    assert verdict(listed([None, *DROP])) == "unknown"


def test_both_ways_round_an_unjudged_rule_are_one_if_they_end_alike():
    unknown = {"match": {"op": "==", "left": {"socket": {"key": "mark"}}, "right": 1}}
    assert verdict(listed(*[[unknown, {"accept": None}]] * 40, DROP)) == "unknown", "and forty of them take no time"
    assert verdict(listed([unknown, {"drop": None}], DROP)) == "drop"
    assert verdict(listed([unknown, {"counter": None}])) == "accept"


NAT = {"dnat": {"addr": "10.9.9.9"}}


def test_all_nat_chains_run_where_the_kernel_runs_them():
    """Whatever its own priority, a chain of the type nat at prerouting comes at -100 (nf_nat_core.c)."""
    late = listed([NAT], hook="prerouting", kind="nat", prio=50)
    to = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "10.9.9.9"}}
    early = listed([to, *DROP], hook="prerouting", prio=-50, family="ip")
    both = Ruleset({**late.objects, **early.objects}, {**late.rules, **early.rules})
    assert verdict(both, hook="prerouting") == "drop"


XT = {"xt": {"type": "target", "name": "MASQUERADE"}}


def nft(*rules):
    """What `nft -j list ruleset` prints of such a table."""
    entries = listed(*rules, family="ip").raw["ip", "m"]
    return json.dumps({"nftables": entries})


def test_what_nft_shows_by_name_alone_is_taken_from_iptables_save():
    listing = nft([XT], DROP).replace('"m"', '"filter"').replace('"f"', '"FORWARD"')
    line = "-A FORWARD -s 10.244.1.2/32 -j ACCEPT\n"
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n{line}-A FORWARD -j DROP\nCOMMIT\n"
    assert verdict(firewall_rules({"listing": listing, "saved": {"ip": text}})) == "accept"
    assert verdict(firewall_rules({"listing": listing, "saved": {"ip": text.replace(line, "")}})) == "unknown", (
        "they differ: somebody changes them"
    )
    assert verdict(firewall_rules({"listing": listing})) == "unknown"


def test_what_could_not_be_read_is_named_at_hooks_of_its_family():
    rules = firewall_rules({"unread": [["ip", "rules there are not known: iptables-legacy-save is not installed here"]]})
    assert "not installed" in summary(outcomes(rules, "forward", ECHO)).why
    assert verdict(rules, families=("bridge",)) == "accept"
    assert firewall_rules({"legacy": "what is this"}).problem
    assert not firewall_rules({})


def test_ebtables_is_judged_by_its_save_lines():
    listing = nft([XT]).replace('"m"', '"filter"').replace('"f"', '"FORWARD"').replace('"ip"', '"bridge"')
    frame = replace(ECHO, iif="veth-1-2-br", oif="veth-1-3-br", source_mac="02:00:00:00:00:01")
    lines = {
        "-p IPv4 --ip-src 10.244.1.0/24 -j DROP": "drop",
        "-p ! IPv4 -j DROP": "accept",
        "-p IPv4 --ip-proto tcp -j DROP": "accept",
        "-s 2:0:0:0:0:1 -j DROP": "drop",
        "-i veth+ -j DROP": "drop",
        "-d Broadcast -j DROP": "unknown",
        "-j mark --mark-set 0x1 --mark-target ACCEPT": "unknown",
    }
    for line, expected in lines.items():
        rules = firewall_rules({"listing": listing, "saved": {"bridge": f"*filter\n:FORWARD ACCEPT\n-A FORWARD {line}\n"}})
        assert verdict(rules, frame, families=("bridge",)) == expected, line
