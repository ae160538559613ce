"""What somebody did and no step says is named by by_hand, whatever it is: there is no "nothing has changed" where something has."""

import re

import pytest

from live.helpers import VMS, podnet, stable
from podnet_lab import Lab, address, bridge, link, namespace, route
from podnet_lab.errors import ShellFailed

pytestmark = pytest.mark.skipif(VMS, reason="what is typed names eth0, and what a VM has is its owner's")


@pytest.fixture(scope="module")
def opened():
    with Lab.open(name="named", nodes=1, pods=1) as lab:
        yield lab


@pytest.fixture
def done(opened):
    opened.goto("done")
    return opened


def said(lab, command):
    """What is typed, and what is named, after a command; since a look just before it."""
    since = lab.parts.handwriting.look()
    lab["node1"].shell(command)
    typed = lab.parts.handwriting.since(since)
    return [one.step.command for one in typed.typed], list(typed.unsaid)


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("bridge fdb add 02:00:00:00:00:55 dev veth-1-2-br master static", "bridge fdb 02:00:00:00:00:55 dev veth-1-2-br is there"),
        ("bridge fdb add 02:00:00:00:00:57 dev eth0 self permanent", "bridge fdb 02:00:00:00:00:57 dev eth0 is there"),
        ("ip link set v-net-0 type bridge stp_state 1", "stp_state of the bridge v-net-0 is 1, not 0"),
        ("ip link set v-net-0 type bridge ageing_time 5000", "ageing_time of the bridge v-net-0 is 5000, not 30000"),
        ("ip link set v-net-0 type bridge priority 77", "priority of the bridge v-net-0 is 77, not 32768"),
        ("ip link set v-net-0 type bridge mcast_snooping 0", "mcast_snooping of the bridge v-net-0 is 0, not 1"),
        ("ip link set v-net-0 address 02:11:11:11:11:11", "the MAC of v-net-0 is 02:11:11:11:11:11, and not its ports'"),
        ("bridge link set dev veth-1-2-br cost 77", "cost of the bridge's port veth-1-2-br is 77, not 2"),
        ("bridge link set dev veth-1-2-br priority 3", "priority of the bridge's port veth-1-2-br is 3, not 32"),
        ("echo 192.0.2.1 some >>/etc/hosts", "the file /etc/hosts is not as it was"),
        ("echo nameserver 192.0.2.1 >>/etc/resolv.conf", "the file /etc/resolv.conf is not as it was"),
        ("mkdir -p /etc/netns/a; echo >/etc/netns/a/resolv.conf", "the file /etc/netns/a/resolv.conf is there"),
        ("touch /run/netns/fake", "a name without a namespace of its own, /run/netns/fake, is there"),
        ("ip netns attach me $$", "a name without a namespace of its own, /run/netns/me, is there"),
    ],
)
def test_what_no_step_says_is_named(done, command, named):
    assert said(done, command) == ([], [f"node1: {named}"])


def test_a_new_bridge_is_as_any_other(opened):
    """Also its port's cost, which the kernel gives by the interface's speed."""
    opened.reset()
    made = "ip link add br0 type bridge; ip link add cab0 type veth peer name cab1; ip link set cab0 master br0; ip link set cab0 up"
    assert (
        said(opened, f"{made}; ip link add if0 type ifb; ip link add t0 type vxlan id 7 dstport 4789; ip link set t0 master br0")[1] == []
    )


def test_what_is_unlike_a_new_one_is_named(opened):
    opened.reset()
    made = "ip link add br0 type bridge stp_state 1; ip link add cab0 type veth peer name cab1; ip link set cab0 master br0"
    _, unsaid = said(opened, f"{made}; bridge link set dev cab0 priority 5")
    assert unsaid == [
        "node1: stp_state of the bridge br0 is 1",
        "node1: priority of the bridge's port cab0 is 5",
    ]


def test_what_the_kernel_writes_for_a_macvlan_is_nobodys(opened):
    """The interface below it listens to its MAC, wherever it is."""
    opened.reset()
    typed, unsaid = said(opened, "ip netns add a; ip link add mac0 link eth0 netns a type macvlan mode bridge; ip -n a link set mac0 up")
    assert (typed[0], unsaid) == ("ip netns add a", [])


def test_what_a_reset_takes_away_was_named(done):
    done["node1"].shell("touch /run/netns/fake; bridge fdb add 02:00:00:00:00:57 dev eth0 self permanent")
    named = done.by_hand(done.snapshot()).unsaid
    lines = done.reset().undone
    assert "node1# rm /run/netns/fake" in lines
    assert [line for line in named if "/run/netns/fake" in line]
    assert "node1# bridge fdb del 02:00:00:00:00:57 dev eth0" in lines
    assert [line for line in named if "02:00:00:00:00:57 dev eth0" in line]
    again = done.by_hand(done.snapshot()).unsaid
    assert not [line for line in again if "fake" in line or "57" in line]


def test_what_is_done_outside_is_said(opened):
    opened.reset()
    ran = podnet("by-hand", "--lab", "named", "outside", "ip addr add 10.5.5.5/24 dev lo", seconds=90)
    assert (ran.returncode, ran.stdout) == (0, "outside# ip addr add 10.5.5.5/24 dev lo\n")
    since = opened.snapshot("outside")
    opened["outside"].shell("ip addr del 10.5.5.5/24 dev lo")
    assert str(opened.by_hand(since)) == "outside# ip addr del 10.5.5.5/24 dev lo"


