"""
The agent: the process that is a node, as far as the lab is concerned.

How calls come in and answers go out is in agent_channel.py.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

from podnet_lab.kernel import (
    apply,
    bird_control,
    bounded_file,
    cell_output,
    close_look,
    conntrack,
    daemons,
    encode,
    namespaces,
    nft_program,
    node_files,
    node_setup,
    processes,
    programs,
    read,
    reaper,
    resolv_conf,
    unmanaged_state,
    written_conflists,
)
from podnet_lab.kernel.echo import Echoes
from podnet_lab.kernel.lease import Lease
from podnet_lab.kernel.namespace_node import NamespaceNode
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.node_services import Traffic
from podnet_lab.kernel.node_spaces import NodeSpaces
from podnet_lab.kernel.ping_mesh import PingMesh
from podnet_lab.kernel.told_spaces import ToldSpaces

MANY = 500
"""Requests of one call after which most of a node has changed."""


class Agent:
    """What a node can be asked to do; every public method is a call."""

    def __init__(self) -> None:
        self._echoes, self._mesh, self._lease, self._traffic = Echoes(), PingMesh(), Lease(), Traffic()
        self._spaces, self._told = NodeSpaces(), ToldSpaces()
        self._node = NamespaceNode()  # or, from `become_vm` on, a VM
        self.cancelled = threading.Event()

    def become_lab(self) -> dict[str, Any]:
        """Turn this process into the lab: the owner of the external network."""
        node_setup.external_network()
        threading.Thread(target=reaper.reap_orphans, name="reaper", daemon=True).start()
        return self.who()

    def become_node(self, name: str) -> dict[str, Any]:
        """Turn this process into a node."""
        node_setup.become_node(name)
        return self.who()

    def become_vm(self) -> dict[str, Any]:
        """Take this process's machine for a node: a VM that provisioning has made one."""
        from podnet_lab.kernel import vm  # here: only a VM needs it, and what it needs takes a while to load

        self._node = vm.Vm.load()
        return self.who() | {"hidden": sorted(self._node.hidden())}

    def lease(self, holder: str, take_over: bool) -> str | None:
        """Hold the lab of VMs, as *holder*; returns who else holds it (on node1's agent)."""
        return self._lease.take(holder, take_over)

    def remember(self, made: list, anew: bool) -> None:
        """Keep what the lab's holder made for the next one (on node1's agent)."""
        self._lease.remember(made, anew)

    def recall(self) -> list:
        """What holders before made (on node1's agent)."""
        return self._lease.recall()

    def baseline(self) -> dict[str, Any]:
        """How this VM was when it was new."""
        return self._node.baseline

    def move_spare_card(self, network: str) -> str:
        """Give the spare card to the host `outside`, which lives in *network* (on the VM that has it); returns its name."""
        return self._node.move_spare_card(network)

    def features(self) -> dict[str, str | None]:
        """What this VM's kernel can do that single lessons need; None, or why not."""
        from podnet_lab.kernel import feature_probe  # here, as above

        return feature_probe.features_of_vm()

    def who(self) -> dict[str, Any]:
        """This process's pid as it sees itself, and which namespaces it lives in, as every process can compare."""
        kinds = ("user", "pid", "mnt", "net", "uts")
        return {"pid": os.getpid(), "namespaces": {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}}

    def package(self) -> dict[str, str]:
        """The Python that runs here, and the folder that podnet_lab lies in: for programs of ours that are started here."""
        return {"python": sys.executable, "folder": os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))}

    def read_file(self, path: str, most: int) -> str | None:
        """A regular file's text, if it has *most* bytes at most; None of anything else, and whatever it is, it is not waited for."""
        content = bounded_file.read(path, most)
        return None if content is None else content.decode(errors="replace")

    def cable(self, node: str, pid: int) -> None:
        """Cable a node to the external network (on the lab's agent)."""
        node_setup.connect_uplink(node, pid)

    def uplink(self, address: str, dev: str = node_setup.UPLINK) -> None:
        """Give the node's end of that cable its address."""
        node_setup.uplink(address, dev)

    def remove_uplink(self) -> None:
        """Delete whatever has the name of the node's interface to the external network."""
        node_setup.remove_uplink()

    def mend_card(self) -> list[str]:
        """Bring a VM's card on the external network back from wherever it was moved to; says what that took."""
        return self._node.mend()

    def remove_broken_names(self) -> list[str]:
        """Remove names of namespaces that can't be entered; returns them."""
        return namespaces.remove_broken(processes.agents_networks())

    def read(self, known: int = -1, seen: int = -1) -> dict[str, Any]:
        """
        The node and its Pods, from the kernel, its own nftables, what runs in the background, small files, and what its BIRD says.

        *known* is the number of the nftables that were read last, *seen* that of the last answer: a namespace of which there is
        nothing new is None. Whoever has seen another one, or none yet, is told all, and what is read now.
        """
        self._traffic.sweep()
        bgp = bird_control.read()  # before the routes: one that answers has begun, and told its kernel what it was started with
        nftables, background = nft_program.read(known), self._node.processes()
        spaces, kept = self._spaces.read(anew=seen != self._told.number)
        spaces = self._told.news(self._node.visible(spaces), seen, kept)
        return {
            "answer": self._told.number,
            "spaces": spaces,
            "rules": nftables,
            "processes": background,
            "files": node_files.read(),
            "bgp": bgp,
        }

    def close_looks(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Namespaces, and the kernel's routing there, looked at closely."""
        return close_look.close_looks(wanted)

    def apply(self, requests: list[apply.Request]) -> None:
        """Make requests real, in order."""
        self._node.refuse(requests)
        if len(requests) > MANY:
            self._spaces.hear_nothing()
        for operation, _, given in requests:
            if operation == "namespace_remove":
                self._traffic.leave(given["name"])  # an open socket would keep it alive
            elif operation == "daemon_start":
                self._traffic.watch()  # from now on, look whether its Pod is still there
        apply.apply(requests)

    def end_processes(self) -> list[dict[str, Any]]:
        """End all that runs here in the background, whoever started it, and forget what it printed; returns what that was."""
        ended = daemons.end_background(self._node.processes)
        cell_output.forget()
        return ended

    def unmanaged_state(self) -> dict[str, Any]:
        """What no step changes, and a student may have (`podnet_lab.kernel.unmanaged`)."""
        return self._node.unmanaged_state()

    def changed_beside_steps(self, then: dict[str, Any], macs: list[str]) -> list[str]:
        """In words, what differs from what `unmanaged_state` said then, and no step says; *macs* are those of all interfaces here."""
        return unmanaged_state.beside_steps(self._node.unmanaged_state(), then, macs)

    def restore_unmanaged_state(self, then: dict[str, Any]) -> dict[str, list[str]]:
        """Bring that back to what it was; returns what was ``undone``, and what is ``left``, in words."""
        return self._node.restore_unmanaged_state(then)

    def forget(self) -> None:
        """End servers and connections, take away conflists of ours, and empty the node's own tables of learnt neighbours and of flows."""
        written_conflists.remove()
        self._traffic.end()
        sock = Socket()
        try:
            for address, index in read.neighbour_entries(sock):
                with contextlib.suppress(Refused):  # it may have gone by itself
                    sock.request([encode.neighbour_remove(address, index)])
        finally:
            sock.close()

    def lacks(self, program: str) -> bool:
        """Whether a program is not installed here."""
        return programs.missing(program)

    def serve(self, namespace: str | None, protocol: str, port: int, name: str) -> bool:
        """Answer at a port as *name*; False if that is so already."""
        return self._traffic.servers.serve(namespace, protocol, port, name)

    def stop_serving(self, namespace: str | None) -> int:
        """Stop all servers of a namespace; returns how many there were."""
        return self._traffic.servers.stop(namespace)

    def ask(self, namespace: str | None, address: str, port: int, protocol: str, times: int, wait: float) -> list:
        """Ask a server, each time over a new connection."""
        return self._traffic.clients.ask(namespace, address, port, protocol, times, wait, self.cancelled)

    def use_names(self, spaces: list[str], text: str) -> None:
        """Give Pods a resolv.conf."""
        resolv_conf.use(spaces, text)

    def connect(self, namespace: str | None, address: str, port: int, wait: float) -> int:
        """Open a connection and keep it; returns its number."""
        return self._traffic.clients.open(namespace, address, port, wait)

    def ask_again(self, number: int) -> tuple[str, str]:
        """Ask over an open connection."""
        return self._traffic.clients.again(number)

    def disconnect(self, number: int) -> None:
        """Close a connection."""
        self._traffic.clients.close(number)

    def flows(self) -> list[dict[str, Any]]:
        """What connection tracking remembers."""
        return conntrack.flows()

    def forget_flows(self, answering: str | None) -> int:
        """Delete flows; returns how many."""
        return conntrack.forget(answering)

    def mesh_open(self, nonce: str, everyone: list[str], own: list) -> list[int]:
        """Listen at this node's endpoints of a mesh."""
        return self._mesh.open(nonce, everyone, own)

    def mesh_within(self, work: list, wait: float) -> int:
        """Try pairs of this node."""
        return self._mesh.try_within(work, wait, self.cancelled)

    def mesh_across(self, work: list, expect: int, wait: float) -> int:
        """Try pairs that end on other nodes, which do the same at this moment."""
        return self._mesh.try_across(work, expect, wait, self.cancelled)

    def mesh_forget(self) -> None:
        """Delete the neighbours learnt since `mesh_open`."""
        self._mesh.forget()

    def mesh_result(self) -> dict:
        """Who was heard and who answered."""
        return self._mesh.result()

    def mesh_close(self) -> None:
        """Stop listening."""
        self._mesh.close()

    def echo_open(self, nonce: str, spaces: list[str | None]) -> list[str | None]:
        """Listen for echoes inside namespaces."""
        return self._echoes.open(nonce, spaces)

    def echo(self, sends: list, expect: int, wait: float, size: int = 0) -> dict[str, list]:
        """Send echoes and listen."""
        return self._echoes.exchange(sends, expect, wait, self.cancelled, size)

    def echo_forget(self, spaces: list[str | None]) -> None:
        """Delete the neighbours learnt since `echo_open`."""
        self._echoes.forget(spaces)

    def capture_open(self, spaces: list[str | None]) -> list[str | None]:
        """Listen to all that passes the interfaces of namespaces."""
        return self._traffic.capture.open(spaces)

    def capture_frames(self, wait: float) -> dict[str, Any]:
        """What was heard until *wait* seconds from now."""
        self.cancelled.wait(wait)
        return self._traffic.capture.frames(self._node.hidden())

    def capture_close(self) -> None:
        """Stop listening."""
        self._traffic.capture.close()

    def echo_close(self) -> None:
        """Stop listening."""
        self._echoes.close()
