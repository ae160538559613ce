"""
What a runtime asks of a plugin: a verb and its parameters in the environment, a configuration on standard input. Pure.

Source: SPEC.md of containernetworking/cni, sections 2 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from podnet_lab.cni.answer_shape import dns_problem, read_json, result_problem
from podnet_lab.errors import PodnetError

VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""The versions of the specification that are spoken."""

SINCE = {"CHECK": "0.4.0", "GC": "1.1.0", "STATUS": "1.1.0"}
"""The first version that has a verb, of those that were not always there."""

NEEDS = {
    "ADD": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"),
    "DEL": ("CNI_CONTAINERID", "CNI_IFNAME"),
    "CHECK": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"),
    "GC": ("CNI_PATH",),
    "STATUS": (),
    "VERSION": (),
}
"""The six verbs, and the variables that each must have."""

VARIABLES = ("CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH")
"""All that are read."""

SHAPED = ("ADD", "CHECK", "STATUS")
"""Verbs that ask whether what an answer copies can be read; the others take away what they can, and copy nothing."""

MAX_NAME = 15
MOST_OF_A_FILE_NAME = 255
_WORD = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")


class Code(IntEnum):
    """The numbers of errors: up to 99 the specification's, from 100 on our own."""

    VERSION = 1
    FIELD = 2
    CONTAINER = 3
    ENVIRONMENT = 4
    IO = 5
    DECODE = 6
    CONFIG = 7
    LATER = 11
    UNAVAILABLE = 50
    TAKEN = 100
    NOT_AS_ADDED = 101
    REFUSED = 102
    BUG = 999


class CniError(PodnetError):
    """What a plugin answers instead of a result: a number, a short message, and a longer one."""

    def __init__(self, code: int, message: str, details: str = "") -> None:
        self.code, self.message, self.details = int(code), message, details
        super().__init__(f"{message}: {details}" if details else message)

    def answer(self, version: str) -> dict[str, Any]:
        """The error as the specification writes it."""
        return {"cniVersion": version, "code": self.code, "msg": self.message, "details": self.details}


MOST_SHOWN = 200
"""Letters of a value that can't be, as an error shows it."""


@dataclass(frozen=True)
class Call:
    """
    One call of a plugin: a *command*, for the interface *ifname* of the container *container*, whose namespace is at *netns*.

    *found_at* is where that is for the plugin, if whoever calls sees other mounts, or says it as of itself; no answer has it.
    """

    command: str
    config: Mapping[str, Any]
    container: str = ""
    netns: str = ""
    ifname: str = ""
    args: Mapping[str, str] | None = None
    path: tuple[str, ...] = ()
    found_at: str = ""

    @property
    def place(self) -> str:
        """Where the container's network namespace is found from here."""
        return self.found_at or self.netns

    @property
    def version(self) -> str:
        """The specification's version that is spoken."""
        return self.config["cniVersion"]

    @property
    def network_name(self) -> str:
        """The name of the configuration: what addresses are kept under."""
        return self.config["name"]


def at_least(version: str, other: str) -> bool:
    """Whether a version is *other*, or a later one."""
    return _numbers(version) >= _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def read_call(environment: Mapping[str, str], stdin: str, found_at: str = "") -> Call:
    """The call that a runtime makes; CniError, with the specification's number, if it can't be right. *found_at*: see `Call`."""
    command = environment.get("CNI_COMMAND", "")
    if command not in NEEDS:
        raise CniError(Code.ENVIRONMENT, "CNI_COMMAND is none of " + ", ".join(NEEDS), repr(command))
    if undecodable := [name for name in VARIABLES if not _is_text(environment.get(name, ""))]:
        raise CniError(Code.ENVIRONMENT, f"{undecodable[0]} can't be that", f"{environment[undecodable[0]]!r} has bytes that are no text")
    missing = [name for name in NEEDS[command] if not environment.get(name)]
    if missing:
        raise CniError(Code.ENVIRONMENT, f"{command} needs {', '.join(missing)}", "not set, or empty")
    if command == "VERSION":
        return Call(command, _version_request(stdin))
    for name, allowed in _ALLOWED.items():
        if (value := environment.get(name)) and name in NEEDS[command] and not allowed(value):
            raise CniError(Code.ENVIRONMENT, f"{name} can't be that", repr(value))
    return Call(
        command,
        read_config(command, stdin),
        environment.get("CNI_CONTAINERID", ""),
        environment.get("CNI_NETNS", ""),
        environment.get("CNI_IFNAME", ""),
        _args(environment.get("CNI_ARGS", "")),
        tuple(filter(None, environment.get("CNI_PATH", "").split(":"))),
        found_at,
    )


