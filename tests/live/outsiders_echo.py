"""Whether an echo is answered, by a Python of its own that is run inside a Pod or node: nothing of the library has a part in it."""

from shlex import quote


def address(name):
    """The address that the lesson gives a Pod or node."""
    kind, *numbers = name.replace("node", "node-").split("-")
    return {"pod": "10.244.{}.{}", "node": "192.168.1.1{}"}[kind].format(*numbers) if numbers else name


def answered(lab, source, target, size=28):
    """Whether an echo of so many bytes, which may not be cut, gets its answer, by a Python of its own, from inside."""
    node, where = f"node{source.split('-')[1]}" if source.startswith("pod") else source, ""
    if source != node:
        where = f"nsenter --net=/run/netns/{source} "
    return "answered" in lab[node].shell(f"{where}python3 -ISc {quote(ECHO)} {address(target)} {size}", may_fail=True)


ECHO = """
import os, select, struct, sys
import _socket as socket  # half of what it takes to start is the other's enumerations
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
size = int(sys.argv[2]) if len(sys.argv) > 2 else 28
if size > 28:
    s.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
def send(n):
    head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, n)
    total = sum(struct.unpack("!4H", head)); total = (total >> 16) + (total & 0xffff)
    try:
        s.sendto(head[:2] + struct.pack("!H", ~total & 0xffff) + head[4:] + bytes(size - 28), (sys.argv[1], 0))
    except OSError:
        pass
for n in range(4):
    send(n)
    while select.select([s], [], [], 0.4)[0]:
        data, (sender, _) = s.recvfrom(2048)
        if data[20] == 0 and sender == sys.argv[1] and data[24:26] == struct.pack("!H", os.getpid() & 0xffff):
            print("answered")
            sys.exit()
"""
