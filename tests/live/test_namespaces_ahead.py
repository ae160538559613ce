"""Namespaces of a long recipe are made beside its other work; what a refusal leaves is what it leaves without."""

import subprocess
import sys

import pytest

from live.helpers import environment
from podnet_lab.backends.agent_client import Refusal
from podnet_lab.kernel.namespaces_ahead import AHEAD, FEW

MANY = 4 * FEW


def adds(numbers):
    return [["namespace_add", None, {"name": f"red-{number}"}] for number in numbers]


def apply(lab, requests):
    return lab.parts.core.agents["node1"].call("apply", requests=requests)


def there(lab):
    return sorted(lab["node1"].shell("ip netns list | cut -d' ' -f1").split())


def named(numbers):
    return sorted(f"red-{number}" for number in numbers)


def test_many_are_made_and_each_is_its_own(lab):
    apply(lab, [one for number in range(MANY) for one in (*adds([number]), _cable(number))])
    assert there(lab) == named(range(MANY))
    inside = lab["node1"].shell(f"for n in $(seq 0 {MANY - 1}); do ip -n red-$n -br link show eth9; done").split()
    assert sum(word.startswith("eth9@") for word in inside) == MANY
    spaces = lab["node1"].shell("stat -Lc %i /run/netns/red-*").split()
    assert len(set(spaces)) == MANY


def _cable(number):
    return ["link_add", None, {"name": f"cable{number}", "kind": "veth", "settings": {"peer": "eth9", "peer_namespace": f"red-{number}"}}]


@pytest.mark.parametrize("at", [0, 1, FEW, MANY - 1])
def test_a_refusal_between_them_leaves_none_that_was_not_yet_asked_for(lab, at):
    wrong = ["link_remove", None, {"name": "nothing"}]
    with pytest.raises(Refusal) as refused:
        apply(lab, [*adds(range(at)), wrong, *adds(range(at, MANY))])
    assert refused.value.position == at
    assert there(lab) == named(range(at))


@pytest.mark.parametrize("at", [0, AHEAD, MANY - 1])
def test_a_name_that_is_taken_stops_there(lab, at):
    lab["node1"].shell(f"ip netns add red-{at}")
    with pytest.raises(Refusal) as refused:
        apply(lab, adds(range(MANY)))
    assert (refused.value.position, refused.value.code) == (at, 17)
    assert there(lab) == named(range(at + 1))


def test_one_that_is_made_again_in_between_is(lab):
    again = [["namespace_remove", None, {"name": "red-0"}], *adds([0])]
    apply(lab, [*adds(range(MANY)), *again])
    assert there(lab) == named(range(MANY))


def test_one_beyond_what_is_allowed_stops_there(tmp_path):
    """user.max_net_namespaces, which is said in the lab's own user namespace."""
    script = f"""
import sys
from podnet_lab import Lab
from podnet_lab.backends.agent_client import Refusal
with Lab.open(nodes=1, pods=1, name="few", where="namespaces") as lab:
    lab["node1"].shell("sysctl -qw user.max_net_namespaces=20")
    try:
        lab.parts.core.agents["node1"].call("apply", requests=[["namespace_add", None, {{"name": f"red-{{n}}"}}] for n in range({MANY})])
    except Refusal as refused:
        made = lab["node1"].shell("ip netns list | wc -l").strip()
        print(refused.code, refused.position == int(made), 0 < refused.position < 20)
"""
    own = environment() | {"XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, env=own)
    assert done.stdout == "28 True True\n", done.stderr  # ENOSPC


def test_what_can_not_be_made_inside_leaves_no_namespace_and_is_told_as_what_it_is(tmp_path):
    """As where no more files may be open: a namespace that is mounted already goes again."""
    script = """
import errno, os
from podnet_lab.kernel import namespaces
def refuse():
    raise OSError(errno.EMFILE, "too many")
try:
    namespaces.add("red", refuse)
except OSError as error:
    print(error.errno == errno.EMFILE, namespaces.names())
"""
    command = ["unshare", "-Urnm", "sh", "-c", 'mount -t tmpfs none /run && exec "$0" -c "$1"', sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment())
    assert done.stdout == "True []\n", done.stderr
