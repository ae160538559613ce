"""What a process loads is what it uses: whoever wires Pods, or looks at them, loads no Kubernetes, and no picture."""

import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import podnet_lab

OPENED = ["backends", "checks", "daemons", "devices", "kernel", "lab", "model", "networks", "plan", "recipes", "steps"]
"""The rooms that a lab is made of."""

WORDS = ["errors", "name_suggestions", "node_file_paths", "pod_subnets", "printable_names", "typed_arguments", "valid_names"]
"""Files beside the rooms, which any of them may need."""

NEVER = [
    *("kernel.agent", "kernel.agent_channel", "kernel.read", "kernel.vm", "backends.joined", "backends.vms", "backends.doctor"),
    *("networks.calico.*", "networks.flannel.*", "daemons.bird", "daemons.etcd", "daemons.dnsmasq", "daemons.containerd"),
    *("lab.kubernetes_*", "lab.cni_*", "lab.containers", "lab.packet_tracer", "lab.service_traffic", "lab.network_policies"),
    *("lab.fault_injection", "lab.handwriting", "lab.notebook_widgets", "lab.pictures", "lab.explainer", "lab.evidence_rounds"),
    *(
        "recipes.by_hand",
        "recipes.predict*",
        "model.close_look",
        "model.decode_look",
        "model.firewall",
        "model.iptables*",
        "model.ebtables",
    ),
]
"""Modules of those rooms that neither opening a lab, nor wiring, checking and undoing the lesson's network, needs."""

EVIDENCE = [
    *("lab.evidence_rounds", "model.close_look", "model.decode_look", "model.firewall", "model.iptables*", "model.ebtables", "daemons.bird")
]
"""Those of them that an explanation needs."""

ELSEWHERE = ["asyncio", "csv", "html", "http", "multiprocessing", "platform", "pyroute2", "secrets", "ssl", "tarfile", "IPython", "click"]
"""Modules of others that only what is loaded later needs."""

USES = {
    "Lab": ("from podnet_lab import Lab", []),
    "open": ("lab = Lab.open(name='loads')", []),
    "wire and check": ("lab.goto('done'); lab.check(); lab.check('bridge'); lab.ping('pod-1-2', 'pod-2-2')", ["exercises"]),
    "step and undo": ("lab['node1'].run(podnet_lab.namespace.add('b')); lab.undo(); lab.reset()", []),
}
"""What one process does, one after the other, and the rooms that each may load beside those before it."""

TOLD = "; print(*(name for name in sys.modules if name not in before)); before = set(sys.modules)"


@pytest.fixture(scope="module")
def loaded():
    """The modules that each use has loaded, in a process of its own."""
    lines = ["import sys; import podnet_lab; before = set()", *(code + TOLD for code, _ in USES.values()), "lab.close()"]
    ran = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True, timeout=60)
    return {use: set(line.split()) for use, line in zip(USES, ran.stdout.splitlines(), strict=True)}


def own(modules):
    """The modules of podnet_lab, without its name."""
    return {name.removeprefix("podnet_lab.") for name in modules if name.startswith("podnet_lab.")}


@pytest.mark.parametrize("use", USES)
def test_a_use_loads_no_room_that_it_does_not_need(loaded, use):
    allowed = {*OPENED, *WORDS, *(room for _, rooms in USES.values() for room in rooms)}
    if use in ("Lab", "open"):
        allowed = {*OPENED, *WORDS}
    assert {name for name in own(loaded[use]) if name.partition(".")[0] not in allowed} == set()


@pytest.mark.parametrize("use", USES)
def test_a_use_loads_no_part_that_it_does_not_need(loaded, use):
    assert {name for name in own(loaded[use]) if any(fnmatchcase(name, pattern) for pattern in NEVER)} == set()
    assert {name for name in loaded[use] if name.partition(".")[0] in ELSEWHERE} == set()


def test_what_takes_a_run_is_not_loaded_by_opening_a_lab(loaded):
    assert own(loaded["Lab"]) & {"lab.run_steps", "recipes.reconcile", "checks.reachability", "lab.observe"} == set()
    assert "lab.observe" in own(loaded["wire and check"]), "what is used is seen"


COMMANDS = {
    "check": ["lab.observe"],
    "check --stage bridge": ["lab.observe"],
    "explain pod-1-2 pod-2-2": ["lab.explainer", "explain.*"],
    "run --node node1 forwarding.on()": ["lab.run_steps"],
    "run --stage bridge --dry-run": [],
}
"""Commands, and modules by which it is seen that what is loaded is seen."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_what_it_needs(wired, command):
    """It joins the lab, which takes `backends.joined`; and `podnet run` reads steps of any kind."""
    arguments, needs = command.split(), COMMANDS[command]
    code = "import atexit, sys; from podnet_lab.cli import main; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    modules = own(ran.stderr.splitlines()[-1].split())
    rooms = {*OPENED, *WORDS, "cli", "exercises", *(("explain",) if arguments[0] == "explain" else ()), "grading"}
    assert {name for name in modules if name.partition(".")[0] not in rooms} == set()
    never = {*NEVER} - {"backends.joined", "backends.vms", *needs, *(EVIDENCE if arguments[0] == "explain" else ())}
    if arguments[0] == "run":
        never -= {"daemons.bird", "daemons.etcd", "daemons.dnsmasq", "daemons.containerd"}
    assert {name for name in modules if any(fnmatchcase(name, pattern) for pattern in never)} == set()
    assert all(any(fnmatchcase(name, pattern) for name in modules) for pattern in needs), "what is used is seen"


@pytest.mark.parametrize("pattern", NEVER)
def test_what_is_not_to_be_loaded_exists(pattern):
    root = Path(podnet_lab.__path__[0])
    files = {".".join(path.relative_to(root).with_suffix("").parts) for path in root.rglob("*.py")}
    assert [name for name in files if fnmatchcase(name, pattern)]
