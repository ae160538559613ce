"""Runs on a node (`test_kept_pods`), with GIVEN before it: the folder of podnet_lab, a Pod, and what is typed."""

import json
import subprocess
import sys
import threading
import time

sys.path.insert(0, GIVEN["folder"])  # noqa: F821

from podnet_lab.kernel import spaces
from podnet_lab.kernel.node_spaces import NodeSpaces

PATIENCE = 15.0
"""Seconds until all Pods are kept: the kernel speaks of carriers once in a second, of its own IPv6 addresses a little later."""

BY_ITSELF = ("fdb",)
"""What bridges learn changes by itself."""


def plain(found):
    """All of a look as plain data, in an order of its own, without what changes by itself."""
    lean = {name: {what: value for what, value in space.items() if what not in BY_ITSELF} for name, space in found.items()}
    for space in lean.values():
        space["neighbours"] = [[address, dev] for address, dev, *_ in space["neighbours"]]  # their state changes by itself
    return json.loads(json.dumps(lean))


def differences(one, other):
    return {
        f"{name} {what}": [one.get(name, {}).get(what), other.get(name, {}).get(what)]
        for name in one.keys() | other.keys()
        for what in one.get(name, other.get(name)).keys() | other.get(name, one.get(name)).keys()
        if one.get(name, {}).get(what) != other.get(name, {}).get(what)
    }


def neither(told, before, after):
    """Where what was told is neither what was so before nor what was so after: some of it changes by itself meanwhile."""
    late = differences(told, after)
    return {what: late[what] for what in differences(told, before) if what in late}


class Teller:
    """Who is told by looks, as a lab is: of one that was not read it has what it was told last."""

    def __init__(self):
        self._keeper, self.seen, self.read = NodeSpaces(), {}, []

    def look(self):
        told, _ = self._keeper.read()
        self.read = [name for name, space in told.items() if name and space is not None]
        self.seen = {name: self.seen[name] if space is None else space for name, space in told.items()}
        return plain(self.seen)


def look(teller, command):
    was = teller.look()
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    whole = plain(spaces.node())
    told, read = teller.look(), teller.read
    again = plain(spaces.node())
    later = teller.look()  # what was said late, of what went on behind the first look
    at_last = plain(spaces.node())
    return {
        "command": command,
        "failed": done.stderr if done.returncode else "",
        "differs": neither(told, whole, again) | neither(later, again, at_last),
        "changed": bool(differences(was, told)),
        "read": read,
    }


def still(teller, command, pods):
    """A look behind which that many Pods were read, once what went before has had its effects; or others, after some seconds."""
    deadline = time.monotonic() + PATIENCE
    while len((seen := look(teller, command))["read"]) != pods and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    return seen


subprocess.run(["bash", "-c", GIVEN["prepare"]], check=True)  # noqa: F821
teller = Teller()
said = {}
for name, commands in GIVEN["changes"].items():  # noqa: F821
    pods = GIVEN["still"].get(name)  # noqa: F821
    said[name] = [look(teller, typed) if pods is None else still(teller, typed, pods) for typed in commands]
print(json.dumps(said))
