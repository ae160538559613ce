"""Plugins with one thing wrong each: podnet-by-hand, but for a few lines. Pure."""

from __future__ import annotations

from podnet_lab.cni.installation import BY_HAND, file

FORGETFUL, TWICE, CONTENT = "forgetful", "twice", "content"

GIVES_BACK = '''    """Delete the cable, both ends, and give the address back; what is gone already is no error."""
    ip(f"link del {port(pod, ifname)}", may_fail=True)
    for address, whose in held().items():
        if whose == (pod, ifname):
            os.unlink(f"{folder}/{address}")
'''
FORGETS = '''    """Delete the cable, both ends."""
    ip(f"link del {ifname}", inside=True, may_fail=True)
'''

LOCKS = """lock = open(f"{folder}/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)  # from here on we are alone: two ADDs at once must not find the same address free
"""
FREE = "free = [host for host in hosts if host not in held()]\n"
NEXT = "free = hosts[len(held()) :]\n"
NOTES = """    with open(f"{folder}/{free[0]}", "w", newline="") as file:
        file.write(f"{pod}\\r\\n{ifname}")
"""
MADE = "    made = ["

JUDGES = """    has, ports = ip(f"-o addr show dev {ifname}", inside=True, may_fail=True), ip(f"link show master {bridge}", may_fail=True)
    for wanted in (one["address"] for one in conf["prevResult"]["ips"]):
        if wanted not in has or port(pod, ifname) not in ports:
            answer(1, code=101, msg=f"{pod} does not have {wanted}, or its cable is not in {bridge}")
"""
ALL_IS_WELL = "    sys.exit(0)  # all is well\n"


def whole() -> str:
    """The plugin with which nothing is wrong, but for what `CHECK` does not look at."""
    return file(f"examples/{BY_HAND}")


def with_others(text: str, *others: tuple[str, str]) -> str:
    """A plugin with other lines in place of some; ValueError if one of them is not there once."""
    for lines, other in others:
        if text.count(lines) != 1:
            raise ValueError(f"the plugin does not have these lines once: {lines}")
        text = text.replace(lines, other)
    return text


def to_mend(name: str) -> str:
    """The plugin of that name."""
    wrong = {
        FORGETFUL: ((GIVES_BACK, FORGETS),),
        TWICE: ((LOCKS, ""), (FREE, NEXT), (NOTES, ""), (MADE, NOTES + MADE)),
        CONTENT: ((JUDGES, ALL_IS_WELL),),
    }
    return with_others(whole(), *wrong[name])
