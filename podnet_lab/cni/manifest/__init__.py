"""What installs the one-file plugin on a real cluster, as a manifest for kubectl, made of this project's own files. Pure."""

from __future__ import annotations

import hashlib
import re

from podnet_lab.cni.installation import BY_HAND, file
from podnet_lab.errors import BadInput

IMAGE = "python:3.13-alpine"
"""What the DaemonSet's own two programs run in: Python 3 and an `ip`. The plugin itself runs on the node, with what is there."""

MOST_BYTES = 500_000
"""Of a plugin; a ConfigMap holds 1 MiB in all (kubernetes.io, ConfigMaps)."""


def manifest(plugin: str | None = None, image: str = IMAGE) -> str:
    """
    Namespace, account, rights, ConfigMap and DaemonSet as YAML, with *plugin*'s text, or with podnet-by-hand as it is here.

    Raises BadInput for a text that YAML would not give back as it is, or an image that is no name.
    """
    plugin = file(f"examples/{BY_HAND}") if plugin is None else plugin
    _require_text(plugin)
    if not image or not image.isascii() or set(image) & set(" \"'\\\t\n"):
        raise BadInput(f"an image is named like {IMAGE}, not {image!r}")
    program = file("manifest/podnet-node")
    digest = hashlib.sha256(f"{plugin}\0{program}".encode()).hexdigest()[:16]
    words = {"PLUGIN": _as_block(plugin), "NODE_PROGRAM": _as_block(program), "DIGEST": digest, "IMAGE": image}
    # In one pass: a plugin's text may have such words in it.
    return re.sub(r" {4}@(PLUGIN|NODE_PROGRAM)@|@(DIGEST|IMAGE)@", lambda found: words[found[1] or found[2]], file("manifest/cluster.yaml"))


def _require_text(plugin: str) -> None:
    if not plugin.startswith("#!"):
        raise BadInput("a plugin is a program: its first line says what runs it, like #!/usr/bin/env python3")
    if not plugin.endswith("\n"):
        raise BadInput("the plugin's last line has no end")
    if odd := next((letter for letter in plugin if not letter.isprintable() and letter not in "\n\t"), None):
        raise BadInput(f"the plugin has a character that YAML does not keep: {odd!r}")
    if len(plugin.encode()) > MOST_BYTES:
        raise BadInput(f"the plugin is larger than {MOST_BYTES} bytes: too much for a ConfigMap")


def _as_block(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.removesuffix("\n").split("\n"))
