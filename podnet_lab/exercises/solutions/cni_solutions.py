"""Solutions to the exercises of notebook 12."""

from __future__ import annotations

import re
from shlex import quote

from podnet_lab.cni.installation import BIN
from podnet_lab.exercises.cni_exercises import EXERCISES
from podnet_lab.exercises.plugins_to_mend import (
    ALL_IS_WELL,
    CONTENT,
    FORGETFUL,
    FORGETS,
    FREE,
    GIVES_BACK,
    JUDGES,
    NEXT,
    TWICE,
    to_mend,
    whole,
    with_others,
)
from podnet_lab.exercises.solution import Solution

ROUTE = """    if f"default via {gateway} dev {ifname}" not in ip("route", inside=True, may_fail=True):
        answer(1, code=101, msg=f"{pod} has no default route")
"""
THE_ADDRESS = """    has = ip(f"-o addr show dev {ifname}", inside=True, may_fail=True)
    if any(one["address"] not in has for one in conf["prevResult"]["ips"]):
        answer(1, code=101, msg="the address has gone")
"""
ANY_ADDRESS = """    if "inet " not in ip(f"-o addr show dev {ifname}", inside=True, may_fail=True):
        answer(1, code=101, msg="no address")
"""
COUNTS = """tally = f"{folder}/tally"
lock = open(f"{folder}/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
used = int(open(tally).read()) if os.path.exists(tally) else 0
free = hosts[used:]
if command == "ADD" and free:
    with open(tally, "w") as file:
        file.write(str(used + 1))
"""
LOCKED = f"""lock = open(f"{{folder}}/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
{FREE}"""
GIVES_ITS_OWN_BACK_ONCE = """    ip(f"link del {port(pod, ifname)}", may_fail=True)
    os.unlink(f"{folder}/{next(address for address, whose in held().items() if whose == (pod, ifname))}")
"""
GIVES_ALL_BACK = """    ip(f"link del {port(pod, ifname)}", may_fail=True)
    for address in held():
        os.unlink(f"{folder}/{address}")
"""
FORGETS_THE_CABLE = FORGETS + GIVES_BACK.split("may_fail=True)\n")[1]


def _written(name: str, *others: tuple[str, str], text: str | None = None) -> dict[str, str]:
    """What writes a plugin anew on node1, with other lines in place of some."""
    program = with_others(to_mend(name) if text is None else text, *others)
    return {"node1": f"printf %s {quote(program)} > {BIN}/{name}"}


def _as_hinted(name: str) -> dict[str, str]:
    """What the third hint has one type."""
    exercise = next(one for one in EXERCISES if one.name == name)
    return {"node1": "\n".join(re.findall("`([^`]+)`", exercise.hints[2]))}


SOLUTIONS = {
    "cni-1": Solution(
        right={
            "both, by what outlives the namespace": _written(FORGETFUL, (FORGETS, GIVES_BACK)),
            "the third hint": _as_hinted("cni-1"),
        },
        wrong={
            "the address alone": _written(FORGETFUL, (FORGETS, FORGETS_THE_CABLE)),
            "once only": _written(FORGETFUL, (FORGETS, GIVES_ITS_OWN_BACK_ONCE)),
            "everybody's": _written(FORGETFUL, (FORGETS, GIVES_ALL_BACK)),
        },
    ),
    "cni-2": Solution(
        right={
            "a lock, and the gaps": _written(TWICE, (NEXT, LOCKED)),
            "noted at once, under a lock": _written(TWICE, text=whole()),
            "the third hint": _as_hinted("cni-2"),
        },
        wrong={"never again": _written(TWICE, (NEXT, COUNTS)), "the gap alone": _written(TWICE, (NEXT, FREE))},
    ),
    "cni-3": Solution(
        right={"all three": _written(CONTENT, (ALL_IS_WELL, JUDGES + ROUTE)), "the third hint": _as_hinted("cni-3")},
        wrong={
            "always no": _written(CONTENT, (ALL_IS_WELL, '    answer(1, code=101, msg="no")\n')),
            "any address": _written(CONTENT, (ALL_IS_WELL, ANY_ADDRESS)),
            "the address alone": _written(CONTENT, (ALL_IS_WELL, THE_ADDRESS)),
        },
    ),
}
