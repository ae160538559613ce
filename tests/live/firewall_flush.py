"""
How nodes and their Pods lose the rules that a test typed: by one shell, which runs a program only where there is something to take away.

It runs behind each of hundreds of tests: what bash can read and write itself it does itself.
"""

from __future__ import annotations

import re

from live.firewall_cases import Case

RULES = r"""
flush_rules() {
  nft flush ruleset
  local legacy= names= table chain chains
  read -rd '' names 2>/dev/null </proc/net/ip_tables_names
  for table in $names; do
    case $table in
      filter | security) chains="INPUT FORWARD OUTPUT" ;;
      nat) chains="PREROUTING INPUT OUTPUT POSTROUTING" ;;
      mangle) chains="PREROUTING INPUT FORWARD OUTPUT POSTROUTING" ;;
      raw) chains="PREROUTING OUTPUT" ;;
    esac
    legacy+="*$table"$'\n'
    for chain in $chains; do legacy+=":$chain ACCEPT"$'\n'; done
    legacy+=COMMIT$'\n'
  done
  if [ -n "$legacy" ]; then iptables-legacy-restore <<<"$legacy"; fi
  names=
  read -rd '' names 2>/dev/null </proc/net/arp_tables_names
  if [ -n "$names" ]; then arptables-legacy -F; fi
  { echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables; } 2>/dev/null
  true
}
"""
"""Rules of every kind, in the network namespace that the shell is in."""

NODE = f"""{RULES}
flush_rules
case $(</proc/net/route) in *$'\\t'0000600A$'\\t'*) ip route del 10.96.0.0/16 ;; esac
"""
"""A node: its rules, and the way to Services that a test may have added."""

PODS = """
export -f flush_rules
for pod in /run/netns/*; do nsenter --net="$pod" bash -c flush_rules; done
"""
"""The rules in each of a node's Pods, behind `NODE`."""

NEIGHBOURS = """
ip neigh flush all
for pod in /run/netns/*; do nsenter --net="$pod" ip neigh flush all; done
"""
"""What a node and its Pods have learnt of their neighbours."""

INTO_PODS = re.compile(r"netns|nsenter|ip -n ")
"""What is in a command that goes into a Pod: no other leaves rules there."""

OF_FRAMES = re.compile(r"arp|bridge|ebtables|netdev|neigh|link|\btc ")
"""What is in a command that may stop ARP, or tell it something: rules for IP never see it."""

LEFT = """
of_one() {
  nft list ruleset
  iptables-legacy-save | grep -v -e '^#' -e '^[*]' -e '^:[A-Z]* ACCEPT ' -e '^COMMIT'
  case $(</proc/net/arp_tables_names) in ?*) arptables-legacy -L | grep -v -e '^$' -e policy.ACCEPT ;; esac
}
export -f of_one
of_one
for pod in /run/netns/*; do nsenter --net="$pod" bash -c of_one; done
"""


def flush(lab, case: Case) -> None:
    """Take away what a case typed, where it did."""
    for name, command in ((case.node, case.typed), *case.also):
        lab[name].shell(NODE + (PODS if INTO_PODS.search(command) else ""), may_fail=True)
    forget_neighbours(lab, case)


def forget_neighbours(lab, case: Case) -> None:
    """Have all nodes and Pods ask for their neighbours' MACs anew, where a case is about what they ask with."""
    if any(OF_FRAMES.search(command) for command in (case.typed, *(command for _, command in case.also))):
        for node in lab.nodes:
            node.shell(NEIGHBOURS, may_fail=True)


def left(lab) -> str:
    """What rules there are on the nodes of a lab, and in their Pods."""
    return "".join(node.shell(LEFT, may_fail=True) for node in lab.nodes)
