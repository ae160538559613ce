"""Settings that are read by descriptors that were kept are those that a path leads to."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from podnet_lab.kernel import all_settings, namespaces
from podnet_lab.kernel.all_settings import AllSettings

pytestmark = pytest.mark.lab

PROGRAM = """
import subprocess, sys
from pathlib import Path
from podnet_lab.kernel import namespaces
from podnet_lab.kernel.all_settings import AllSettings

ROOT = Path("/proc/sys/net")

def by_path():
    found = {}
    for path in sorted(one for one in ROOT.rglob("*") if one.is_file()):
        try:
            with path.open("r+"):
                found[str(path.relative_to(ROOT))] = path.read_text().strip()
        except OSError:
            pass
    return found

settings = AllSettings()

def same(why):
    for turn in range(3):
        read, told = settings.read(), by_path()
        assert len(told) > 300, len(told)
        assert read == told, (why, turn, {path: (read.get(path), told.get(path)) for path in read.keys() ^ told.keys()})

def sh(line):
    subprocess.run(["sh", "-ec", line], check=True)
    same(line)

same("at first")
sh("ip link add one type veth peer name two")
sh("sysctl -qw net.ipv4.conf.one.rp_filter=2 net.ipv6.conf.one.accept_ra=0 net.ipv4.neigh.one.gc_stale_time=77")
sh("ip link del one; ip link add one type veth peer name two")
sh("ip link set one name three; ip link set two name one")
sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.default.rp_filter=1")
sh("ip link add 'a.b' type bridge; sysctl -qw net/ipv4/conf/a.b/proxy_arp=1")
sh("ip link del a.b")
first = settings.read()
namespaces.unshare()
same("in another namespace")
assert settings.read()["ipv4/ip_forward"] != first["ipv4/ip_forward"]
"""


def in_a_namespace(program: str, descriptors: int) -> None:
    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "--mount", os.sys.executable, "-c", program],
        preexec_fn=limited, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("descriptors", [256, 1024, 16000])
def test_they_are_what_their_paths_say_whatever_becomes_of_interfaces(descriptors):
    in_a_namespace(PROGRAM, descriptors)


def test_descriptors_are_kept_from_the_second_look_on_as_many_as_are_allowed(monkeypatch):
    monkeypatch.setattr(all_settings, "descriptors_for_settings", lambda: 40)
    settings, before = AllSettings(), len(os.listdir("/proc/self/fd"))
    looks = []
    for _ in range(3):
        settings.read()
        looks.append(len(os.listdir("/proc/self/fd")) - before)
    assert looks == [0, 40, 40]
    monkeypatch.setattr(namespaces, "HERE", "/proc/self/ns/mnt")  # as if it were another namespace
    settings.read()
    assert len(os.listdir("/proc/self/fd")) == before
