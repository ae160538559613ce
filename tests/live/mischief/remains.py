"""What of a node is not as it was when it was new, whoever calls it brought back: seen with other programs than the library's."""

from __future__ import annotations

import re

_LOOK = """
echo "== nft"; nft -s list ruleset
for one in iptables-legacy-save ip6tables-legacy-save; do echo "== $one"; $one 2>/dev/null; done
for one in filter nat broute; do echo "== ebtables $one"; ebtables-legacy -t $one -L 2>/dev/null; done
echo "== arptables"; arptables-legacy -S 2>/dev/null
echo "== ip"; ip -force -batch - <<END 2>/dev/null
rule
route show table all
nexthop
neigh show nud permanent
neigh show nud noarp
neigh show proxy
netns list
END
echo "== xfrm"; ip xfrm policy; ip xfrm state; ip xfrm policy getdefault 2>/dev/null # in a batch they end it
echo "== addr"; ip -o addr show
echo "== link"; ip -o -d link show
echo "== ntable"; ip ntable show name arp_cache 2>/dev/null
echo "== tc"
{ echo qdisc show
  for one in /sys/class/net/*; do for way in ingress egress ""; do echo "filter show dev ${one##*/} $way"; done; done
} | tc -force -batch - 2>/dev/null
echo "== sysctl"; cd /proc/sys && find net/ipv4 net/bridge net/netfilter -type f -perm -600 -exec grep -H . {} + 2>/dev/null
true
"""

_EBTABLES = re.compile(r"-|.*policy: DROP")
_TOLD = {
    "iptables-legacy-save": re.compile(r"(?![#*]|COMMIT)(?!:)|:.* DROP \["),
    "ip6tables-legacy-save": re.compile(r"(?![#*:]|COMMIT)"),
    "ebtables filter": _EBTABLES,
    "ebtables nat": _EBTABLES,
    "ebtables broute": _EBTABLES,
    "arptables": re.compile(r"-A|.*DROP"),
    "ntable": re.compile(r".*(queue|probes)"),
}
"""Of what some programs say, the lines that matter."""

_CHANGING = re.compile(
    r"refcnt \S+|reachable \d+|^ff02.*|@if\d+|^\d+: |link-netns\S* \S+|link/ether \S+|permaddr \S+|fe80::\S+"
    r"|expires \S+|valid_lft \S+|ipv6 |:: |dev lo .*table local.* ::1|group_fwd.*"
    r"|ref \S+|used \S+|probes \S+|numtxqueues.*|_flush|promiscuity.*|addrgenmode \S+"
    r"|\b[0-9a-f]{2}(:[0-9a-f]{2}){5,}\b|\b8000\.\S+|hello_timer.*|gc_timer\s+\S+|timer\s+\S+|portid \S+|peer ifindex"
)


_PASSING = ("ff02::", "0.0.0.0 dev lo", "local ::1")
"""Neighbours that the kernel makes and forgets by itself."""

_VERSION6 = ("inet6", "fe80", "multicast ff00")


def look(lab, node: str) -> list[str]:
    """All lines that other programs say of a node's own namespace, without what is different whenever one looks."""
    printed = (lab.outside if node == "outside" else lab[node]).shell(_LOOK, may_fail=True)
    section, lines = "", []
    for line in printed.splitlines():
        if line.startswith("== "):
            section = line[3:]
        elif section in _TOLD and not _TOLD[section].match(line):
            continue
        elif line.strip() and not line.startswith(_PASSING) and not any(word in line for word in _VERSION6):
            lines.append(f"{section}: {_CHANGING.sub('', line).strip()}")
    return lines


def different(before: list[str], now: list[str]) -> list[str]:
    """The lines that are there and were not (+), and were there and are not (-)."""
    return [f"+ {line}" for line in now if line not in before] + [f"- {line}" for line in before if line not in now]
