"""Calico's names and configuration, and what BIRD says as a value: without a kernel, and without a BIRD."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from podnet_lab import forwarding, route
from podnet_lab.errors import BadInput
from podnet_lab.model.bgp import speaker
from podnet_lab.model.route import BIRD, FELIX, Route
from podnet_lab.networks import registry
from podnet_lab.networks.calico import bird_config, names
from podnet_lab.plan import Node, Pod
from podnet_lab.show.bgp_table import BgpTable

PLAN = registry.find("calico").plan(3, 2)

PROTOCOLS = """\
Name       Proto      Table      State  Since         Info
device1    Device     ---        up     05:06:33.944
kernel1    Kernel     master4    up     05:06:33.945
  Channel ipv4
    State:          UP
Mesh_192_168_1_11 BGP        ---        up     05:06:34.736  Established
  BGP state:          Established
    Neighbor address: 192.168.1.11
    Neighbor AS:      64512
    Local AS:         64512
    Hold timer:       5.541/9

Mesh_192_168_1_13 BGP        ---        start  05:06:45.012  Active        Socket: Connection refused
  BGP state:          Active
    Neighbor address: 192.168.1.13
    Neighbor AS:      64512
    Local AS:         64512
    Last error:       Socket: Connection refused

Mesh_192_168_1_14 BGP        ---        down   05:06:38.036
  BGP state:          Down
    Neighbor address: 192.168.1.14
    Neighbor AS:      64512
    Local AS:         64512
"""
HEARD = """\
Table master4:
10.244.1.0/26        unicast [Mesh_192_168_1_11 05:06:34.886] * (100) [i]
\tvia 192.168.1.11 on eth0
\tType: BGP univ
\tBGP.origin: IGP
\tBGP.next_hop: 192.168.1.11
\tBGP.local_pref: 100
"""
ANNOUNCED = "Table master4:\n10.244.2.0/26        blackhole [static1 05:06:33.944] * (200)\n"
TOLD = {
    "status": "BIRD 2.0.12\nRouter ID is 192.168.1.12\n",
    "protocols": PROTOCOLS,
    "heard": {"Mesh_192_168_1_11": HEARD},
    "announced": {"Mesh_192_168_1_11": ANNOUNCED, "Mesh_192_168_1_13": ANNOUNCED},
}


def test_what_bird_says_is_a_value():
    said = speaker(TOLD)
    assert said.router_id == IPv4Address("192.168.1.12")
    first, second, third = said.sessions
    assert (first.state, first.established, first.hold, first.number, first.neighbour_number) == ("Established", True, 9, 64512, 64512)
    assert first.hears == ((IPv4Network("10.244.1.0/26"), IPv4Address("192.168.1.11")),)
    assert first.announces == (IPv4Network("10.244.2.0/26"),)
    assert (second.state, second.error, second.announces) == ("Active", "Socket: Connection refused", ())
    assert third.state == "Down"
    assert said.session_with(IPv4Address("192.168.1.13")) == second
    assert said.session_with(IPv4Address("192.168.1.99")) is None
    assert speaker(None) is None
    assert speaker({"problem": "it does not answer"}).problem == "it does not answer"


def test_a_table_is_true_if_all_sessions_are_there():
    table = BgpTable({"node1": None, "node2": speaker(TOLD)})
    assert not table
    assert [line.split()[0] for line in str(table).splitlines()] == ["node", "node1", "node2", "node2", "node2"]
    assert "10.244.1.0/26 by 192.168.1.11" in str(table)
    assert [record["state"] for record in table.records] == ["Established", "Active", "Down"]
    assert "<script>" not in BgpTable({"<script>": None})._repr_html_()
    one = TOLD | {"protocols": PROTOCOLS.split("Mesh_192_168_1_13")[0]}
    assert BgpTable({"node2": speaker(one)})


def test_names_are_those_of_the_reference():
    for name, digits in (("pod1", "ce0906292e2"), ("pod2", "bd2348b4f67")):
        assert names.cali(Pod(name, "node1", PLAN.nodes[0].pod(2).address)) == f"cali{digits}"
    macs = [names.tunnel_mac(node) for node in PLAN.nodes]
    assert macs == ["66:f9:37:c3:7e:94", "66:2d:bf:44:a6:8b", "66:a4:6f:e0:c4:da"]
    assert [str(names.blocks(node)[0]) for node in PLAN.nodes] == ["10.244.1.0/26", "10.244.2.0/26", "10.244.3.0/26"]
    wide = Node("node1", PLAN.nodes[0].external, IPv4Network("10.244.1.0/24"))
    assert len(names.blocks(wide)) == 4


def test_of_two_nodes_the_higher_address_opens_the_session():
    for node in PLAN.nodes:
        lines = [line for line in bird_config.config(node, PLAN).splitlines() if line.startswith("protocol bgp")]
        others = [other for other in PLAN.nodes if other != node]
        assert [f"neighbor {other.external.ip} as 64512" in line for other, line in zip(others, lines, strict=True)] == [True, True]
        assert ["passive on" in line for line in lines] == [other.external.ip > node.external.ip for other in others]


def test_a_route_says_who_made_it_and_a_step_may():
    assert str(Route(IPv4Network("10.244.2.0/26"), IPv4Address("192.168.1.12"), "eth0", protocol=BIRD)).endswith("dev eth0 proto bird")
    assert route.blackhole("10.244.1.0/26", protocol=FELIX).command == "ip route add blackhole 10.244.1.0/26 proto 80"
    assert route.add("default", dev="eth0", metric=4096).command == "ip route add default dev eth0 metric 4096"
    for wrong in ({"metric": -1}, {"protocol": 256}, {"metric": "1"}):
        with pytest.raises(BadInput):
            route.add("default", dev="eth0", **wrong)


def test_a_setting_that_only_one_interface_has_is_not_set_for_all():
    assert forwarding.setting("cali0", "proxy_delay", 0).command == "sysctl -w net/ipv4/neigh/cali0/proxy_delay=0"
    assert forwarding.setting("cali0", "route_localnet", 1).command == "sysctl -w net/ipv4/conf/cali0/route_localnet=1"
    for dev, key, value in (
        ("all", "route_localnet", 1),
        ("default", "proxy_delay", 0),
        ("cali0", "proxy_arp", 2),
        ("cali0", "proxy_delay", -1),
    ):
        with pytest.raises(BadInput):
            forwarding.setting(dev, key, value)
