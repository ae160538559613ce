"""What people break of Calico in IPIP mode: tunl0, what the routes through it say, and packets of protocol 4. Pure."""

from __future__ import annotations

from podnet_lab.daemons import bird, ipip_forwarder
from podnet_lab.devices.ip_tunnel import TUNL0
from podnet_lab.explain.fault import BIG, Fault
from podnet_lab.networks.calico.faults import BGP_FAULTS, TAKES, edited

_CHAIN = "nft add table ip broken; nft 'add chain ip broken c { type filter hook input priority 0 ; }'"
_DROP = f"{_CHAIN}; nft add rule ip broken c ip protocol 4 drop"
_NFT = ("nft",)

TUNNEL = (
    Fault("tunl0 is down", lambda p: f"ip link set dev {TUNL0} down", "cable", "node", takes=TAKES),
    Fault("the other node's tunl0 is down", lambda p: f"ip link set dev {TUNL0} down", "cable", "other node", "there", takes=TAKES),
    Fault("tunl0's MTU is too small", lambda p: f"ip link set dev {TUNL0} mtu 1300", "cable", "node", size=BIG),
    Fault("a firewall drops what comes by IPIP", lambda p: _DROP, "firewall", "node", needs=_NFT),
    Fault("the other node's firewall drops what comes by IPIP", lambda p: _DROP, "firewall", "other node", "there", needs=_NFT),
    Fault(
        "BIRD tells its kernel no gateway beyond tunl0",
        lambda p: f"{edited('s/ gw = bgp_next_hop;//')}; {bird.ask('restart', 'kernel1')} > /dev/null",
        "route",
        "node",
        needs=("bird",),
        takes=TAKES,
    ),
)
"""What is wrong with the tunnel, whoever forwards for it."""

_END = f"kill $(cat {ipip_forwarder.forwarder().folder}/pid)"

FORWARDER = (
    Fault("the program that forwards for tunl0 has ended", lambda p: _END, "cable", "node"),
    Fault("the other node's program that forwards for tunl0 has ended", lambda p: _END, "cable", "other node", "there"),
)
"""What is wrong where a TUN device stands in for the kernel's own."""

IPIP_FAULTS = (*BGP_FAULTS, *TUNNEL)
STAND_IN_FAULTS = (*IPIP_FAULTS, *FORWARDER)
