"""The lab's half that is about Services: servers, clients, and what stands between them."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from podnet_lab import services
from podnet_lab.backends.agent_client import Refusal
from podnet_lab.checks.answers import Answer, Answers, answers
from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.reachability import Endpoint, endpoints
from podnet_lab.errors import BadInput, LabError
from podnet_lab.plan import ip_address, port_number, socket_address
from podnet_lab.recipes.results import Result
from podnet_lab.services import cluster_dns
from podnet_lab.services.service import Service

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

PATIENCE = 1.0
"""Seconds to wait for an answer."""

MOST_TIMES = 20_000

STICKY = 10
"""Questions that have to be answered by the same Pod, where a client is to stay with one."""


def enough(endpoints: int) -> int:
    """Questions after which each of so many endpoints has answered, but for once in 100,000 times (the coupon collector's bound)."""
    return math.ceil(endpoints * (math.log(endpoints) + 12)) if endpoints else 1


class Connection:
    """An open connection from a Pod or node; ask it again and again. Closed with the lab, or by `close`."""

    def __init__(self, agent, number: int, words: str) -> None:
        self._agent, self._number, self._words = agent, number, words
        # One that nobody holds any more is closed, too; at the end of the process the lab's end does it.
        weakref.finalize(self, agent.start, "disconnect", number=number).atexit = False

    def ask(self) -> Answer:
        """One more question over the same connection."""
        return Answer(*self._agent.call("ask_again", number=self._number))

    def close(self) -> None:
        """Close it."""
        self._agent.call("disconnect", number=self._number)

    def __repr__(self) -> str:
        return f"<connection {self._words}>"


class Traffic:
    """What a `Lab` can do with servers and Services."""

    def serve(self: Lab, name: str, port: int = 8080, protocol: str = "tcp") -> str:
        """
        Let a Pod (or a node, or ``outside``) answer at *port*: HTTP over TCP, or an echo over UDP; no process is started.

        Each answer is one line: who answers, on which node, and the client's address that it saw. A server ends with its
        Pod, with `stop_serving`, `goto`, `reset` or the lab. Raises BadInput if there is nobody of that name, LabError if
        something else listens at that port.
        """
        protocol = _protocol(protocol)
        node, space = self._who(name)
        name = space or node
        words = f"{name} answers at port {port_number(port)} ({'HTTP' if protocol == 'tcp' else 'UDP'})"
        try:
            fresh = self._home.agents[node].call("serve", namespace=space, protocol=protocol, port=port, name=name)
        except Refusal as refusal:
            raise LabError(f"{name} can't answer at port {port}: {refusal}") from None
        return words if fresh else f"already so: {words}"

    def stop_serving(self: Lab, name: str) -> str:
        """Stop all servers of a Pod or node that `serve` started."""
        node, space = self._who(name)
        count = self._home.agents[node].call("stop_serving", namespace=space)
        return f"{name} answers no more" if count else f"nothing to do: {name} answered at no port"

    def ask(self: Lab, source: str, target: str, times: int = 1, protocol: str = "tcp", patience: float = PATIENCE) -> Answers:
        """
        From a Pod, a node or ``outside``, ask the server at *target* (like 10.96.0.20:80), each time over a new connection.

        Over TCP it is an HTTP request, over UDP a datagram. Waits *patience* seconds at most for each answer.
        """
        ip, port = _target(target)
        if not isinstance(times, int) or not 1 <= times <= MOST_TIMES:
            raise BadInput(f"ask 1 to {MOST_TIMES:,} times, not {times!r}")
        node, space = self._who(source)
        given = {"address": ip, "port": port, "protocol": _protocol(protocol), "times": times, "wait": _patience(patience)}
        return answers(self._home.agents[node].call("ask", namespace=space, **given))

    def connect(self: Lab, source: str, target: str, patience: float = PATIENCE) -> Connection:
        """Open an HTTP connection and keep it, to ask over it again and again. Raises LabError if nobody takes it."""
        ip, port = _target(target)
        node, space = self._who(source)
        try:
            number = self._home.agents[node].call("connect", namespace=space, address=ip, port=port, wait=_patience(patience))
        except Refusal as refusal:
            raise LabError(f"{source} can't connect to {target}: {refusal}") from None
        return Connection(self._home.agents[node], number, f"from {source} to {target}")

    def services(self: Lab, *wanted: Service) -> Result:
        """
        Make Services on every node, or bring those that are there to what is wanted now; open connections stay.

        All of their chains come first; what switches them on is one last transaction on each node.
        """
        if not wanted or not all(isinstance(one, Service) for one in wanted):
            raise BadInput("which Services? podnet_lab.service('web', '10.96.0.20', 80, [...]) describes one")
        now = {name: node.own.rules for name, node in self.snapshot().items()}
        many = f"{len(wanted)} Services are" if len(wanted) > 1 else f"{wanted[0].name} is"
        return self.run(services.cluster(self.plan, wanted, now), f"{many} there, on {len(self.plan.nodes)} nodes")

    def serve_names(self: Lab, pod: str, *known: Service) -> str:
        """
        Run a DNS server (dnsmasq) in a Pod: it knows the names of Services, such as web.default.svc.cluster.local.

        Once more, with other Services, it knows those instead. Raises CannotRun where dnsmasq is not installed.
        """
        node, space = self._who(pod)
        if space is None:
            raise BadInput(f"{pod} is no Pod: the cluster's DNS server runs in one")
        hosts = {one.full_name: str(one.ip) for one in known}
        try:
            fresh = self._home.agents[node].call("serve_names", namespace=space, hosts=hosts)
        except Refusal as refusal:
            raise LabError(f"{pod} can't answer for names: {refusal.detail}") from None
        return f"{pod} {'answers' if fresh else 'answers now'} for {', '.join(hosts) or 'no name'}"

    def use_names(self: Lab, server: str = cluster_dns.SERVER) -> str:
        """Have every Pod that there is now ask *server* for names: its resolv.conf, with Kubernetes' search list and ndots."""
        text = cluster_dns.resolv(str(ip_address(server)))
        pods = {name: [pod.name for pod in node.pods] for name, node in self.snapshot().items()}
        answers = [self._home.agents[name].start("use_names", spaces=spaces, text=text) for name, spaces in pods.items()]
        for answer in answers:
            answer()
        return f"{sum(map(len, pods.values()))} Pods ask {server} for names"

    def resolve(self: Lab, pod: str, name: str) -> str | None:
        """The address that *pod* finds for a name, as every program in it does (`getent`); None if there is none."""
        node, space = self._who(pod)
        inside = f"ip netns exec {quote(space)} " if space else ""
        said = self[node].shell(f"{inside}getent ahostsv4 -- {quote(name)}", may_fail=True).split()
        return said[0] if said else None

    def flows(self: Lab, node: str, port: int | None = None) -> list[str]:
        """
        What connection tracking on *node* remembers, in words: how packets were sent, and from whom answers come to whom.

        With *port*, only flows that were sent to it; clients' own ports, which differ each time, are left out.
        """
        self[node]
        self._must_be_alive()
        found = self._home.agents[node].call("flows")
        kept = [one for one in found if port is None or one["sent"][4] == port]
        return sorted({_flow(one) for one in kept})

    def forget_flows(self: Lab, answering: str | None = None) -> int:
        """
        Have every node forget the flows whose answers come from the address *answering*, or all flows; returns how many.

        UDP needs it when an endpoint goes: its flows have no end, and would lead there for as long as somebody sends.
        """
        ip = None if answering is None else str(ip_address(answering))
        self._must_be_alive()
        answers = [self._home.agents[node.name].start("forget_flows", answering=ip) for node in self.plan.nodes]
        return sum(answer() for answer in answers)

    def check_service(self: Lab, one: Service) -> Checks:
        """
        Does a Service work, whoever made it? From a Pod of each node, from each node, and, with a node port, from outside.

        Judged by asking: all answers come, every endpoint gives some, and what they saw is what they should see.
        """
        cluster = self.snapshot()
        found: list[Check] = []
        for node in self.plan.nodes:
            pods = [pod.name for pod in cluster[node.name].pods]
            for source in (*pods[:1], node.name):
                found.append(self._answered(source, one, f"{one.ip}:{one.port}"))
        if one.node_port:
            for node in self.plan.nodes:
                found += self._from_outside(one, node)
        return Checks(found)

    def _answered(self: Lab, source: str, one: Service, target: str, wanted: Sequence[str] | None = None) -> Check:
        claim = f"{source} reaches {one.name} at {target}"
        expected = {str(ip) for ip, _ in one.endpoints} if wanted is None else set(wanted)
        if not expected:
            return self._refused(source, one, target)
        everyone = endpoints(self._everyone())
        names = {address: name for name, known in everyone.items() for address in known.addresses}
        return Check(claim, self._problem(source, one, target, {names.get(ip, ip) for ip in expected}, everyone))

    def _problem(self: Lab, source: str, one: Service, target: str, expected: set[str], everyone: dict[str, Endpoint]) -> str | None:
        """What is wrong with the answers; None if nothing is."""
        found: list[Answer] = []
        most = STICKY if one.affinity else enough(len(expected))
        while len(found) < most and (one.affinity or expected - set(Answers(found).who)):
            # One first: where nobody answers, each question takes all the patience there is.
            got = self.ask(source, target, times=9 if found else 1, protocol=one.protocol)
            if got.problems:
                return ", ".join(f"{count} of {len(got)}: {problem}" for problem, count in got.problems.items())
            found += got
        who = set(Answers(found).who)
        if len(who) == 0:
            return f"somebody answers, but no server of lab.serve: {str(found[0])[:60]!r}"
        if strangers := who - expected:
            return f"{', '.join(sorted(strangers))} answered, too"
        if one.affinity:
            return None if len(who) == 1 else f"{' and '.join(sorted(who))} answered, and it should be one"
        if missing := expected - who:
            return f"{', '.join(sorted(missing))} never answered"
        return None if target != f"{one.ip}:{one.port}" else _seen(found, everyone[source], everyone)

    def _refused(self: Lab, source: str, one: Service, target: str) -> Check:
        (got,) = self.ask(source, target, protocol=one.protocol)
        refused = got.problem == "connection refused"
        return Check(f"{source} is refused by {one.name}, which has no endpoints", None if refused else str(got))

    def _from_outside(self: Lab, one: Service, node) -> list[Check]:
        target = f"{node.external.ip}:{one.node_port}"
        if not one.endpoints:
            return [self._refused("outside", one, target)]
        here = [str(ip) for ip, _ in one.endpoints if not one.local or ip in node.subnet]
        if not here:
            (got,) = self.ask("outside", target, protocol=one.protocol)
            return [Check(f"outside gets no answer at {target}: no endpoint is there", None if got.problem == "no answer" else str(got))]
        reached = self._answered("outside", one, target, here)
        if not reached:
            return [reached]
        saw = self.ask("outside", target, protocol=one.protocol, times=4).clients
        outside = str(self._baseline.snapshots["outside"].own.addresses[-1].interface.ip)
        if one.local:
            return [reached, Check(f"endpoints see outside's own address at {target}", None if saw == [outside] else f"they saw {saw}")]
        return [reached, Check(f"endpoints do not see outside's own address at {target}", f"they saw {saw}" if outside in saw else None)]

    def _who(self: Lab, name: str) -> tuple[str, str | None]:
        """(node, namespace) of a Pod or node; BadInput if there is nobody of that name."""
        self._must_be_alive()
        if name in self._nodes:
            return name, None
        known = self._endpoint(endpoints(self._everyone()), name)
        return known.node, known.namespace


def _seen(found: Sequence[Answer], source: Endpoint, everyone: dict[str, Endpoint]) -> str | None:
    """Whether endpoints of other nodes saw the client's own address; those of its own node may see the node's instead."""
    for one in found:
        if one.node != source.node and one.client not in source.addresses:
            return f"{one.who} saw {one.client}, which is not {source.name}'s address"
        if one.node == source.node and one.client not in (*source.addresses, *everyone[source.node].addresses):
            return f"{one.who} saw {one.client}, which is neither {source.name}'s address nor its node's"
    return None


def _flow(one: dict) -> str:
    protocol, source, _, destination, port = one["sent"]
    _, answering, from_port, to, _ = one["answer"]
    return f"{protocol} {source} → {destination}:{port}, answers {answering}:{from_port} → {to}"


def _patience(seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 60:
        raise BadInput(f"patience is more than 0 and at most 60 seconds, not {seconds!r}")
    return seconds


def _protocol(name: str) -> str:
    if name not in ("tcp", "udp"):
        raise BadInput(f"a protocol is tcp or udp, not {name!r}")
    return name


def _target(text: str) -> tuple[str, int]:
    ip, port = socket_address(text)
    return str(ip), port
