"""The VMs' lab: the same notebooks, the same steps, the same snapshot as on one machine."""

import json
import urllib.error
import urllib.request

import pytest
from websocket import create_connection

from vagrant.vms import LINE, NODES, VENV

LIVE = (
    *("steps", "goto", "undo", "reach", "pods", "shell", "refusals", "foreign", "services", "names", "widgets", "kept_pods"),
    *("flannel", "flannel_broken", "calico", "calico_bgp", "calico_ipip"),
)
"""Files of tests/live that make sense here; the others are about processes and namespaces of a one-machine lab."""

ONE_MACHINE_ONLY = "not without_a_lab and not no_lab_and_several"
"""On a VM, `podnet shell` needs no lab."""


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.quick
def test_up_ends_with_where_jupyterlab_is(vms, address):
    """And nothing but that line says something of it; JupyterLab wants the token."""
    assert LINE.search(vms.first.strip().splitlines()[-1])
    _, port, token = address
    assert len(token) >= 32
    assert "version" in get(f"http://127.0.0.1:{port}/api")
    names = {one["name"] for one in get(f"http://127.0.0.1:{port}/api/contents?token={token}")["content"]}
    assert {"00_the_plan.ipynb", "06_the_whole_cluster.ipynb"} <= names
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"http://127.0.0.1:{port}/api/contents?token=wrong")
    assert refused.value.code == 403
    refused.value.close()


def test_a_cell_in_jupyterlab(address):
    """A kernel of the service itself, asked from this side, as a browser does."""
    _, port, token = address
    ask = urllib.request.Request(f"http://127.0.0.1:{port}/api/kernels?token={token}", data=b"{}", method="POST")
    with urllib.request.urlopen(ask, timeout=60) as answer:
        kernel = json.load(answer)["id"]
    wire = create_connection(f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?token={token}", timeout=120)
    try:
        header = {"msg_id": "one", "msg_type": "execute_request", "session": "s", "username": "", "version": "5.3"}
        code = "from podnet_lab import Lab\nlab = Lab.open(take_over=True)\nprint(lab, lab['node2'].shell('hostname'))\nlab.close()"
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        wire.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content}))
        printed = ""
        while (message := json.loads(wire.recv()))["msg_type"] != "execute_reply":
            printed += message["content"].get("text", "") + " ".join(message["content"].get("traceback", []))
        assert "node1, node2, node3 and outside (192.168.1.5)" in printed
        assert "node2\n" in printed
    finally:
        wire.close()
        gone = urllib.request.Request(f"http://127.0.0.1:{port}/api/kernels/{kernel}?token={token}", method="DELETE")
        urllib.request.urlopen(gone, timeout=60).close()


NOTEBOOKS = {
    "one": ("notebooks/06_the_whole_cluster.ipynb", 10),
    "every": ("notebooks --ignore=notebooks/13_kubernetes.ipynb", 150),  # that one is test_5_kubernetes'
}
"""What is run, and how many cells that is at least."""


@pytest.mark.parametrize("which", [pytest.param("one", marks=pytest.mark.quick), "every"])
def test_notebooks(vms, which):
    """With more time for a cell: a processor that is emulated takes ten to twenty times as long."""
    files, least = NOTEBOOKS[which]
    both = "/tmp/nbval-sanitize.cfg"
    joined = f"cat nbval-sanitize.cfg tests/vagrant/nbval-sanitize.cfg > {both}"
    run = f"{VENV}/python -m pytest -q -p no:cacheprovider --nbval-cell-timeout=240 --nbval-sanitize-with={both} {files}"
    said = vms.student(f"cd tests && {joined} && {run}", seconds=2400)
    last = said.strip().splitlines()[-1]
    assert " passed" in last
    assert int(last.split(" passed")[0].split()[-1]) > least
    assert "skipped" not in last


@pytest.mark.parametrize("name", LIVE)
def test_live_tests(vms, name):
    uplink = vms.on("node1", "ip -o -4 addr show to 192.168.1.0/24").split()[1]
    run = f"{VENV}/python -m pytest -q -p no:cacheprovider tests/live/test_{name}.py -k '{ONE_MACHINE_ONLY}'"
    last = vms.student(f"cd tests && PODNET_UPLINK={uplink} {run}", seconds=1800).strip().splitlines()[-1]
    assert " passed" in last


SAME = """
import re
from podnet_lab.show.changes import facts
def seen(lab):
    lab.goto("done")
    every = lab.snapshot(*NODES, "outside")
    told = lambda has: [fact for fact in facts(has) if not fact.endswith(" table 101")]  # a VM's own, for Calico's gateway (vm/podnet-boot)
    text = {name: {space or "": told(has) for space, has in node.spaces.items()} for name, node in every.items()}
    text = json.dumps(text, sort_keys=True)
    return json.loads(re.sub(r"\\b(eth\\d|en[ops]\\w+)( \\(\\w+\\))?", "UPLINK", text))
with Lab.open(take_over=True) as vms, Lab.open(where="namespaces", name="here") as here:
    answer = [seen(vms), seen(here), str(vms.check()), str(here.check())]
"""


