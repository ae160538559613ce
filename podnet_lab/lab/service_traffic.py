"""Services of a running lab: servers, clients, and what stands between them."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from shlex import quote

from podnet_lab import services
from podnet_lab.backends.agent_client import AgentClient, Refusal
from podnet_lab.checks.answers import Answer, Answers, answers
from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.reachability import Endpoint, endpoints
from podnet_lab.daemons import dnsmasq
from podnet_lab.daemons.reconcile import change
from podnet_lab.daemons.running import running
from podnet_lab.errors import BadInput, LabError, StepError
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.endpoint_lookup import address_and_port, endpoint
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.plan import Node, ip_address, port_number
from podnet_lab.recipes.results import Result
from podnet_lab.services import cluster_dns
from podnet_lab.services.service import Service
from podnet_lab.typed_arguments import Seconds

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

    def __init__(self, agent: AgentClient, number: int, words: str) -> None:
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


class ServiceTraffic:
    """
    What a lab does with servers and Services.

    It needs the agents, which serve and ask; runs of steps, which make Services; and the baseline, for the address of ``outside``.
    """

    def __init__(self, core: LabCore) -> None:
        self._core = core

    def serve(self, name: str, port: int = 8080, protocol: str = "tcp") -> str:
        """
        Let a Pod (or a node, or ``outside``) answer at *port*: HTTP over TCP, or an echo over UDP; no process is started.

        Each answer is one line: who answers, on which node, and the client's address that it saw. A server ends with its
        Pod, with `stop_serving`, `goto`, `reset` or the lab. Raises BadInput if there is nobody of that name, LabError if
        something else listens at that port.
        """
        protocol = _protocol(protocol)
        node, space = self._place(name)
        name = space or node
        words = f"{name} answers at port {port_number(port)} ({'HTTP' if protocol == 'tcp' else 'UDP'})"
        try:
            fresh = self._core.agents[node].call("serve", namespace=space, protocol=protocol, port=port, name=name)
        except Refusal as refusal:
            raise LabError(f"{name} can't answer at port {port}: {refusal}") from None
        return words if fresh else f"already so: {words}"

    def stop_serving(self, name: str) -> str:
        """Stop all servers of a Pod or node that `serve` started."""
        node, space = self._place(name)
        count = self._core.agents[node].call("stop_serving", namespace=space)
        return f"{name} answers no more" if count else f"nothing to do: {name} answered at no port"

    def ask(self, source: str, target: str, times: int = 1, protocol: str = "tcp", patience: Seconds = PATIENCE) -> Answers:
        """
        From a Pod, a node or ``outside``, ask the server at *target* (like 10.96.0.20:80), each time over a new connection.

        Over TCP it is an HTTP request, over UDP a datagram. Waits *patience* seconds at most for each answer.
        """
        ip, port = self._target(target)
        if not 1 <= times <= MOST_TIMES:
            raise BadInput(f"ask 1 to {MOST_TIMES:,} times, not {times!r}")
        node, space = self._place(source)
        given = {"address": ip, "port": port, "protocol": _protocol(protocol), "times": times, "wait": patience}
        return answers(self._core.agents[node].call("ask", namespace=space, **given))

    def connect(self, source: str, target: str, patience: Seconds = PATIENCE) -> Connection:
        """Open an HTTP connection and keep it, to ask over it again and again. Raises LabError if nobody takes it."""
        ip, port = self._target(target)
        node, space = self._place(source)
        try:
            number = self._core.agents[node].call("connect", namespace=space, address=ip, port=port, wait=patience)
        except Refusal as refusal:
            raise LabError(f"{source} can't connect to {target}: {refusal}") from None
        return Connection(self._core.agents[node], number, f"from {source} to {target}")

    def services(self, *wanted: Service) -> Result:
        """
        Make Services on every node, or bring those that are there to what is wanted now; open connections stay.

        All of their chains come first; what switches them on is one last transaction on each node.
        """
        if not wanted:
            raise BadInput("which Services? podnet_lab.service('web', '10.96.0.20', 80, [...]) describes one")
        now = {name: node.own.rules for name, node in self._core.snapshot().items()}
        many = f"{len(wanted)} Services are" if len(wanted) > 1 else f"{wanted[0].name} is"
        return self._core.run(services.cluster(self._core.plan, wanted, now), f"{many} there, on {len(self._core.plan.nodes)} nodes")

    def serve_names(self, pod: str, *known: Service) -> str:
        """
        Run a DNS server (dnsmasq) in a Pod: it knows the names of Services, such as web.default.svc.cluster.local.

        Once more, with other Services, it knows those instead. Raises CannotRun where dnsmasq is not installed.
        """
        node, space = self._place(pod)
        if space is None:
            raise BadInput(f"{pod} is no Pod: the cluster's DNS server runs in one")
        hosts = {service.full_name: str(service.ip) for service in known}
        wanted = dnsmasq.server(space, hosts)
        now = running(self._core.snapshot(node)[node], space, wanted.name)
        try:
            self._core.run({node: change(now, wanted)})
        except StepError as error:
            raise LabError(f"{pod} can't answer for names: {error.reason}") from None
        return f"{pod} {'answers now' if now else 'answers'} for {', '.join(hosts) or 'no name'}"

    def use_names(self, server: str = cluster_dns.SERVER) -> str:
        """Have every Pod that there is now ask *server* for names: its resolv.conf, with Kubernetes' search list and ndots."""
        text = cluster_dns.resolv(str(ip_address(server)))
        pods = {name: [pod.name for pod in node.pods] for name, node in self._core.snapshot().items()}
        answers = [self._core.agents[name].start("use_names", spaces=spaces, text=text) for name, spaces in pods.items()]
        for answer in answers:
            answer()
        return f"{sum(map(len, pods.values()))} Pods ask {server} for names"

    def resolve(self, pod: str, name: str) -> str | None:
        """The address that *pod* finds for a name, as every program in it does (`getent`); None if there is none."""
        node, space = self._place(pod)
        inside = f"ip netns exec {quote(space)} " if space else ""
        words = self._core.shell_text(node, f"{inside}getent ahostsv4 -- {quote(name)}", may_fail=True).split()
        return words[0] if words else None

    def flows(self, node: str, port: int | None = None) -> list[str]:
        """
        What connection tracking on *node* remembers, in words: how packets were sent, and from whom answers come to whom.

        With *port*, only flows that were sent to it; clients' own ports, which differ each time, are left out.
        """
        port = None if port is None else port_number(port)
        flows = self._core.agent(node).call("flows")
        return sorted({_flow(flow) for flow in flows if port is None or flow["sent"][4] == port})

    def forget_flows(self, answering: str | None = None) -> int:
        """
        Have every node forget the flows whose answers come from the address *answering*, or all flows; returns how many.

        UDP needs it when an endpoint goes: its flows have no end, and would lead there for as long as somebody sends.
        """
        ip = None if answering is None else str(ip_address(answering))
        self._core.require_alive()
        answers = [self._core.agents[node.name].start("forget_flows", answering=ip) for node in self._core.plan.nodes]
        return sum(answer() for answer in answers)

    def check_service(self, service: Service) -> Checks:
        """
        Does a Service work, whoever made it? From a Pod of each node, from each node, and, with a node port, from outside.

        Judged by asking: all answers come, every endpoint gives some, and what they saw is what they should see.
        """
        cluster = self._core.snapshot()
        checks: list[Check] = []
        for node in self._core.plan.nodes:
            pods = [pod.name for pod in cluster[node.name].pods]
            for source in (*pods[:1], node.name):
                checks.append(self._answered(source, service, f"{service.ip}:{service.port}"))
        if service.node_port:
            for node in self._core.plan.nodes:
                checks += self._from_outside(service, node)
        return Checks(checks)

    def _answered(self, source: str, service: Service, target: str, wanted: Sequence[str] | None = None) -> Check:
        claim = f"{source} reaches {service.name} at {target}"
        expected = {str(ip) for ip, _ in service.endpoints} if wanted is None else set(wanted)
        if not expected:
            return self._refused(source, service, target)
        everyone = endpoints(self._core.everyone())
        names = {address: name for name, known in everyone.items() for address in known.addresses}
        return Check(claim, self._problem(source, service, target, {names.get(ip, ip) for ip in expected}, everyone))

    def _problem(self, source: str, service: Service, target: str, expected: set[str], everyone: dict[str, Endpoint]) -> str | None:
        """What is wrong with the answers; None if nothing is."""
        received: list[Answer] = []
        most = STICKY if service.affinity else enough(len(expected))
        while len(received) < most and (service.affinity or expected - set(Answers(received).who)):
            # A single question first: where nobody answers, each takes all the patience there is.
            more = self.ask(source, target, times=9 if received else 1, protocol=service.protocol)
            if more.problems:
                return ", ".join(f"{count} of {len(more)}: {problem}" for problem, count in more.problems.items())
            received += more
        servers = set(Answers(received).who)
        if not servers:
            return f"somebody answers, but no server of lab.serve: {str(received[0])[:60]!r}"
        if strangers := servers - expected:
            return f"{', '.join(sorted(strangers))} answered, too"
        if service.affinity:
            return None if len(servers) == 1 else f"{' and '.join(sorted(servers))} answered, and it should be one"
        if missing := expected - servers:
            return f"{', '.join(sorted(missing))} never answered"
        return None if target != f"{service.ip}:{service.port}" else _address_problem(received, everyone[source], everyone)

    def _refused(self, source: str, service: Service, target: str) -> Check:
        (answer,) = self.ask(source, target, protocol=service.protocol)
        refused = answer.problem == "connection refused"
        return Check(f"{source} is refused by {service.name}, which has no endpoints", None if refused else str(answer))

    def _from_outside(self, service: Service, node: Node) -> list[Check]:
        target = f"{node.external.ip}:{service.node_port}"
        if not service.endpoints:
            return [self._refused("outside", service, target)]
        here = [str(ip) for ip, _ in service.endpoints if not service.local or ip in node.subnet]
        if not here:
            (answer,) = self.ask("outside", target, protocol=service.protocol)
            problem = None if answer.problem == "no answer" else str(answer)
            return [Check(f"outside gets no answer at {target}: no endpoint is there", problem)]
        reached = self._answered("outside", service, target, here)
        if not reached:
            return [reached]
        saw = self.ask("outside", target, protocol=service.protocol, times=4).clients
        outside = str(self._core.baseline.snapshots["outside"].own.addresses[-1].interface.ip)
        if service.local:
            return [reached, Check(f"endpoints see outside's own address at {target}", None if saw == [outside] else f"they saw {saw}")]
        return [reached, Check(f"endpoints do not see outside's own address at {target}", f"they saw {saw}" if outside in saw else None)]

    def _target(self, text: str) -> tuple[str, int]:
        return address_and_port(text, lambda: endpoints(self._core.everyone()))

    def _place(self, name: str) -> tuple[str, str | None]:
        """(node, namespace) of a Pod or node; BadInput if there is nobody of that name."""
        self._core.require_alive()
        if name in self._core.agents:
            return name, None
        known = endpoint(endpoints(self._core.everyone()), name)
        return known.node, known.namespace


def _address_problem(received: Sequence[Answer], source: Endpoint, everyone: dict[str, Endpoint]) -> str | None:
    """Whether endpoints of other nodes saw the client's own address; those of its own node may see the node's instead."""
    for answer in received:
        if answer.node != source.node and answer.client not in source.addresses:
            return f"{answer.who} saw {answer.client}, which is not {source.name}'s address"
        if answer.node == source.node and answer.client not in (*source.addresses, *everyone[source.node].addresses):
            return f"{answer.who} saw {answer.client}, which is neither {source.name}'s address nor its node's"
    return None


def _flow(flow: dict) -> str:
    protocol, source, _, destination, port = flow["sent"]
    _, answering, from_port, to, _ = flow["answer"]
    return f"{protocol} {source} → {destination}:{port}, answers {answering}:{from_port} → {to}"


def _protocol(name: str) -> str:
    if name not in ("tcp", "udp"):
        raise BadInput(f"a protocol is tcp or udp, not {name!r}{did_you_mean(name, ('tcp', 'udp'))}")
    return name
