"""What is seen of a ping inside a VXLAN packet on a node's uplink, by a program that knows nothing of podnet_lab."""

import threading

from live.helpers import UPLINK

SNIFF = """
import socket, struct, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((DEV, 0)); print("ready", flush=True)
end = time.monotonic() + 8
while (left := end - time.monotonic()) > 0:
    wire.settimeout(left)
    try: frame, where = wire.recvfrom(2000)
    except TimeoutError: break
    if frame[12:14] != b"\\x08\\x00" or frame[23] != 17: continue
    port, = struct.unpack("!H", frame[36:38])
    vx, inner = frame[42:50], frame[50:]
    if port == 8472 and inner[12:14] == b"\\x08\\x00" and inner[23] == 1 and inner[34] == 8:
        ip = lambda at: ".".join(map(str, at))
        outer = (len(frame), port, vx[0], int.from_bytes(vx[4:7], "big"), ip(frame[26:30]), ip(frame[30:34]))
        print(*outer, inner[6:12].hex(":"), inner[0:6].hex(":"), ip(inner[26:30]), ip(inner[30:34]), inner[22], flush=True)
        break
"""


def sniffed(lab, node, source, target, size):
    """What is seen of a ping in a tunnel on a node's uplink, by a program of its own."""
    heard, ready = [], threading.Event()

    def output(_, data):
        heard.append(data.decode())
        ready.set()

    script = "python3 -c '" + SNIFF.replace("DEV", f'"{UPLINK}"') + "'"
    sniffer = threading.Thread(target=lambda: lab.shell(node, script, output))
    sniffer.start()
    assert ready.wait(8)
    lab.trace(source, target, size=size)
    sniffer.join(12)
    return "".join(heard).split()[1:]
