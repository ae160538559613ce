"""Notebooks that do in their labs what would deceive, stop or harm whoever marks them: it is their own result, and no more."""

import os
import time

import pytest

from live.grading_runs import CHECK, OPEN, RECORD, begin, graded
from podnet_lab.exercises.solutions import SOLUTIONS

NAME, FAULT = "bridge-2", "trouble-4"
RIGHT = SOLUTIONS[NAME].right["two halves"]["node1"]

RUN = f"%%node node1\n{RIGHT}"

FORGED = """from podnet_lab.exercises import attempts
attempts.write(lab, attempts.Records({0!r}, {{{0!r}: attempts.Record('solved', tries=1)}}))"""
ENTRIES = "import glob, json, os\n(path,) = glob.glob(os.environ['XDG_RUNTIME_DIR'] + '/podnet_lab-*/*.json')\n"

NEVER = """cat > /run/never <<'END'
#!/bin/sh
exec sleep 600
END
chmod +x /run/never
for program in $(readlink -f {python}) $(command -v head) $(command -v cat); do mount --bind /run/never $program; done
"""
LYING = """mkdir /run/lying
cp -r {package} /run/lying/
cat >> /run/lying/podnet_lab/kernel/agent.py <<'END'
import ctypes, subprocess
true = Agent.read
def read(self, known=-1):
    if ctypes.CDLL(None).unshare(0x40000000) == 0:
        subprocess.run(["sh", "-c", {solution}])
    return true(self, known)
Agent.read = read
END
mount --bind /run/lying/podnet_lab/kernel/agent.py {package}/kernel/agent.py
"""
"""An agent that goes where the exercise is solved, and tells of that."""

MEDDLE = """
import ctypes, glob, os, sys, time
libc, end, did, rounds = ctypes.CDLL(None, use_errno=True), time.monotonic() + 8, 0, 0
known = {int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/comm")}
while time.monotonic() < end:
    for path in glob.glob("/proc/[0-9]*/comm"):
        pid = int(path.split("/")[2])
        try:
            if pid not in known and open(path).read().strip() == "podnet-agent":
                did += WHAT
        except OSError:
            pass
    rounds += 1
    open("/run/did.new", "w").write(f"{rounds} {did}")
    os.replace("/run/did.new", "/run/did")
"""
"""What is done on a node to agents that come there after its own."""

TWO_ROUNDS = """
did = lambda: lab["node1"].shell("cat /run/did").split()
first = int(did()[0])
for _ in range(1000):
    if int(did()[0]) > first + 1:
        break
"""
"""A cell that waits until whoever meddles has seen all that was there when it began."""

TRACE, STOP = "libc.ptrace(16, pid, 0, 0) == 0", "os.kill(pid, 19) is None"


def meddle(what):
    """A cell that begins to do it."""
    script = f"cat > /run/meddle.py <<'END'\n{MEDDLE.replace('WHAT', what)}\nEND\n"
    return f"import sys\nlab['node1'].shell({script!r} + sys.executable + ' /run/meddle.py > /dev/null 2>&1 &')"


def everywhere(script):
    """A cell that runs *script* on all nodes, with the paths of Python and of the package filled in."""
    script = script.replace("{solution}", repr(RIGHT))
    return f"""import sys, podnet_lab, os
script = {script!r}.replace('{{python}}', sys.executable).replace('{{package}}', os.path.dirname(podnet_lab.__file__))
for name in ('outside', 'node1', 'node2', 'node3'):
    lab[name].shell(script, may_fail=True)"""


def entry(change):
    """A cell that changes what the lab has written down of itself."""
    return f"{ENTRIES}entry = json.load(open(path))\n{change}\nopen(path, 'w').write(json.dumps(entry))"


def at_once(*cells):
    """One cell: nobody has joined the lab before all of it was done."""
    return ["\n".join(cells), "1"]


HOST = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "net")}
ODD = f'{{"at": "{NAME}", "records": {{"{NAME}": {{"verdict": [[1]], "why": {{}}, "tries": 1e999, "hints": -5, "given_up": ""}}}}}}'
MANY_LABS = """
import shutil
for entry['name'] in 'abcdef':
    other = f"{os.path.dirname(path)}/{entry['owner']}-{entry['name']}"
    shutil.copy(path.replace('.json', '.baseline'), f"{other}.baseline")
    open(f"{other}.json", 'w').write(json.dumps(entry))
"""
MANY = "import json\nkept = json.dumps({'at': 'x', 'records': {f'x-{n}': {} for n in range(9000)}})\n"

