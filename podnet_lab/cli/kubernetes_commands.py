"""Commands about a real Kubernetes in a lab."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from podnet_lab.cli.click_group import FAILED, Group
from podnet_lab.cli.options import joined, json_option, lab_option

if TYPE_CHECKING:
    from podnet_lab.kubernetes.status import KubernetesStatus
    from podnet_lab.lab.lab import Lab

binaries_option = click.option(
    "--binaries",
    metavar="DIR",
    help="A folder with kube-apiserver, kubelet and the others; else those of the cache, or of PODNET_KUBERNETES.",
)


@click.group(cls=Group, short_help="a real Kubernetes in a lab: up, status, down")
def kubernetes() -> None:
    """
    A real Kubernetes in a lab: its kubelets call your CNI plugin, its Pods are the lab's.

    \b
    podnet kubernetes up             in a notebook's lab; nodes are NotReady
    podnet kubernetes up --plugin    Ready by the lab's network, and seven Pods
    podnet kubernetes demo           the same in a lab of its own, closed then
    podnet shell node1 kubectl get pods -o wide

    Its programs come from a folder that you name, from Debian's source (`podnet kubernetes build`), or from its release (`fetch`).
    """


@kubernetes.command(short_help="start it in a running lab")
@click.option("--plugin", is_flag=True, help="Install the lab's network as the CNI plugin, wait until nodes are Ready, run some Pods.")
@binaries_option
@json_option
@lab_option
def up(plugin: bool, binaries: str | None, as_json: bool, lab_name: str | None) -> None:
    """
    Start etcd, API server, scheduler, controller manager on the first node of a running lab, and on each containerd, kubelet, kube-proxy.

    \b
    podnet kubernetes up
    podnet kubernetes up --binaries ~/kubernetes/bin
    podnet kubernetes up --plugin

    What runs already stays as it is. Nodes are NotReady until a conflist is in /run/cni/net.d. With --plugin it goes on: podnet-cni
    with a conflist, routes to the other nodes' Pods, a DaemonSet, a Deployment of four and a Service, and each pair of Pods is tried.
    """
    with joined(lab_name) as lab:
        _up(lab, plugin, binaries, as_json)


@kubernetes.command(short_help="all of it in a lab of its own, which is closed then")
@binaries_option
@json_option
def demo(binaries: str | None, as_json: bool) -> None:
    """
    Start Kubernetes in a lab of its own, with the plugin and seven Pods, try each pair, and close the lab.

    \b
    podnet kubernetes demo
    podnet kubernetes demo --json | jq '.status.pods[].lab_name'
    """
    from podnet_lab.lab.lab import Lab

    with Lab.open(name="kubernetes") as lab:
        _up(lab, True, binaries, as_json)


def _up(lab: Lab, plugin: bool, binaries: str | None, as_json: bool) -> None:
    from podnet_lab.cli.output import paint, reached, say

    status = lab.kubernetes.up(plugin, binaries, None if as_json else click.echo)
    if not plugin:
        say(status, as_json, {"ok": bool(status.nodes), "status": status.record})
        sys.exit(0 if status.nodes else FAILED)
    matrix = lab.matrix()
    headline = str(matrix).splitlines()[-1]
    if as_json:
        click.echo(json.dumps({"ok": bool(status) and bool(matrix), "status": status.record, "pairs": headline}, indent=1))
    else:
        click.echo(paint(f"{status}\n{headline}"))
    sys.exit(reached(matrix) if status else FAILED)


@kubernetes.command(short_help="how it is: nodes, Pods, and why one does not run")
@json_option
@lab_option
def status(as_json: bool, lab_name: str | None) -> None:
    """
    Show the nodes and Pods of a running lab's Kubernetes, and of what is not ready or does not run, why.

    \b
    podnet kubernetes status
    podnet kubernetes status --json | jq -r '.status.pods[].why'
    """
    from podnet_lab.cli.output import say

    with joined(lab_name) as lab:
        found: KubernetesStatus = lab.kubernetes.status()
    say(found, as_json, {"ok": bool(found), "status": found.record})
    sys.exit(0 if found else FAILED)


@kubernetes.command(short_help="end it; the lab goes on")
@json_option
@lab_option
def down(as_json: bool, lab_name: str | None) -> None:
    """
    End a running lab's Kubernetes: its Pods, its programs, kube-proxy's rules. Conflists and routes stay.

    \b
    podnet kubernetes down
    """
    from podnet_lab.cli.output import say

    with joined(lab_name) as lab:
        ended = lab.kubernetes.down()
    say(ended, as_json, {"ok": True, "said": ended})


@kubernetes.command(short_help="download its programs from the project's release into the cache")
@click.option("--version", "wanted", metavar="X.Y.Z", help="Which version; a current one if none is named.")
@click.option("--url", metavar="URL", help="Another server with the same layout, such as a mirror of https://dl.k8s.io.")
def fetch(wanted: str | None, url: str | None) -> None:
    """
    Download Kubernetes' programs into the cache, each held against the checksum beside it; what is there already is not asked for.

    \b
    podnet kubernetes fetch
    podnet kubernetes fetch --version 1.33.5
    """
    from podnet_lab.kubernetes import fetch as release
    from podnet_lab.kubernetes.versions import UNTRIED, Version

    version = Version.read(wanted) if wanted else release.CURRENT
    click.echo(release.fetch(version, url or release.URL, lambda text: click.echo(text, err=True)))
    if not version.tried:
        click.echo(f"Kubernetes {version} {UNTRIED}", err=True)


@kubernetes.command(short_help="build its programs from Debian's source package into the cache")
def build() -> None:
    """
    Build Kubernetes 1.20.2 from Debian 12's source package: 10 CPU minutes, 3 GB of disk meanwhile, once.

    \b
    podnet kubernetes build

    It needs deb.debian.org, and the packages golang-go, dpkg-dev, make, rsync. Interrupted, it goes on where it was.
    """
    from podnet_lab.kubernetes.build import build as make

    click.echo(make())
