"""Exercises of notebook 14: who may ask a Pod, a rule that means something else, and what one Pod may ask, in nftables by hand."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab import policies
from podnet_lab.checks.check import Check
from podnet_lab.exercises.claims import Cluster, answers, reaches, unanswered
from podnet_lab.exercises.exercise import Exercise, Mistake

WEB, WEB_ADMIN = "10.244.1.2:8080", "10.244.1.2:9090"

LABELS = """
{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2, labels: {app: web}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-2-2, labels: {app: client}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-3-2, labels: {app: client}}}
---
"""
"""Who is who in the first exercise."""


def _no(source: str, target: str) -> str:
    """The claim of `unanswered`."""
    return f"{source} asks {target}, and gets no answer"


def _has_rules(node: str):
    """Whether a node has rules of nftables at all: before that nobody has answered anything."""
    return lambda cluster: bool(cluster[node].own.rules)


def _serve_web(lab) -> str:
    for port in (8080, 9090):
        lab.serve("pod-1-2", port)
    return f"The labels:\n{LABELS.strip().removesuffix('---').rstrip()}"


def _check_clients(lab) -> Iterator[Check]:
    for client in ("pod-2-2", "pod-3-2"):
        yield answers(lab, client, WEB, "pod-1-2")
    for other in ("pod-2-3", "pod-1-3"):
        yield unanswered(lab, other, WEB)
    yield unanswered(lab, "pod-2-2", WEB_ADMIN)
    yield reaches(lab, "pod-1-2", "pod-3-3")
    yield reaches(lab, "pod-2-3", "pod-1-3")


def _past_the_bridge(node: str):
    """Whether a node has rules, and its bridge does not ask them."""
    return lambda cluster: bool(cluster[node].own.rules) and not cluster[node].own.bridged


CLIENTS = Exercise(
    "policy-1",
    "Clients alone",
    "pod-1-2 has servers at ports 8080 and 9090. Pods that are called app=client may ask it at TCP 8080, and nobody else, nowhere else.\n"
    "pod-1-2 itself may go wherever it likes, and so may all others among each other.\n"
    "lab.apply(*policies.load(text)) takes it as YAML, with the labels in front; or write nftables on node1.",
    _check_clients,
    (
        "Which Pod is to be isolated, and in which direction? And which single rule lets somebody in all the same?",
        "notebook 14, *A rule that lets somebody in*: podSelector, policyTypes, from, ports",
        "the labels, and: `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {podSelector: "
        "{matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}]}}`",
    ),
    (
        Mistake(
            "past the bridge",
            _past_the_bridge("node1"),
            "pod-1-3 is a neighbour: its packets pass node1's bridge. What has to be on for a bridge to ask nftables, too?",
            fails=_no("pod-1-3", WEB),
        ),
        Mistake(
            "anybody", _has_rules("node1"), "A rule without `from` is for everybody. Whom should it be for?", fails=_no("pod-2-3", WEB)
        ),
        Mistake(
            "any port",
            _has_rules("node1"),
            "The right ones get in. Where to? A rule without `ports` is for all of them.",
            fails=_no("pod-2-2", WEB_ADMIN),
        ),
        Mistake(
            "it may send nothing",
            _has_rules("node1"),
            "pod-1-2 was to be isolated in one direction. Which types has your policy?",
            fails="pod-1-2 reaches pod-3-3",
        ),
    ),
    start="done",
    prepare=_serve_web,
    needs=("nft",),
)


DB, FILE = "10.244.1.2:8080", "/run/db.yaml"
TWO_DASHES = """
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: shop}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-2-2, namespace: shop, labels: {app: api}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-2-3, namespace: shop, labels: {app: batch}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-3-2, labels: {app: api}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2, labels: {app: db}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {team: shop}}
    - podSelector: {matchLabels: {app: api}}
