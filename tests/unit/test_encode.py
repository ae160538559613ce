"""Our netlink messages against pyroute2's encoding of the same requests."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")
pyroute2 = pytest.importorskip("pyroute2.netlink.rtnl.ifinfmsg", reason="compared with pyroute2's encoders")

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg  # noqa: E402
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # noqa: E402
from pyroute2.netlink.rtnl.ndmsg import ndmsg  # noqa: E402
from pyroute2.netlink.rtnl.rtmsg import rtmsg  # noqa: E402

from podnet_lab.devices.codecs import codec  # noqa: E402
from podnet_lab.devices.nlattr import attribute, attributes  # noqa: E402
from podnet_lab.kernel import encode  # noqa: E402
from podnet_lab.kernel.echo import checksum, echo_request  # noqa: E402

INET, FD, PID = 2, 7, 4242
MAC = "02:00:00:00:00:99"


def theirs(kind, attrs=(), **fields):
    message = kind()
    message.update(fields)
    message["attrs"] = list(attrs)
    message.encode()
    return bytes(message.data)[16:]


def link(*attrs, **fields):
    return ifinfmsg, attrs, fields


def veth_peer(*attrs):
    return (
        "IFLA_LINKINFO",
        {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", {"attrs": list(attrs)})]})]},
    )


def linkinfo(kind):
    return ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", kind)]})


class Lookup:
    """What an agent looks up: here every namespace has one descriptor, every interface one number."""

    index = staticmethod(lambda dev: 3)
    netns = staticmethod(lambda namespace: FD)


def veth(name, **settings):
    return encode.link_add(name, "veth", codec("veth").encode(settings, Lookup))


def route(*attrs, dst_len=24, table=254, proto=3, scope=0, type=1):
    return rtmsg, attrs, {"family": INET, "dst_len": dst_len, "table": table, "proto": proto, "scope": scope, "type": type}


def addr():
    return ifaddrmsg, [("IFA_LOCAL", "10.244.1.2"), ("IFA_ADDRESS", "10.244.1.2")], {"family": INET, "prefixlen": 24, "index": 5}


DST = ("RTA_DST", "10.244.2.0")
VIA = ("RTA_GATEWAY", "192.168.1.12")
NEW, DELETE = 0x600, 0

# (our message, its type, its flags, what pyroute2 is told)
MESSAGES = {
    "bridge": (encode.link_add("v-net-0", "bridge"), 16, NEW, link(("IFLA_IFNAME", "v-net-0"), linkinfo("bridge"))),
    "dummy": (encode.link_add("d", "dummy"), 16, NEW, link(("IFLA_IFNAME", "d"), linkinfo("dummy"))),
    "veth": (veth("a", peer="b"), 16, NEW, link(("IFLA_IFNAME", "a"), veth_peer(("IFLA_IFNAME", "b")))),
    "veth into a namespace": (
        veth("veth-1-2-br", peer="veth-1-2", peer_namespace="pod-1-2"),
        16,
        NEW,
        link(("IFLA_IFNAME", "veth-1-2-br"), veth_peer(("IFLA_IFNAME", "veth-1-2"), ("IFLA_NET_NS_FD", FD))),
    ),
    "veth to a process": (
        veth("a", peer="b", peer_pid=PID),
        16,
        NEW,
        link(("IFLA_IFNAME", "a"), veth_peer(("IFLA_IFNAME", "b"), ("IFLA_NET_NS_PID", PID))),
    ),
    "macvlan": (
        encode.link_add("mv0", "macvlan", struct.pack("=HHI", 8, 1, 4), lower=3, netns=FD),
        16,
        NEW,
        link(
            ("IFLA_IFNAME", "mv0"),
            ("IFLA_LINK", 3),
            ("IFLA_NET_NS_FD", FD),
            (
                "IFLA_LINKINFO",
                {"attrs": [("IFLA_INFO_KIND", "macvlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_MACVLAN_MODE", "bridge")]})]},
            ),
        ),
    ),
    "fdb append": (
        encode.fdb(True, MAC, 5, "192.168.1.12"),
        28,
        0xC00,
        (ndmsg, [("NDA_DST", "192.168.1.12"), ("NDA_LLADDR", MAC)], {"family": 7, "ifindex": 5, "state": 0xC0, "flags": 2}),
    ),
    "fdb del": (
        encode.fdb(False, MAC, 5, "192.168.1.12"),
        29,
        0,
        (ndmsg, [("NDA_DST", "192.168.1.12"), ("NDA_LLADDR", MAC)], {"family": 7, "ifindex": 5, "state": 0xC0, "flags": 2}),
    ),
    "link del": (encode.link_remove("a"), 17, 0, link(("IFLA_IFNAME", "a"))),
    "up": (encode.link_set("a", up=True), 16, 0, link(("IFLA_IFNAME", "a"), flags=1, change=1)),
    "down": (encode.link_set("a", up=False), 16, 0, link(("IFLA_IFNAME", "a"), flags=0, change=1)),
    "arp off": (encode.link_set("a", arp=False), 16, 0, link(("IFLA_IFNAME", "a"), flags=0x80, change=0x80)),
    "arp on": (encode.link_set("a", arp=True), 16, 0, link(("IFLA_IFNAME", "a"), flags=0, change=0x80)),
    "mtu": (encode.link_set("a", mtu=1400), 16, 0, link(("IFLA_IFNAME", "a"), ("IFLA_MTU", 1400))),
    "mac": (encode.link_set("a", mac=MAC), 16, 0, link(("IFLA_IFNAME", "a"), ("IFLA_ADDRESS", MAC))),
    "hairpin": (
        encode.link_set("a", hairpin=True),
        16,
        0,
        link(
            ("IFLA_IFNAME", "a"),
            (
                "IFLA_LINKINFO",
                {"attrs": [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", {"attrs": [("IFLA_BRPORT_MODE", 1)]})]},
            ),
        ),
    ),
    "plug": (encode.link_set("a", master=3), 16, 0, link(("IFLA_IFNAME", "a"), ("IFLA_MASTER", 3))),
    "unplug": (encode.link_set("a", master=0), 16, 0, link(("IFLA_IFNAME", "a"), ("IFLA_MASTER", 0))),
    "move": (encode.link_set("a", to_fd=FD), 16, 0, link(("IFLA_IFNAME", "a"), ("IFLA_NET_NS_FD", FD))),
    "take by descriptor": (
        encode.link_set_netns(7, "eth0", fd=FD),
        16,
        0,
        link(("IFLA_IFNAME", "eth0"), ("IFLA_NET_NS_FD", FD), index=7),
    ),
    "take by process": (
        encode.link_set_netns(7, pid=PID),
        16,
        0,
        link(("IFLA_NET_NS_PID", PID), index=7),
    ),
    "several": (
        encode.link_set("a", up=True, arp=False, mtu=1400, mac=MAC),
        16,
        0,
        link(("IFLA_IFNAME", "a"), ("IFLA_MTU", 1400), ("IFLA_ADDRESS", MAC), flags=0x81, change=0x81),
    ),
    "addr add": (encode.address(True, "10.244.1.2/24", 5), 20, NEW, addr()),
    "addr del": (encode.address(False, "10.244.1.2/24", 5), 21, 0, addr()),
    "route via": (encode.route(True, "10.244.2.0/24", via="192.168.1.12"), 24, NEW, route(DST, VIA)),
    "route onlink": (
        encode.route(True, "10.244.2.0/24", via="192.168.1.12", oif=4, onlink=True),
        24,
        NEW,
        (rtmsg, [DST, ("RTA_OIF", 4), VIA], {**route()[2], "flags": 4}),
    ),
    "route dev": (encode.route(True, "10.244.2.0/24", oif=4), 24, NEW, route(DST, ("RTA_OIF", 4), scope=253)),
    "route via dev": (encode.route(True, "10.244.2.0/24", via="192.168.1.12", oif=4), 24, NEW, route(DST, ("RTA_OIF", 4), VIA)),
    "default": (encode.route(True, "0.0.0.0/0", via="192.168.1.12"), 24, NEW, route(VIA, dst_len=0)),
    "blackhole": (encode.route(True, "10.244.2.0/24", kind="blackhole"), 24, NEW, route(DST, type=6)),
    "metric": (
        encode.route(True, "10.244.2.0/24", via="192.168.1.12", metric=50),
        24,
        NEW,
        route(DST, VIA, ("RTA_PRIORITY", 50)),
    ),
    "small table": (encode.route(True, "10.244.2.0/24", via="192.168.1.12", table=100), 24, NEW, route(DST, VIA, table=100)),
    "big table": (
        encode.route(True, "10.244.2.0/24", via="192.168.1.12", table=1000),
        24,
        NEW,
        route(DST, VIA, ("RTA_TABLE", 1000), table=0),
    ),
    # As ip(8) sends it: no protocol, no scope, and no type unless one is named, so that any route to it fits.
    "route del": (encode.route(False, "10.244.2.0/24"), 25, 0, route(DST, proto=0, scope=255, type=0)),
    "route del via": (encode.route(False, "10.244.2.0/24", via="192.168.1.12"), 25, 0, route(DST, VIA, proto=0, scope=255, type=0)),
    "blackhole del": (
        encode.route(False, "10.244.2.0/24", kind="blackhole"),
        25,
        0,
        route(DST, proto=0, scope=255, type=6),
    ),
    "neighbour": (
        encode.neighbour_add("10.244.1.1", MAC, 5),
        28,
        0x500,
        (ndmsg, [("NDA_DST", "10.244.1.1"), ("NDA_LLADDR", MAC)], {"family": INET, "ifindex": 5, "state": 0x80}),
    ),
    "neighbour del": (
        encode.neighbour_remove("10.244.1.1", 5),
        29,
        0,
        (ndmsg, [("NDA_DST", "10.244.1.1")], {"family": INET, "ifindex": 5}),
    ),
}


def decoded(kind, body):
    """All fields and attributes as pyroute2 reads them, whatever order and padding they have."""
    message = kind(struct.pack("=IHHII", 16 + len(body), 0, 0, 0, 0) + body)
    message.decode()
    return plain(message)


def plain(message):
    if not hasattr(message, "items"):
        return message
    kept = {key: value for key, value in message.items() if key not in ("header", "attrs", "value", "event")}
    return kept | {"attrs": sorted((name, repr(plain(value))) for name, value in message.get("attrs", ()))}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_what_pyroute2_makes_of_the_same(name):
    (kind, flags, body), wanted_kind, wanted_flags, (message, attrs, fields) = MESSAGES[name]
    assert (kind, flags) == (wanted_kind, wanted_flags)
    assert decoded(message, body) == decoded(message, theirs(message, attrs, **fields))


@pytest.mark.parametrize("name", [name for name in MESSAGES if not name.startswith(("veth", "bridge", "dummy", "macvlan"))])
def test_a_flat_message_is_pyroute2s_byte_for_byte(name):
    (_, _, body), _, _, (message, attrs, fields) = MESSAGES[name]
    assert body == theirs(message, attrs, **fields)


def test_every_encoder_is_compared():
    functions = {"link_add", "link_remove", "link_set", "link_set_netns", "address", "route"}
    functions |= {"fdb", "neighbour_add", "neighbour_remove"}
    public = {name for name, one in vars(encode).items() if callable(one) and getattr(one, "__module__", "") == encode.__name__}
    assert {name for name in public if not name.startswith("_")} == functions


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=200), max_size=8))
def test_attributes_come_back_as_they_went(given_attributes):
    data = b"".join(attribute(kind, payload) for kind, payload in given_attributes.items())
    assert len(data) % 4 == 0
    assert attributes(data) == given_attributes
    assert attributes(b"head" + data, 4) == given_attributes


@given(st.integers(0, 0x3FFF), st.binary(max_size=20))
def test_the_nested_flag_is_taken_off(kind, payload):
    assert attributes(attribute(kind | 0x8000, payload)) == {kind: payload}


@given(st.binary(max_size=64))
def test_no_bytes_keep_the_decoder_busy_for_ever(noise):
    assert all(len(payload) <= len(noise) for payload in attributes(noise).values())


@given(st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1))
def test_an_echo_request_is_whole(nonce, number):
    packet = echo_request(nonce, number)
    assert packet[:2] == b"\x08\x00"
    assert checksum(packet) == 0  # a sum over a message with its own checksum (RFC 1071)
    assert packet[8:] == nonce + number.to_bytes(4, "big")
    assert packet[4:6] == nonce[:2]


def test_the_checksum_is_the_internets():
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2  # the example of RFC 1071
    assert checksum(b"\xff\xff" * 40000) == 0
