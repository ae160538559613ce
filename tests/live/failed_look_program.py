"""Runs on a node (`test_failed_look`), with FOLDER before it: a look that fails."""

import errno
import json
import os
import resource
import subprocess
import sys
import threading

sys.path.insert(0, FOLDER)  # noqa: F821

from podnet_lab.kernel import spaces
from podnet_lab.kernel.node_spaces import NodeSpaces

MADE = """set -e
ip netns add NAME; ip -n NAME link set lo up
ip link add NAME-a type veth peer name eth0 netns NAME; ip link set NAME-a up; ip -n NAME link set eth0 up
ip -n NAME addr add ADDRESS dev eth0"""


def typed(command):
    subprocess.run(["bash", "-c", command], check=True)


def made(name, address):
    typed(MADE.replace("NAME", name).replace("ADDRESS", address))


def once_before(holder, name, do):
    """Have *do* done once, right before the function *name* of *holder* is called for the first time from now on."""
    function = getattr(holder, name)

    def first(*arguments, **options):
        setattr(holder, name, function)
        do()
        return function(*arguments, **options)

    setattr(holder, name, first)


def kept_by(keeper, name):
    """Look until *name* is not read again; a carrier that has come is told within a second."""
    for _ in range(200):
        told, _ = keeper.read()
        if told[name] is None:
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"{name} is read each time")


def fail():
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def neighbours_after_a_look_that_failed():
    made("asks", "10.72.0.1/24")
    keeper = NodeSpaces()
    kept_by(keeper, "asks")
    typed("ip netns exec asks bash -c 'echo x > /dev/udp/10.72.0.9/9'")
    once_before(spaces.Look, "read", fail)
    try:
        keeper.read()
    except OSError:
        return [address for address, *_ in (keeper.read()[0]["asks"] or {"neighbours": ()})["neighbours"]]
    raise AssertionError("it did not fail")


def looks_with_few_descriptors():
    """As many as a whole look needs, and ten more: how many Pods each of three looks tells."""
    for number in range(20):
        made(f"few{number}", f"10.73.{number}.1/24")
    kept_by(NodeSpaces(), "few19")  # carriers are told: what is kept from here on stays so
    most = 2 * len(spaces.places()) + len(os.listdir("/proc/self/fd")) + 10
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    keeper = NodeSpaces()
    return [sum(name.startswith("few") for name in keeper.read()[0]) for _ in range(3)]


print(json.dumps([neighbours_after_a_look_that_failed(), looks_with_few_descriptors()]))
