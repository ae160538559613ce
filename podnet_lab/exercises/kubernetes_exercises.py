"""Exercises of notebook 13: a node that stays NotReady, and one that is Ready and starts no Pod. Neither needs a Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network

from podnet_lab.checks.check import Check
from podnet_lab.cni.conflist import NetworkList
from podnet_lab.cni.installation import BIN, PROGRAM
from podnet_lab.errors import BadInput, PodnetError
from podnet_lab.exercises.claims import reaches
from podnet_lab.exercises.exercise import Cluster, Exercise, Mistake

NODE, FOLDER, POD, PLUGIN = "node1", "/run/cni/net.d", "trial", "my-plugin"
OLD, MINE = f"{FOLDER}/05-old.conflist", f"{FOLDER}/10-mine.conflist"
ABSENT = "bandwith"
"""A program behind the plugin that is nowhere; the one that is meant has one letter more, and is not here, either."""

MOST = 1 << 16
"""Bytes of a file that is read."""

LOADS = f"the first file in {FOLDER}, by its name, is a list of plugins"
SUBNET = "the addresses that it gives out are of node1's own subnet"
STARTS = "the first program that it names can be started"
OTHERS = "and so can each that it names behind that"
ADDED = "a Pod that is added by it gets an address"

_PROGRAM = f"#!/bin/sh\nexec {BIN}/{PROGRAM}\n"


def _anywhere(_: Cluster) -> bool:
    """No snapshot shows what is in a file: at which claim it fails, does."""
    return True


def _text(lab, node: str, *behind: dict) -> str:
    """A list of a node's own, each plugin on a line."""
    listed = lab.runtime(node).conflist(*behind, version="1.0.0", plugin=PLUGIN)
    plugins = ",\n".join(json.dumps(plugin) for plugin in listed["plugins"])
    return f'{{"cniVersion": "{listed["cniVersion"]}", "name": "{listed["name"]}", "plugins": [\n{plugins}\n]}}\n'


def _put(lab, files: dict[str, str]) -> None:
    runtime = lab.runtime(NODE)
    runtime.install()
    runtime.put(PLUGIN, _PROGRAM)
    lab[NODE].shell(f"rm -rf {FOLDER}; mkdir -p {FOLDER}")
    for path, text in files.items():
        lab[NODE].shell(f"cat > {path} <<'EOF'\n{text}EOF")


def _first(lab) -> NetworkList:
    """What a runtime goes by: of the files with its endings the first by name, as containerd's go-cni takes them."""
    name = lab[NODE].shell(f"cd {FOLDER} && LC_ALL=C ls | grep -E '[.](conf|conflist|json)$' | head -1; true").strip()
    text = lab[NODE].read_file(f"{FOLDER}/{name}", MOST) if name else None
    if text is None:
        raise BadInput("there is none that can be read")
    try:
        return NetworkList.read(text)
    except BadInput as wrong:
        raise BadInput(f"{name}: {wrong}") from None


def _subnet(lab, listed: NetworkList) -> str | None:
    """What is wrong with the addresses of a list's first plugin."""
    own, ipam = lab.plan[NODE].subnet, listed.plugins[0].get("ipam")
    try:
        asked = IPv4Network(ipam["subnet"])
    except (TypeError, KeyError, ValueError):
        return "there is no ipam with a subnet"
    return None if asked.subnet_of(own) else f"they are of {asked}, and node1 has {own}"


def _startable(lab, programs: tuple[str, ...]) -> str | None:
    """Of which program that is not so; none without all of them."""
    for program in programs:
        if not lab[NODE].shell(f'test -f "{BIN}/{program}" && test -x "{BIN}/{program}" && echo yes; true'):
            return f"{BIN}/{program} can not"
    return None


def _check(lab) -> Iterator[Check]:
    try:
        listed = _first(lab)
    except BadInput as wrong:
        yield Check(LOADS, str(wrong))
        return
    yield Check(LOADS)
    yield Check(SUBNET, _subnet(lab, listed))
    yield Check(STARTS, _startable(lab, listed.types[:1]))
    yield Check(OTHERS, _startable(lab, listed.types[1:]))
    runtime, values = lab.runtime(NODE), json.loads(listed.text)
    try:
        added = runtime.add(POD, values)
        claims = [Check(ADDED, None if added else str(added).strip().splitlines()[-1])]
        claims += [reaches(lab, POD, "pod-2-2"), reaches(lab, "pod-3-2", POD)] if added else []
    except PodnetError as failed:
        claims = [Check(ADDED, str(failed))]
    finally:
        runtime.delete(POD, values)
        lab[NODE].shell(f"ip netns del {POD} 2> /dev/null; true")
    yield from claims


def _not_ready(lab) -> str:
    _put(lab, {OLD: '{"cniVersion": "1.0.0", "name": "old", "plugins": []}\n', MINE: _text(lab, "node2")})
    return "A kubelet would say: cni plugin not initialized. There is no Kubernetes here: what is in the folder says it all."


NOT_READY = Exercise(
    "kubernetes-1",
    "A node that stays NotReady",
    f"node1 is NotReady, though somebody has copied the conflist from a node that is Ready. Its folder is {FOLDER}, and its plugin, "
    f"{BIN}/{PLUGIN}, is in order.\nBring node1 so far that its runtime has a network, and that its Pods reach all others.",
    _check,
    (
        "Which file does a runtime read, if there are several? And what in a conflist is another thing on each node?",
        f"`head {FOLDER}/*` on node1; and `ip -br addr show v-net-0`",
        rf"on node1: `rm {OLD}; sed -i 's/10\.244\.2\./10.244.1./g' {MINE}`",
    ),
    (
        Mistake(
            "the neighbour's addresses",
            _anywhere,
            "It would be Ready now. Whose subnet is in the file that was copied, and where do the other nodes send what is for it?",
            fails=SUBNET,
        ),
    ),
    start="done",
    prepare=_not_ready,
)


def _ready(lab) -> str:
    _put(lab, {MINE: _text(lab, NODE, {"type": ABSENT})})
    lab[NODE].shell(f"chmod -x {BIN}/{PLUGIN}")
    return "A kubelet would say: failed to create pod sandbox. There is no Kubernetes here: the folder and the programs say it all."


NO_POD_STARTS = Exercise(
    "kubernetes-2",
    "Ready, and no Pod starts",
    f"node1 is Ready, and each Pod that is sent there waits for ever. The folder {FOLDER} has one file, and it is a good list of plugins.\n"
    "Have Pods start there again, without what the node does not have.",
    _check,
    (
        "Ready is a node by a file. Who has tried the programs that it names, and what has to be true of each of them?",
        f"`cat {MINE}; ls -l {BIN}` on node1",
        f"on node1: `chmod +x {BIN}/{PLUGIN}; sed -i '/{ABSENT}/d; s/}}}},$/}}}}/' {MINE}`",
    ),
    (
        Mistake(
            "the first alone",
            _anywhere,
            "A list is called from its beginning to its end, and a Pod starts if all of it has worked. What else is in it?",
            fails=OTHERS,
        ),
    ),
    start="done",
    prepare=_ready,
)

EXERCISES = (NOT_READY, NO_POD_STARTS)