@pytest.mark.parametrize(("number", "status"), [(9, 137), (15, 143)])
def test_the_exit_status_of_a_shell_that_a_signal_ended_is_a_shells(opened, number, status):
    assert podnet("by-hand", "--lab", "named", "node1", f"kill -{number} $$", seconds=90).returncode == status
    # `podnet shell` has become that program, and ends by the signal itself, which is the same to a shell.
    assert podnet("shell", "--lab", "named", "node1", f"kill -{number} $$").returncode == -number
    with pytest.raises(ShellFailed, match=f"ended with status {status}$"):
        opened["node1"].shell(f"kill -{number} $$")


def test_a_new_address_comes_before_the_last_one_goes(done):
    """With the last address of an interface all its routes would go, and their gateways would be near no more."""
    done["node1"].shell("ip route add 10.90.0.0/24 via 192.168.1.12")
    since = done.snapshot()
    done["node1"].shell("ip addr add 10.95.0.1/24 dev eth0; ip addr del 192.168.1.11/24 dev eth0")
    typed = done.by_hand(since)
    assert [one.step.command for one in typed.typed] == ["ip addr add 10.95.0.1/24 dev eth0", "ip addr del 192.168.1.11/24 dev eth0"]
    after = stable(done["node1"].snapshot())
    done.goto("done")
    done["node1"].shell("ip route add 10.90.0.0/24 via 192.168.1.12")
    done["node1"].shell(typed.script("node1"))
    assert stable(done["node1"].snapshot()) == after
    assert "10.90.0.0/24" in str(after)


@pytest.mark.parametrize(
    "command",
    [
        "ip addr add 192.168.1.50/24 dev eth0; ip addr del 192.168.1.11/24 dev eth0",
        "ip addr add 192.168.1.11/16 dev eth0; ip addr del 192.168.1.11/24 dev eth0",
        "sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1; ip addr add 192.168.1.50/24 dev eth0; ip addr del 192.168.1.11/24 dev eth0",
        "ip addr add 192.168.1.12/24 dev eth0; ip addr add 10.95.0.1/24 dev eth0; ip addr del 192.168.1.11/24 dev eth0",
    ],
)
def test_whatever_becomes_of_addresses_what_is_typed_leads_there(done, command):
    done["node1"].shell("ip route add 10.90.0.0/24 via 192.168.1.13")
    since = done.snapshot()
    done["node1"].shell(command)
    typed, after = done.by_hand(since), stable(done["node1"].snapshot())
    done.goto("done")
    done["node1"].shell("ip route add 10.90.0.0/24 via 192.168.1.13")
    done["node1"].shell(typed.script("node1"))
    assert stable(done["node1"].snapshot()) == after


def test_the_route_that_comes_with_an_address_is_taken_away_in_the_same_run(done):
    since = done.snapshot()
    done["node1"].shell("ip addr add 10.98.0.1/24 noprefixroute dev eth0")
    typed, after = done.by_hand(since), stable(done["node1"].snapshot())
    assert [one.step.command for one in typed.typed] == ["ip addr add 10.98.0.1/24 dev eth0", "ip route del 10.98.0.0/24 dev eth0"]
    done.goto("done")
    before = stable(done["node1"].snapshot())
    done.run(typed.steps)
    assert stable(done["node1"].snapshot()) == after
    done.undo()
    assert stable(done["node1"].snapshot()) == before


def test_what_a_loopback_gets_by_itself_is_taken_away_in_the_same_run(opened):
    opened.reset()
    opened["node1"].run(namespace.add("a"), link.up("lo", "a"), address.remove("127.0.0.1/8", "lo", "a"))
    assert opened["node1"].snapshot().spaces["a"].addresses == ()


def test_a_route_that_does_not_come_is_not_taken_away(opened):
    """An interface that is down gives an address no route."""
    opened.reset()
    opened["node1"].run(bridge.add("br0"), address.add("10.9.0.1/24", "br0"), route.remove("10.9.0.0/24", dev="br0"))
    assert [str(one) for one in opened["node1"].snapshot().own.addresses if one.dev == "br0"]


def test_who_made_a_route_is_said(done):
    command = "ip route add 10.77.0.0/24 via 192.168.1.12 proto static"
    assert said(done, command) == ([command], [])
    since = done.parts.handwriting.look()
    done["node1"].shell("ip route del 10.77.0.0/24")
    typed = done.parts.handwriting.since(since)
    assert typed.typed[0].step.command.startswith("ip route del 10.77.0.0/24 via 192.168.1.12")
    assert typed.records[0]["undo"] == [f"{command.replace(' proto', ' dev eth0 proto')}"]


@pytest.mark.parametrize(
    ("options", "named"),
    [("noprefixroute", "noprefixroute"), ("valid_lft 1000 preferred_lft 500", r"valid_lft (1000|99\d) preferred_lft (500|49\d)")],
)
def test_what_a_step_does_not_say_of_an_address_is_named(done, options, named):
    steps, unsaid = said(done, f"ip addr add 10.97.0.1/24 dev eth0 {options}")
    assert steps[0] == "ip addr add 10.97.0.1/24 dev eth0"
    assert len(unsaid) == 1
    assert re.fullmatch(f"node1: ip addr 10.97.0.1/24 dev eth0 {named} is there", unsaid[0])