def test_the_same_cluster_as_on_one_machine(vms):
    there, here, exam_there, exam_here = vms.python(f"NODES = {NODES}\n{SAME}")
    assert there == here
    assert exam_there == exam_here
    assert "UPLINK is up" in there["node1"][""]
    assert "veth-1-2 in pod-1-2 has 10.244.1.2/24" in str(there) or "veth-1-2 has 10.244.1.2/24" in str(there)


@pytest.mark.quick
def test_reset_and_reset_again(vms):
    vms.python("lab = Lab.open(take_over=True); lab.build(); lab['node3'].shell('ip link add mine type bridge'); answer = 1")
    first, again = vms.student("podnet reset"), vms.student("podnet reset")
    assert "node1# ip netns del pod-1-2" in first
    assert "node3# ip link del mine" in first
    assert again == "nothing to do: the lab is as it was opened\n"
    for node in NODES:
        assert vms.on(node, "ip netns list; ip -o link show type bridge; ip -o link show type veth") == ""


def test_outside_reaches_every_node(vms):
    """The one that it lives on, too: it has a card of its own."""
    answer = vms.python(
        "lab = Lab.open(take_over=True); lab.reset(); found = [lab.ping('outside', f'node{n}') for n in (1, 2, 3)]\n"
        "answer = [[str(one.verdict), one.seen_as] for one in found]"
    )
    assert answer == [["reached", "192.168.1.5"]] * 3


def test_somebody_else_is_named_and_can_be_taken_over(vms):
    answer = vms.python("""
import subprocess, sys
lab = Lab.open(take_over=True)
def other(code):
    done = subprocess.run([sys.executable, "-c", "from podnet_lab import *\\n" + code], capture_output=True, text=True)
    return done.stdout + done.stderr.strip().rpartition("\\n")[2]
refused = other("Lab.open()")
still = lab.alive
taken = other("lab = Lab.open(take_over=True); print(lab.reset())")
try:
    lab.snapshot()
    told = ""
except errors.LabGone as gone:
    told = str(gone)
again = Lab.open()
answer = [refused, still, taken, told, again.alive]
""")
    refused, still, taken, told, again = answer
    assert "LabHeld" in refused
    assert "process" in refused
    assert "take_over=True" in refused
    assert still
    assert "as it was opened" in taken
    assert "taken over" in told
    assert again


def test_a_holder_that_is_killed_lets_go(vms):
    answer = vms.python("""
import os, subprocess, sys
code = "from podnet_lab import *; lab = Lab.open(take_over=True); print('open', flush=True); input()"
held = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
assert held.stdout.readline()
held.kill(); held.wait()
lab = Lab.open()
answer = [str(one.verdict) for one in (lab.ping("outside", "node3"), lab.ping("node1", "node2"))]
""")
    assert answer == ["reached", "reached"]


def test_the_lessons_packets_stay_in_the_lesson(vms):
    """Vagrant's card has a default route; no Pod's address, no service's and no node's goes that way."""
    vms.student("podnet reset")
    assert "default via" in vms.on("node1", "ip route")
    for target in ("10.244.2.2", "10.96.0.1"):
        assert "Network is unreachable" in vms.on("node1", f"ip route get {target}", ok=False)
    vms.on("node1", "ip route get 203.0.113.9")
    assert "dev eth" in vms.on("node1", "ip route get 203.0.113.9"), "the internet is there"
    card = vms.on("node1", "ip -o -4 addr show to 192.168.1.0/24").split()[1]
    assert "RTNETLINK answers" in vms.on("node1", f"ip route get 203.0.113.9 from 10.244.1.2 iif {card}", ok=False)


def test_the_card_that_the_vm_is_reached_by_is_safe(vms):
    answer = vms.python("""
lab = Lab.open(take_over=True)
said = []
card = lab["node2"].shell("ip -o -4 route show default").split("dev ")[1].split()[0]
for step in (link.down(card), link.remove(card), forwarding.setting(card, "forwarding", 1)):
    try:
        said.append(str(lab["node2"].run(step)))
    except errors.StepConflict as refused:
        said.append(str(refused))
answer = [card, said, card in lab["node2"].snapshot().own.links, lab["node2"].shell(f"ip -br link show {card}")]
""")
    card, said, seen, now = answer
    assert [f"{card} is how this VM is reached" in one for one in said] == [True] * 3
    assert not seen
    assert " UP " in now


def test_the_doctor_lists_each_nodes_features(vms):
    said = vms.student("podnet doctor").splitlines()
    for node in NODES:
        assert f"ok    {node} answers" in said
        for feature in ("ipip", "geneve", "wireguard", "dummy", "netem"):
            assert [line for line in said if line.startswith(("ok ", "off ")) and f"{node}: {feature}" in line]
        links = vms.on(node, "ip -o link")
        assert not [name for name in ("tunl0", "gre0", "dummy0", "trial0") if name in links], "trying left nothing behind"


