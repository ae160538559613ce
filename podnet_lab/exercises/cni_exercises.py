"""Exercises of notebook 12: a DEL that forgets, addresses that are given out twice, and a CHECK that is always content."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from podnet_lab.checks.check import Check
from podnet_lab.cni.installation import BIN
from podnet_lab.exercises.exercise import Cluster, Exercise, Mistake
from podnet_lab.exercises.plugin_trial import ROOM, Step, Trial, added, tried
from podnet_lab.exercises.plugins_to_mend import CONTENT, FORGETFUL, TWICE, to_mend

COME_AND_GO = f"{ROOM + 1} Pods come and go, in a network of {ROOM} addresses"
UNSAID = "DEL takes the cable away where nobody says CNI_NETNS"
AGAIN = "a second DEL has nothing to do, and says so with exit status 0"
OTHERS = "DEL of one leaves the others their addresses"
IN_TURN = "Pods that are added one after the other have different addresses"
GAP = "where one has gone, the next has an address that nobody has"
AT_ONCE = "eight that are added at once have different addresses"
AS_ADDED = "CHECK says yes where all is as ADD had said"
GONE = "CHECK says no where the address has gone"
OTHER = "CHECK says no where another address is in its place"
UNPLUGGED = "CHECK says no where the cable is not in the bridge"
NO_ROUTE = "CHECK says no where the default route has gone"
IN_WORDS = "it says no as the specification wants it: a JSON object with code and msg"


def _anywhere(_: Cluster) -> bool:
    """No snapshot shows what a program does wrong: at which claim it fails, does."""
    return True


def _put(name: str) -> Callable:
    def prepare(lab) -> str:
        lab.runtime("node1").put(name, to_mend(name))
        return f"It is {BIN}/{name} on node1; its configuration has bridge, ipam.subnet and ipam.rangeStart, as in the notebook."

    return prepare


def _came_and_went(plugin: str, lab) -> Check:
    steps = [step for number in range(ROOM + 1) for step in (*added(f"p{number}"), ("DEL", f"p{number}"), ("gone", f"p{number}"))]
    return Check(COME_AND_GO, tried(lab, plugin, steps).failure)


def _unique(claim: str, trial: Trial, most: int) -> Check:
    """No two Pods have the same address at the end, and *most* have one."""
    if (problem := trial.failure) is None:
        (kernel,) = trial.looks
        having = sum(map(bool, kernel.pods.values()))
        problem = kernel.twice or (None if having == most else f"{having} of {most} have one")
    return Check(claim, problem)


def _check_forgetful(lab) -> Iterator[Check]:
    yield _came_and_went(FORGETFUL, lab)
    trial = tried(lab, FORGETFUL, [*added("a", "b"), ("DEL", "a", {"CNI_NETNS": ""}), ("look",)])
    yield Check(UNSAID, trial.failure or (None if len(trial.looks[0].ports) == 1 else "it is there still"))
    yield Check(AGAIN, tried(lab, FORGETFUL, [*added("a"), ("DEL", "a"), ("DEL", "a"), ("DEL", "never")]).failure)
    trial = tried(lab, FORGETFUL, [*added("a", "b", "c"), ("DEL", "a"), *added("d", "e"), ("gone", "a"), ("look",)])
    yield _unique(OTHERS, trial, 4)


FORGETS = Exercise(
    "cni-1",
    "A DEL that forgets",
    "Since last week new Pods don't start on node1 any more: no address is left, and hardly a Pod runs there. "
    f"Its plugin is called {FORGETFUL}.\n"
    "Mend its DEL, so that nothing of a Pod is left, whatever of it is gone already, and nothing of others is touched.",
    _check_forgetful,
    (
        "What did ADD make and note down? Which of that does DEL take away?",
        f"`grep -n -A 5 'def remove' {BIN}/{FORGETFUL}` on node1; and `held()` says whose each address is",
        'on node1: `sed -i \'s|ip(f"link del {ifname}", inside=True, may_fail=True)|ip(f"link del {port(pod, ifname)}", may_fail=True); '
        f'[os.unlink(f"{{folder}}/{{a}}") for a, whose in held().items() if whose == (pod, ifname)]|\' {BIN}/{FORGETFUL}`',
    ),
    (
        Mistake(
            "the address alone",
            _anywhere,
            "A runtime that was started anew does not know where the namespace was. By which end can you get hold of the cable, too?",
            fails=UNSAID,
        ),
        Mistake("once only", _anywhere, "What is gone already is no error: what does your program do where nothing is found?", fails=AGAIN),
        Mistake("everybody's", _anywhere, "Whose are the addresses that you give back? A file says whose it is.", fails=OTHERS),
    ),
    start="done",
    prepare=_put(FORGETFUL),
)


def _check_twice(lab) -> Iterator[Check]:
    yield _unique(IN_TURN, tried(lab, TWICE, [*added(*"abcde"), ("look",)]), 5)
    yield _unique(GAP, tried(lab, TWICE, [*added(*"abc"), ("DEL", "a"), ("gone", "a"), *added("d"), ("look",)]), 3)
    yield _came_and_went(TWICE, lab)
    names = [f"p{number}" for number in range(8)]
    trial = tried(lab, TWICE, [*(("pod", name) for name in names), ("together", "ADD", names), ("look",)])
    yield _unique(AT_ONCE, trial, len(names))


GIVES_TWICE = Exercise(
    "cni-2",
    "One address, given out twice",
    f"On node1 two Pods have the same address; nobody knows for how long. The plugin is called {TWICE}.\n"
    "Mend the way in which it gives out addresses. One that was given back may be given out again.",
    _check_twice,
    (
        "How does it find an address that is free? Is it still right after one in the middle has gone, and if two look at once?",
        f"`grep -n free {BIN}/{TWICE}` on node1: what does `len(held())` say? And at which moment is the file of an address written?",
        "on node1: `sed -i 's|^free = .*|free = [host for host in hosts if host not in held()]|; "
        f'/^os.makedirs/a lock = open(f"{{folder}}/lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)\' {BIN}/{TWICE}`',
    ),
    (
        Mistake(
            "never again",
            _anywhere,
            "No address is given out twice now, and none a second time either. Where is it noted that one came back?",
            fails=COME_AND_GO,
        ),
        Mistake(
            "the gap alone",
            _anywhere,
            "One after the other it is right. Two that look at the same moment see the same: what makes the second wait?",
            fails=AT_ONCE,
        ),
    ),
    start="done",
    prepare=_put(TWICE),
)


def _says_no(claim: str, lab, broken: str) -> Check:
    """CHECK of a Pod of which something was *broken* by hand says no."""
    trial = tried(lab, CONTENT, [*added("a"), ("sh", broken), ("CHECK", "a")])
    failed, problem = next(((number, one.said) for number, one in enumerate(trial.calls) if one.status != 0), (1, "it says yes"))
    refused = len(trial.calls) == 2 and failed == 1 and trial.calls[1].status is not None and trial.calls[1].status != 0
    return Check(claim, None if refused else problem)


def _check_content(lab) -> Iterator[Check]:
    as_added: list[Step] = [*added("a", "b"), ("CHECK", "a"), ("CHECK", "b"), ("CHECK", "a")]
    yield Check(AS_ADDED, tried(lab, CONTENT, as_added).failure)
    yield _says_no(GONE, lab, "ip -n a addr flush dev eth0")
    yield _says_no(
        OTHER, lab, "ip -n a addr flush dev eth0; ip -n a addr add 10.99.0.13/28 dev eth0; ip -n a route add default via 10.99.0.1"
    )
    yield _says_no(
        UNPLUGGED,
        lab,
        "for p in $(ip -br link show master trial0 | cut -d @ -f 1); do ip link set $p nomaster; done",
    )
    yield _says_no(NO_ROUTE, lab, "ip -n a route del default")
    trial = tried(lab, CONTENT, [*added("a"), ("sh", "ip -n a addr flush dev eth0"), ("CHECK", "a")])
    said = trial.calls[-1].said
    yield Check(IN_WORDS, None if said.startswith("error ") and not said.endswith(": ") else said)


ALWAYS_CONTENT = Exercise(
    "cni-3",
    "A CHECK that is always content",
    f"A Pod on node1 had lost its address, and for an hour the runtime's CHECK said that all was well. The plugin is called {CONTENT}.\n"
    "Write its CHECK: it says no where the Pod does not have the addresses that ADD had said, where its cable is not in the bridge, and "
    "where its default route has gone.",
    _check_content,
    (
        "What had ADD said, and where does CHECK find that? And of whom do you ask how it is now?",
        f'`grep -n -B 3 -A 3 CHECK {BIN}/{CONTENT}` on node1; what ADD had said is in `conf["prevResult"]`',
        "on node1: `sed -i 's|^    sys.exit(0)  # all is well|    a, p, r = (ip(words, inside=here, may_fail=True) for words, here in "
        '((f"-o addr show dev {ifname}", True), (f"link show master {bridge}", False), ("route", True)))\\n'
        '    if any(one["address"] not in a for one in conf["prevResult"]["ips"]) or port(pod, ifname) not in p or '
        f'f"default via {{gateway}}" not in r:\\n        answer(1, code=101, msg="not as ADD left it")|\' {BIN}/{CONTENT}`',
    ),
    (
        Mistake(
            "always no",
            _anywhere,
            "Now nothing is ever well, and a runtime would end every Pod. What is as it was has to pass.",
            fails=AS_ADDED,
        ),
        Mistake("any address", _anywhere, "There is an address. Is it the one that ADD had said?", fails=OTHER),
        Mistake("the address alone", _anywhere, "The Pod is as it was. What of it is on the node?", fails=UNPLUGGED),
    ),
    start="done",
    prepare=_put(CONTENT),
)

EXERCISES = (FORGETS, GIVES_TWICE, ALWAYS_CONTENT)
