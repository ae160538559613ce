"""BIRD 2, a router's program: it tells other routers by BGP which networks it leads to, and its kernel what they tell."""

from __future__ import annotations

from shlex import join

from podnet_lab.daemons.base import Daemon, folder

PACKAGE = "bird2"
USED_FOR = "Calico's routes by BGP need it"

PORT = 179
"""The port of BGP (RFC 4271)."""

CONTROL = f"{folder('bird')}/bird.ctl"
"""The socket at which `birdc` asks it."""


def server(config: str) -> Daemon:
    """
    A BIRD with the text of a configuration, which it reads again when that is changed.

    At its end by SIGTERM it says goodbye to its peers, who forget at once what they had from it, and takes its routes out of the
    kernel; killed, it can do neither. It stays who it is (no user): in an ordinary user's lab there is nobody else to become.
    """
    command = ("bird", "-f", "-c", f"{folder('bird')}/bird.conf", "-s", CONTROL)
    return Daemon("bird", command, (("bird.conf", config),), creates=CONTROL, package=PACKAGE, grace=5.0, reload="HUP")


def ask(*words: str) -> str:
    """A shell command that asks the BIRD of a node, like ``birdc show protocols``."""
    return join(["birdc", "-s", CONTROL, *words])