def is_container_id(text: str) -> bool:
    """Whether a container can be called that."""
    return bool(_WORD.fullmatch(text))


def is_network_name(text: str) -> bool:
    """Whether a network's configuration can be called that: what is kept of it lies in files and folders of that name."""
    return is_container_id(text) and len(text) <= MOST_OF_A_FILE_NAME


def is_interface_name(text: str) -> bool:
    """Whether an interface of a container can be called that."""
    return _is_text(text) and 0 < len(text.encode()) <= MAX_NAME and text not in (".", "..") and not re.search(r"[/:\s]", text)


def _is_text(text: str) -> bool:
    """Whether it can be written: Python has bytes that are no UTF-8 as letters that can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_ALLOWED: dict[str, Callable[[str], bool]] = {"CNI_CONTAINERID": is_container_id, "CNI_IFNAME": is_interface_name}


def _args(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(";") if pair]
    if wrong := [key for key, sign, _ in pairs if not sign or not key]:
        raise CniError(Code.ENVIRONMENT, "CNI_ARGS is KEY=VALUE;KEY=VALUE", f"{wrong[0]!r} is no such pair")
    return {key: value for key, _, value in pairs}


def _object(text: str) -> dict[str, Any]:
    try:
        config = read_json(text)
    except (ValueError, RecursionError) as error:
        raise CniError(Code.DECODE, "the configuration is not JSON", str(error)) from None
    if not isinstance(config, dict):
        raise CniError(Code.DECODE, "the configuration is no JSON object", type(config).__name__)
    return config


def _version_request(stdin: str) -> dict[str, Any]:
    asked = _object(stdin) if stdin.strip() else {}
    return {"cniVersion": _version(asked) if "cniVersion" in asked else VERSIONS[-1]}


def _version(config: Mapping[str, Any]) -> str:
    version = config.get("cniVersion") or "0.1.0"  # what had no version was the first one's
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise CniError(Code.DECODE, "cniVersion is no version like 1.1.0", repr(version))
    return version


def read_config(command: str, stdin: str) -> dict[str, Any]:
    """The configuration for a verb, of a version that is spoken and has it."""
    config = _object(stdin)
    asked = config.get("cniVersion")
    version = config["cniVersion"] = _version(config)
    name = config.get("name")
    if not isinstance(name, str) or not is_network_name(name):
        raise CniError(Code.CONFIG, "name is missing" if not name else "name can't be that", repr(name)[:MOST_SHOWN])
    if version not in VERSIONS:
        said = version if asked else f"cniVersion is missing: that means {version}, which"
        raise CniError(Code.VERSION, "incompatible CNI version", f"{said} is none of {', '.join(VERSIONS)}")
    if not at_least(version, SINCE.get(command, VERSIONS[0])):
        raise CniError(Code.VERSION, f"CNI {version} has no {command}", f"it came with {SINCE[command]}")
    if command in SHAPED:
        _refuse_other_shapes(config)
    return config


def _refuse_other_shapes(config: Mapping[str, Any]) -> None:
    """CniError where a part of a configuration, or of the result before, has not the specification's shape: an answer could not be read."""
    previous, runtime = config.get("prevResult"), config.get("runtimeConfig") or {}
    for name, value in (("prevResult", previous), ("runtimeConfig", runtime)):
        if not isinstance(value, dict | None):
            raise CniError(Code.CONFIG, f"{name} is no object", repr(value)[:MOST_SHOWN])
    if problem := result_problem(previous or {}, "prevResult.") or dns_problem(config.get("dns")):
        raise CniError(Code.CONFIG, problem, "no runtime could read an answer that has it")
    ips = runtime.get("ips") or []
    if not isinstance(ips, list) or not all(isinstance(one, str) for one in ips):
        raise CniError(Code.CONFIG, "runtimeConfig.ips is no list of addresses", repr(ips)[:MOST_SHOWN])
