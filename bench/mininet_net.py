"""
Mininet with a Linux bridge as a contender, with the system's Python: ``python3 -m bench.mininet_net 1 HOSTS [pingall]``.

Prints seconds and hosts; with ``pingall`` the seconds of its full mesh and the ordered pairs of it.
"""

import os
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo


def main(hosts: int, pingall: bool) -> None:
    """Make a switch with hosts, as Mininet's own example does."""
    setLogLevel("error")
    start = time.perf_counter()
    net = Mininet(topo=SingleSwitchTopo(hosts), switch=LinuxBridge, controller=None, waitConnected=False)
    net.start()
    seconds, counted = time.perf_counter() - start, sum(bool(host.IP()) for host in net.hosts)
    if pingall:
        deadline = time.perf_counter() + 30
        while net.pingAll() and time.perf_counter() < deadline:  # its switch's ports do not forward at once
            pass
        start = time.perf_counter()
        lost = net.pingAll()
        seconds, counted = time.perf_counter() - start, hosts * (hosts - 1) if lost == 0 else 0
    print(seconds, counted, flush=True)
    os._exit(0)  # its processes end with their PID namespace: stopping 200 hosts one by one would take longer than all else


if __name__ == "__main__":
    main(int(sys.argv[2]), "pingall" in sys.argv[3:])
