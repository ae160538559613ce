"""Notebooks that do in their labs what would deceive, stop or harm whoever marks them: it is their own result, and no more."""

import os

import pytest

from live.grading_runs import CHECK, OPEN, RECORD, begin, graded
from podnet_lab.exercises.solutions import SOLUTIONS

NAME, FAULT = "bridge-2", "trouble-4"
FORGED = (
    "from podnet_lab.exercises import attempts\nattempts.write(lab, attempts.Records({0!r}, {{{0!r}: attempts.Record('solved', tries=1)}}))"
)
ALL = "for name in ('outside', 'node1', 'node2', 'node3'):\n    lab[name].shell({!r}, may_fail=True)"
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
Agent.read = None
END
for file in agent.py read.py; do mount --bind /run/lying/podnet_lab/kernel/$file {package}/kernel/$file; done
"""
STOP = """(for time in $(seq 20000); do for process in /proc/[0-9]*; do
  read -r name < $process/comm; [ "$name" = podnet-agent ] && [ ${process#/proc/} -gt HIGHEST ] && kill -STOP ${process#/proc/}
done; done) > /dev/null 2>&1 &"""
TRACE = """
import ctypes, os, subprocess, sys
script = '''
import ctypes, glob, os, sys, time
libc, end, known, got = ctypes.CDLL(None, use_errno=True), time.monotonic() + 6, {os.getpid()}, 0
known |= {int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/comm")}
while time.monotonic() < end:
    for path in glob.glob("/proc/[0-9]*/comm"):
        pid = int(path.split("/")[2])
        if pid not in known and open(path).read() == "podnet-agent\\\\n":
            got += libc.ptrace(16, pid, 0, 0) == 0
    open("/run/traced", "w").write(str(got))
'''
lab['node1'].shell(f"cat > /run/trace.py <<'END'\\n{script}\\nEND\\n{sys.executable} /run/trace.py > /dev/null 2>&1 &")
"""


def node(words):
    return ALL.format(words)


PYTHON = "import sys, podnet_lab, os\nplaces = {'python': sys.executable, 'package': os.path.dirname(podnet_lab.__file__)}\n"


def everywhere(script):
    """A cell that runs *script* on all nodes, with the paths of Python and of the package filled in."""
    filled = "script.replace('{python}', places['python']).replace('{package}', places['package'])"
    return f"{PYTHON}script = {script!r}\nfor name in ('outside', 'node1', 'node2', 'node3'):\n    lab[name].shell({filled}, may_fail=True)"


def entry(change):
    """A cell that changes what the lab has written down of itself."""
    return f"{ENTRIES}entry = json.load(open(path))\n{change}\nopen(path, 'w').write(json.dumps(entry))"


HOST = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "net")}

ATTACKS = {
    # What is read of it is a regular file of a bounded size, and is believed only downwards.
    "a pipe": [OPEN, begin(NAME), f"lab['outside'].shell('rm {RECORD}; mkfifo {RECORD}')"],
    "an endless file": [OPEN, begin(NAME), f"lab['outside'].shell('ln -sf /dev/zero {RECORD}')"],
    "a big file": [OPEN, begin(NAME), f"lab['outside'].shell('truncate -s 1T {RECORD} || truncate -s 100M {RECORD}')"],
    "nested without end": [OPEN, begin(NAME), f"lab['outside'].shell('printf %0200000d 0 | tr 0 [ > {RECORD}')"],
    "many exercises": [
        OPEN,
        begin(NAME),
        "import json\nkept = {'at': 'x', 'records': {f'x-{n}': {} for n in range(9000)}}\n"
        f"lab['outside'].shell(f\"cat > {RECORD} <<'END'\\n{{json.dumps(kept)}}\\nEND\")",
    ],
    "a record of odd things": [
        OPEN,
        begin(NAME),
        f'lab[\'outside\'].shell(\'\'\'echo \'{{"at": "{NAME}", "records": {{"{NAME}": '
        f'{{"verdict": [[1]], "why": {{}}, "tries": 1e999, "hints": -5, "given_up": ""}}}}}}\' > {RECORD}\'\'\')',
    ],
    # Programs and the package itself, as a node has them, say nothing to whoever looks.
    "programs that never end": [OPEN, begin(NAME), everywhere(NEVER), FORGED.format(NAME)],
    "another package": [OPEN, begin(NAME), everywhere(LYING), FORGED.format(NAME)],
    "a library before all others": [OPEN, begin(NAME), everywhere("echo /run/evil.so > /etc/ld.so.preload"), FORGED.format(NAME)],
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
    "a lab that is the machine": [
        OPEN,
        begin(NAME),
        entry(f"for one in entry['nodes'].values(): one['pid'] = 1; one['namespaces'].update({HOST!r})"),
    ],
    "a lab without nodes": [OPEN, begin(NAME), entry("entry['nodes'] = {}")],
    "nodes that are none": [OPEN, begin(NAME), entry("entry['nodes'] = {'node1': 3}")],
    "a lab of VMs": [OPEN, begin(NAME), entry("entry['where'] = 'vms'")],
    "a plan that is none": [OPEN, begin(NAME), entry("entry['plan'] = 3")],
    "an entry that is a pipe": [OPEN + "\n" + ENTRIES + "os.unlink(path); os.mkfifo(path)", "1"],
    "an entry that leads elsewhere": [OPEN + "\n" + ENTRIES + "os.unlink(path); os.symlink('/etc/passwd', path)", "1"],
    "a folder that leads elsewhere": [
        OPEN + "\n" + ENTRIES + "import shutil\nfolder = os.path.dirname(path)\nshutil.rmtree(folder); os.symlink('/etc', folder)",
        "1",
    ],
    "two labs": [OPEN + "\nother = Lab.open(name='other')", "1"],
}
"""By their names; where what is forged comes in the cell that opens the lab, nobody has joined it before."""

SOLVED = {"at": NAME, "why": "node1 has two bridges"}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """The papers of all of them, and of one that is right."""
    right = SOLUTIONS[NAME].right["two halves"]["node1"]
    papers = {**ATTACKS, "the last": [OPEN, begin(NAME), f"%%node node1\n{right}", CHECK]}
    return graded(tmp_path_factory.mktemp("attacks"), papers, [NAME, FAULT], limit=30.0)


@pytest.mark.long  # each opens a lab
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_solves_nothing_and_stops_nobody(attacked, name):
    paper = attacked[name]
    assert [mark.verdict for mark in paper.marks if mark] == [], paper
    assert len(paper.marks) == 2
    assert max(mark.hints for mark in paper.marks) == (3 if name.startswith("hints") else 0)
    if name.startswith("gave up"):
        assert paper.marks[1].verdict == "not solved", paper
    assert [mark.verdict for mark in attacked["the last"].marks] == ["solved", "not begun"]
