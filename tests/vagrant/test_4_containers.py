"""Real containers in the VMs: each node's own containerd, asked from node1; its Pods are Pods of the lab."""

from vagrant.vms import NODES

POD_ON_EACH = """
lab = Lab.open(take_over=True)
lab.reset()
lab.goto("done")
for node in NODES:
    lab[node].shell("rm -f /run/cni/net.d/*")
    lab.containers(node).start()
    lab.containers(node).run(f"web-{node[-1]}")
"""


def test_a_pod_of_each_nodes_containerd_is_a_pod_of_the_lab(vms):
    """Beside the lesson's own, and reached by them, whichever node it is on; a program in it runs."""
    answer = vms.python(f"""
NODES = {NODES}
{POD_ON_EACH}
matrix = lab.matrix()
names = {{node: [pod.name for pod in seen.pods] for node, seen in lab.snapshot().items()}}
said = {{node: lab.containers(node).exec(f"web-{{node[-1]}}", "hostname").out.strip() for node in NODES}}
ready = lab.containers("node2").status()
ways = [bool(lab.explain("web-1", "web-3")), str(lab.trace("pod-1-2", "web-2"))]
answer = [bool(matrix), len(list(matrix)), names, said, ready, ways, [pod.ip for pod in lab.containers("node3").pods()]]
""")
    matrix, pairs, names, said, ready, ways, addresses = answer
    assert matrix
    endpoints = 6 + len(NODES)
    assert pairs == endpoints * (endpoints - 1)
    assert names == {node: [f"pod-{node[-1]}-2", f"pod-{node[-1]}-3", f"web-{node[-1]}"] for node in NODES}
    assert said == {node: f"web-{node[-1]}" for node in NODES}
    assert ready == {"RuntimeReady": "yes", "NetworkReady": "yes"}
    assert ways[0]
    assert "pod-1-2 → web-2: one echo, answered" in ways[1]
    assert addresses == ["10.244.3.128"]


def test_one_that_a_plugin_refuses_is_told_in_containerds_words(vms):
    said = vms.python("""
lab = Lab.open(take_over=True)
runtime = lab.containers("node2")
runtime.start({"cniVersion": "1.0.0", "name": "mine", "plugins": [{"type": "nowhere"}]})
try:
    runtime.run("late")
    answer = ""
except errors.PluginFailed as refused:
    answer = str(refused)
""")
    assert 'failed to find plugin "nowhere"' in said


def test_reset_ends_them_and_leaves_nothing(vms):
    vms.python(f"NODES = {NODES}\n{POD_ON_EACH}\nanswer = 1")
    vms.student("podnet reset --take-over")
    for node in NODES:
        assert vms.on(node, "ip netns list; ls /run/podnet 2> /dev/null; ps -eo comm= | grep -E 'containerd|crun'; true") == ""
        assert vms.on(node, "grep -c containerd /proc/self/mountinfo; true").strip() == "0"
    assert vms.student("podnet reset") == "nothing to do: the lab is as it was opened\n"