"""
"""Two entries of `from`, where one was meant."""


def _apply_two_dashes(lab) -> None:
    lab.serve("pod-1-2", 8080)
    lab["node1"].shell(f"cat > {FILE} <<'EOF'{TWO_DASHES}EOF")
    lab.apply(*policies.load(TWO_DASHES))


def _check_both(lab) -> Iterator[Check]:
    yield answers(lab, "pod-2-2", DB, "pod-1-2")
    for other in ("pod-3-3", "pod-3-2", "pod-2-3"):
        yield unanswered(lab, other, DB)
    yield reaches(lab, "pod-3-3", "pod-2-2")


def _of_its_own_namespace(cluster: Cluster) -> bool:
    """A set of the policies has the Pod called api that is in no shop, and not the one that is."""
    return any("10.244.3.2" in members and "10.244.2.2" not in members for members in cluster["node1"].own.rules.members.values())


BOTH = Exercise(
    "policy-2",
    "One dash too many",
    "pod-1-2 is a database. Pods that are called app=api, of namespaces with team=shop, were to ask it at 8080, and nobody else.\n"
    "But pod-3-2 does, which is an api of the namespace default, and so does pod-2-3, which is a batch job in the shop.\n"
    f"Mend the policy. It is {FILE} on node1; what you make of it holds once you have said\n"
    f'lab.apply(*policies.load(lab["node1"].shell("cat {FILE}")))',
    _check_both,
    (
        "How many entries has `from`, and is a Pod to fit one of them, or all of them?",
        f"`cat {FILE}` on node1: which lines begin with a dash? Notebook 14, *Or, and and*",
        f"on node1: `sed -i 's/    - podSelector: {{matchLabels: {{app: api/      podSelector: {{matchLabels: {{app: api/' {FILE}`, "
        "and then lab.apply once more",
    ),
    (
        Mistake(
            "its own namespace",
            _of_its_own_namespace,
            "A podSelector by itself looks in the policy's own namespace alone. Where are the Pods that are to get in?",
            fails=f"pod-2-2 asks {DB}, and pod-1-2 answers",
        ),
        Mistake(
            "the whole namespace",
            _has_rules("node1"),
            "The namespace is right by now. Is every Pod in it an api?",
            fails=_no("pod-2-3", DB),
        ),
        Mistake(
            "no policy at all",
            lambda cluster: not any(key[0] == "chain" and key[3].startswith("to-") for key in cluster["node1"].own.rules.objects),
            "Nobody isolates pod-1-2 any more, and so everybody gets in.",
            fails=_no("pod-3-3", DB),
        ),
    ),
    start="done",
    prepare=_apply_two_dashes,
    needs=("nft",),
)


LOWEST, HIGHEST, ABOVE = (f"10.244.1.2:{port}" for port in (8080, 8090, 8091))
EXCEPTED, OTHER_SUBNET, OWN = "10.244.1.3:8080", "10.244.3.2:8080", "10.244.2.3:8080"
NEIGHBOUR = "10.244.2.2:8080"


def _serve_many(lab) -> None:
    for target in (LOWEST, HIGHEST, ABOVE, EXCEPTED, OTHER_SUBNET, NEIGHBOUR, OWN):
        address, _, port = target.partition(":")
        lab.serve("pod-" + "-".join(address.split(".")[2:]), int(port))


def _check_egress(lab) -> Iterator[Check]:
    for target in (LOWEST, HIGHEST):
        yield answers(lab, "pod-2-3", target, "pod-1-2")
    for target in (OTHER_SUBNET, ABOVE, EXCEPTED, NEIGHBOUR):
        yield unanswered(lab, "pod-2-3", target)
    yield answers(lab, "pod-2-2", OTHER_SUBNET, "pod-3-2")
    yield answers(lab, "pod-3-3", OWN, "pod-2-3")


BY_HAND = Exercise(
    "policy-3",
    "What one Pod may ask",
    "pod-2-3 may open connections to 10.244.1.0/24 but for 10.244.1.3, at TCP ports 8080 to 8090, and none else.\n"
    "Whoever asks pod-2-3 still gets its answer, and nobody else notices anything.\n"
    "Write nftables on node2 by hand, in a table of your own; no lab.apply.",
    _check_egress,
    (
        "At which hook of node2 does a packet of pod-2-3 come by, and which packets of it were asked for by somebody else?",
        "notebook 14, *By hand*; `nft list ruleset` on node2",
        "`sysctl -w net.bridge.bridge-nf-call-iptables=1`, "
        "`nft add table ip mine`, `nft 'add chain ip mine out { type filter hook forward priority 0 ; }'`, `nft add chain ip mine pod`, "
        "`nft add rule ip mine out ct state established,related accept`, `nft add rule ip mine out ip saddr 10.244.2.3 jump pod`, `nft add "
        "rule ip mine pod ip daddr 10.244.1.0/24 ip daddr != 10.244.1.3 tcp dport 8080-8090 accept`, `nft add rule ip mine pod drop`",
    ),
    (
        Mistake(
            "past the bridge",
            _past_the_bridge("node2"),
            "pod-2-2 is a neighbour: what pod-2-3 sends it passes node2's bridge. What has to be on for a bridge to ask nftables, too?",
            fails=_no("pod-2-3", NEIGHBOUR),
        ),
        Mistake("one port", _has_rules("node2"), "Is 8090 not one of them?", fails=f"pod-2-3 asks {HIGHEST}, and pod-1-2 answers"),
        Mistake(
            "what is no exception",
            _has_rules("node2"),
            "10.244.1.3 is in 10.244.1.0/24, too. What must a packet's destination *not* be?",
            fails=_no("pod-2-3", EXCEPTED),
        ),
        Mistake(
            "no answers",
            _has_rules("node2"),
            "Who asks pod-2-3 gets no answer: that answer is a packet of pod-2-3, too. How does node2 know that it was asked for?",
            fails=f"pod-3-3 asks {OWN}, and pod-2-3 answers",
        ),
        Mistake(
            "everybody's packets",
            _has_rules("node2"),
            "pod-2-2 was not to notice. Whose packets come to the drop at the end?",
            fails=f"pod-2-2 asks {OTHER_SUBNET}, and pod-3-2 answers",
        ),
    ),
    start="done",
    prepare=_serve_many,
    needs=("nft",),
)

EXERCISES = (CLIENTS, BOTH, BY_HAND)
