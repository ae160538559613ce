"""Commands for a real cluster."""

from __future__ import annotations

from pathlib import Path

import click

from podnet_lab.errors import BadInput


@click.command("cni-manifest", short_help="a manifest that installs the plugin on a real cluster")
@click.option("--plugin", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Your own; podnet-by-hand if none is named.")
@click.option("--image", metavar="NAME", help="What the DaemonSet runs in: Python 3 and an `ip`.")
def cni_manifest(plugin: Path | None, image: str | None) -> None:
    """
    Print a manifest that installs the one-file plugin on every node of a real cluster, and keeps the routes between nodes.

    \b
    podnet cni-manifest > podnet.yaml; kubectl apply -f podnet.yaml
    podnet cni-manifest --plugin my-plugin | kubectl apply -f -

    docs/real-cluster.md says what it needs, and where it was tried.
    """
    from podnet_lab.cni.manifest import IMAGE, manifest

    try:
        text = None if plugin is None else plugin.read_bytes().decode()
    except UnicodeDecodeError:
        raise BadInput(f"{plugin} is no text in UTF-8") from None
    click.echo(manifest(text, image or IMAGE), nl=False)