def test_a_shell_on_every_node(vms):
    for node in NODES:
        assert vms.student(f"podnet shell {node} 'hostname; id -un'") == f"{node}\nroot\n"
    assert "no node is called 'node9'" in vms.student("podnet shell node9", ok=False)
    assert "outside lives while a lab is open" in vms.student("podnet shell outside hostname", ok=False)
    answer = vms.python("""
import subprocess
lab = Lab.open(take_over=True)
answer = subprocess.run(["podnet", "shell", "outside", "hostname; ip -br -4 addr"], capture_output=True, text=True).stdout
""")
    assert answer.startswith("outside\n")
    assert "192.168.1.5/24" in answer


def test_another_process_joins_the_lab_that_a_notebook_has_open(vms):
    """It looks, tries and runs steps beside the holder, and leaves going back to it."""
    answer = vms.python("""
import subprocess, sys
def other(code):
    done = subprocess.run([sys.executable, "-c", "from podnet_lab import *\\nlab = Lab.join()\\n" + code], capture_output=True, text=True)
    return done.stdout + done.stderr.strip().rpartition("\\n")[2]
lab = Lab.open(take_over=True)
lab.goto("done")
said = [other(code) for code in (
    "print(lab, lab.plan.pods_per_node, lab.ping('pod-1-2', 'pod-3-2'), lab.ping('outside', 'node3'))",
    "print(lab.check())",
    "print(lab.trace('pod-1-2', 'outside'))",
    "print(lab['node1'].run(route.remove('10.244.3.0/24')), lab.explain('pod-1-2', 'pod-3-2'))",
    "lab.reset()",
    "print(lab['outside'].shell('hostname; ip -br -4 addr'))",
)]
seen = str(lab.explain("pod-1-2", "pod-3-2"))
mended = other("print(lab.run(lab.explain('pod-1-2', 'pod-3-2').repair))")
exam = str(lab.check())
lab.close()
alone = other("print(lab, bool(lab.check()), lab.ping('node1', 'node3'))")
answer = [said, seen, mended, exam, alone, Lab.open().alive]
""")
    said, seen, _, exam, alone, again = answer
    assert "joined: node1, node2, node3 and outside" in said[0]
    assert "pod-3-2 saw 10.244.1.2" in said[0]
    assert "node3 saw 192.168.1.5" in said[0]
    assert said[1].strip() == exam.strip()
    assert "node1    veth-1-2-br    in" in said[2]
    assert any(line.split()[0] == "outside" for line in said[2].splitlines() if line.startswith("  "))
    assert "LabHeld" in said[4]
    assert "podnet reset" in said[4]
    assert said[5].startswith("outside\n")
    assert seen in said[3], "the holder sees what was done beside it"
    assert "no route" in seen
    assert "joined: node1, node2, node3>" in alone
    assert "True" in alone
    assert "node3 saw 192.168.1.11" in alone
    assert again, "whoever only joined holds nothing"


def test_commands_in_a_terminal_where_no_notebook_has_the_lab_open(vms):
    vms.python("lab = Lab.open(take_over=True); lab.goto('done'); answer = 1")
    assert "30 of 30 ordered pairs reached" in vms.student("podnet check")
    assert "one echo, answered" in vms.student("podnet trace pod-1-2 pod-3-2")
    vms.student("podnet run 'node1: route.remove(\"10.244.3.0/24\")'")
    assert "node1 has no route to 10.244.3.2" in vms.student("podnet explain pod-1-2 pod-3-2", ok=False)
    vms.student("podnet run --stage route")
    assert json.loads(vms.student("podnet matrix --json"))["reached"] == 30
    card = vms.on("node1", "ip -o -4 route show default").split("dev ")[1].split()[0]
    refused = vms.student(f"podnet run --node node1 'link.down(\"{card}\")'", ok=False)
    assert "is how this VM is reached" in refused
    assert "node3# ip netns del pod-3-2" in vms.student("podnet reset")
    assert "notebooks are in fresh" in vms.student("rm -rf fresh; podnet notebooks fresh; rm -rf fresh")


def test_a_lab_that_the_vms_are_not(vms):
    answer = vms.python("""
try:
    Lab.open(nodes=2)
except errors.BadInput as no:
    said = str(no)
with Lab.open(nodes=5, pods=2, where="namespaces", name="five") as lab:
    lab.build()
    answer = [said, bool(lab.check())]
""")
    assert "where='namespaces'" in answer[0]
    assert answer[1]
    assert "the lab is opened on node1" in vms.on(
        "node2", "PYTHONPATH=/opt/podnet python3 -c 'from podnet_lab.backends import choice; choice.kind_to_open(None)'", ok=False
    )
