"""Which of several tunnels is the node's own: by what leads through it, and not by its name."""

import pytest
import world

from podnet_lab.devices.link import up
from podnet_lab.devices.roles import tunnel_of
from podnet_lab.devices.vxlan import steps as vxlan
from podnet_lab.explain.tunnel_end import tunnel_end
from podnet_lab.steps import address, route

LEADS = route.add("10.244.2.0/24", via="10.244.2.0", dev="net", onlink=True)
HAS_ADDRESS = address.add("10.244.1.0/32", dev="net")
BEGIN = [
    vxlan.add("another", 7, local="192.168.1.11", dev="eth0"),
    vxlan.add("net", 1, local="192.168.1.11", dev="eth0"),
    up("another"),
    up("net"),
]


@pytest.mark.parametrize(("steps", "found"), [([], None), (BEGIN, "another"), ([*BEGIN, HAS_ADDRESS], "net"), ([*BEGIN, LEADS], "net")])
def test_of_several_tunnels_the_one_that_leads_somewhere_is_the_nodes(steps, found):
    node = world.do(world.bare("node1", "192.168.1.11/24"), *steps)
    link, end = tunnel_of(node), tunnel_end(node)
    assert (link and link.name) == found
    assert (end and end.dev) == found