ATTACKS = {
    # What is read of it is a regular file of a bounded size, and is believed only downwards.
    "a pipe": [OPEN, begin(NAME), f"lab['outside'].shell('rm {RECORD}; mkfifo {RECORD}')"],
    "an endless file": [OPEN, begin(NAME), f"lab['outside'].shell('ln -sf /dev/zero {RECORD}')"],
    "a big file": [OPEN, begin(NAME), f"lab['outside'].shell('truncate -s 100M {RECORD}')"],
    "nested without end": [OPEN, begin(NAME), f"lab['outside'].shell('head -c 200000 /dev/zero | tr \"\\\\0\" [ > {RECORD}')"],
    "many exercises": [OPEN, begin(NAME), f"{MANY}lab['outside'].shell(\"cat > {RECORD} <<'END'\\n\" + kept + '\\nEND')"],
    "a record of odd things": [OPEN, begin(NAME), f"lab['outside'].shell('''echo '{ODD}' > {RECORD}''')"],
    # Programs and the package itself, as a node has them, say nothing to whoever looks.
    "programs that never end": at_once(OPEN, begin(NAME), everywhere(NEVER), FORGED.format(NAME)),
    "another package": at_once(OPEN, begin(NAME), everywhere(LYING), FORGED.format(NAME)),
    "a library before all others": at_once(OPEN, begin(NAME), FORGED.format(NAME), everywhere("echo /run/x.so > /etc/ld.so.preload")),
    # Who gave up has given up.
    "gave up, and forgot it": [OPEN, begin(FAULT), "lab.give_up(); task._fault = None; task.check()"],
    "gave up, and wrote another record": [OPEN, begin(FAULT), "lab.give_up()", FORGED.format(FAULT)],
    "gave up, and began again": [OPEN, begin(FAULT), "lab.give_up()\n" + begin(FAULT), "lab.parts.faults._mend(lab.broken); task.check()"],
    "gave up, and ended the record": [
        OPEN,
        begin(FAULT),
        "lab.give_up()",
        f"lab['outside'].shell('rm {RECORD}')",
        begin(FAULT) + "\nlab.parts.faults._mend(lab.broken); task.check()",
    ],
    "hints, and another record": [OPEN, begin(NAME), "task.hint(3)", FORGED.format(NAME)],
    # What a lab has written down of itself leads nowhere else.
    "a lab that is the machine": at_once(
        OPEN, begin(NAME), entry(f"for one in entry['nodes'].values(): one['pid'] = {os.getpid()}; one['namespaces'].update({HOST!r})")
    ),
    "a lab without nodes": at_once(OPEN, begin(NAME), entry("entry['nodes'] = {}")),
    "nodes that are none": at_once(OPEN, begin(NAME), entry("entry['nodes'] = {'node1': 3}")),
    "a lab of VMs": at_once(OPEN, begin(NAME), entry("entry['where'] = 'vms'")),
    "a plan that is none": at_once(OPEN, begin(NAME), entry("entry['plan'] = 3")),
    "a number that is none": at_once(OPEN, begin(NAME), entry("entry['owner'] = '../../../../etc/passwd'")),
    "an entry that is a pipe": at_once(OPEN, begin(NAME), ENTRIES + "os.unlink(path); os.mkfifo(path)"),
    "an entry that leads elsewhere": at_once(OPEN, begin(NAME), ENTRIES + "os.unlink(path); os.symlink('/etc/passwd', path)"),
    "an entry nested without end": at_once(OPEN, begin(NAME), ENTRIES + "open(path, 'w').write('[' * 200000)"),
    "a folder that leads elsewhere": at_once(
        OPEN, ENTRIES + "import shutil\nfolder = os.path.dirname(path)\nshutil.rmtree(folder); os.symlink('/etc', folder)"
    ),
    "many labs": [OPEN, entry(MANY_LABS)],
}
"""By their names."""

SAYS = {
    "a lab that is the machine": "leads out of its sandbox",
    "a lab of VMs": "not one of namespaces",
    "a lab without nodes": "can't be read",
    "nodes that are none": "can't be read",
    "a plan that is none": "another version",
    "many labs": "more than 5 labs are running",
}
"""What the papers of some of them say."""


SHORT = (
    "a pipe",
    "nested without end",
    "programs that never end",
    "another package",
    "gave up, and forgot it",
    "gave up, and ended the record",
    "a lab that is the machine",
)
"""Those that are tried each time; each takes some four seconds."""


@pytest.mark.parametrize("name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in ATTACKS])
def test_an_attack_solves_nothing(tmp_path, name):
    paper = graded(tmp_path, {name: ATTACKS[name]}, [NAME, FAULT], limit=30.0)[name]
    assert [mark.verdict for mark in paper.marks if mark] == [], paper
    assert len(paper.marks) == 2
    assert max(mark.hints for mark in paper.marks) == (3 if name.startswith("hints") else 0)
    assert SAYS.get(name, "") in paper.problem
    if name.startswith("gave up"):
        assert paper.marks[1].verdict == "not solved", paper


def test_whoever_comes_after_an_attack_is_marked_as_ever(tmp_path):
    papers = {"an attack": at_once(OPEN, begin(NAME), everywhere(NEVER), ATTACKS["a pipe"][2]), "right": [OPEN, begin(NAME), RUN, CHECK]}
    found = graded(tmp_path, papers, [NAME], limit=30.0)
    assert [found[who].marks[0].verdict for who in papers] == ["not begun", "solved"]


@pytest.mark.parametrize("what", [TRACE, STOP])
def test_who_looks_is_not_looked_into_and_does_not_wait_for_ever(tmp_path, what):
    began = time.monotonic()
    last = {TRACE: "raise Exception(did()[1])", STOP: "1"}[what]
    cells = ["\n".join([OPEN, begin(NAME), meddle(what)]), f"{TWO_ROUNDS}\n{last}"]
    paper = graded(tmp_path, {"ada": cells}, [NAME], limit=30.0)["ada"]
    assert time.monotonic() - began < 30
    if what == TRACE:
        assert paper.problem.strip() == "cell 2 raised Exception: 0", "an agent could be changed by whoever works on its node"
    else:
        assert "could not be" in paper.problem
