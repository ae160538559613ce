"""
All firewalls of the calling thread's network namespace, as plain data: nftables, iptables of both kinds, arptables, ebtables.

Where there is none, no program is started: the kernel is asked for nftables' tables, and /proc for those of the older kinds.
`podnet_lab.model.firewall` makes rules of what comes out here.
"""

from __future__ import annotations

import os
from typing import Any

from podnet_lab.kernel import nft_program, unmanaged_state
from podnet_lab.kernel.programs import Missing, run

NETS = "/proc/thread-self/net"
SECONDS = 10
"""After which a program that lists rules is taken for one that never will."""

PACKAGES = {"ebtables-legacy-save": "ebtables", "arptables-legacy": "arptables"}


def firewall() -> dict[str, Any]:
    """
    What there is, as JSON can say it.

    ``listing``: what `nft -j list ruleset` prints, "" without tables; ``devices``: (family, table, chain, devices) of chains at
    ingress and egress; ``saved``: by family what iptables-nft-save and ebtables-nft-save print, where nft does not show all;
    ``legacy``: what iptables-legacy-save prints; ``unread``: (family, why) of what could not be read.
    """
    read: dict[str, Any] = {"listing": "", "devices": [], "saved": {}, "legacy": "", "unread": []}
    _nftables(read)
    for part in (_legacy, _arptables, _ebtables):
        part(read)
    return read


def _output(read: dict[str, Any], families: tuple[str, ...], *words: str) -> str:
    """What a program prints; "" and a word in ``unread`` where it does not."""
    try:
        done = run(*words, seconds=SECONDS)
        problem = (done.stderr.strip() or f"{words[0]} failed") if done.returncode else ""
    except Missing:
        problem = str(Missing(words[0], PACKAGES.get(words[0], "iptables")))
    except OSError as error:
        problem = str(error.strerror)
    if not problem:
        return done.stdout
    read["unread"] += [(family, f"rules there are not known: {problem}") for family in families]
    return ""


def _nftables(read: dict[str, Any]) -> None:
    families = {unmanaged_state.FAMILIES.get(family, "") for family, _ in unmanaged_state.tables()}
    if not families:
        return
    found = nft_program.read(-1)
    if found["problem"]:
        read["unread"] += [(family, f"what nftables does there is not known: {found['problem']}") for family in sorted(families)]
        return
    read["listing"] = found["listing"]
    read["devices"] = found.get("devices", [])
    if _shows_names_alone(read["listing"]):
        for family, program in (("ip", "iptables-nft-save"), ("bridge", "ebtables-nft-save")):
            if family in families:
                # Where it is missing, the rules stay as nft shows them, and are named as not judged.
                read["saved"][family] = _output({"unread": []}, (), program)


def _shows_names_alone(listing: str) -> bool:
    return '"xt"' in listing


def _names(kind: str) -> list[str]:
    try:
        with open(os.path.join(NETS, f"{kind}_tables_names")) as file:
            return file.read().split()
    except OSError:
        return []


def _legacy(read: dict[str, Any]) -> None:
    if _names("ip"):
        read["legacy"] = _output(read, ("ip",), "iptables-legacy-save")


def _arptables(read: dict[str, Any]) -> None:
    for table in _names("arp"):
        listed = _output(read, ("arp",), "arptables-legacy", "-t", table, "-n", "-L")
        if any((line and not line.startswith("Chain ")) or "policy DROP" in line for line in map(str.strip, listed.splitlines())):
            read["unread"].append(("arp", f"the table {table} of arptables-legacy is not for this to judge"))


def _ebtables(read: dict[str, Any]) -> None:
    """The kernel has no list of its tables: they are there where its module is, and `ebtables` can be asked."""
    if not os.path.exists("/sys/module/ebtables"):
        return
    listed = _output(read, ("bridge",), "ebtables-legacy-save")
    if any(line.startswith("-A ") or (line.startswith(":") and not line.endswith(" ACCEPT")) for line in listed.splitlines()):
        read["unread"].append(("bridge", "ebtables-legacy has rules here, and they are not for this to judge"))
