"""
A network's configuration, as a runtime reads it: which plugins, in which order, and what each of them is given. Pure.

Source: libcni of containernetworking/cni, and SPEC.md, sections 1 and 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podnet_lab.cni.answer_shape import MOST_SHOWN, read_json
from podnet_lab.cni.call import MOST_OF_A_FILE_NAME, SINCE, VERSIONS, at_least, is_network_name
from podnet_lab.errors import BadInput

Attachment = tuple[str, str]
"""A container's id, and its interface."""


@dataclass(frozen=True)
class NetworkList:
    """Plugins in order, for a network *name*, with the *version* of the specification that is spoken."""

    name: str
    version: str
    plugins: tuple[Mapping[str, Any], ...]
    disable_check: bool = False
    disable_gc: bool = False
    text: str = field(default="", repr=False)

    @classmethod
    def read(cls, given: str | Mapping[str, Any]) -> NetworkList:
        """The list of a conflist, or of the configuration of one plugin, as text or as values; BadInput if it is none."""
        try:
            text = given if isinstance(given, str) else json.dumps(given)
            values = read_json(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadInput(f"a network's configuration is JSON: {error}") from None
        if not isinstance(values, dict):
            raise BadInput("a network's configuration is a JSON object: cniVersion, name, plugins")
        plugins = values.get("plugins", [values])
        if not isinstance(plugins, list) or not plugins or not all(_is_plugin(plugin) for plugin in plugins):
            raise BadInput("plugins is a list of objects, each with a type: the name of its program")
        name = values.get("name")
        if not isinstance(name, str) or not is_network_name(name):
            raise BadInput(f"a network has a name of letters, digits and . _ -, {MOST_OF_A_FILE_NAME} at most, not {_shown(name)}")
        return cls(name, _version(values), tuple(plugins), _yes(values, "disableCheck"), _yes(values, "disableGC"), text)

    @property
    def types(self) -> tuple[str, ...]:
        """The plugins' programs, in order, each once."""
        return tuple(dict.fromkeys(plugin["type"] for plugin in self.plugins))

    @property
    def conflist(self) -> str:
        """Its text as a conflist: of one plugin's configuration, a list of one, for runtimes that read lists alone."""
        if "plugins" in json.loads(self.text):
            return self.text
        return json.dumps({"cniVersion": self.version, "name": self.name, "plugins": list(self.plugins)}, indent=1)

    def has(self, command: str) -> bool:
        """Whether its version has a verb that came later than others."""
        return at_least(self.version, SINCE.get(command, self.version))

    def request(
        self, plugin: Mapping[str, Any], previous: Mapping[str, Any] | None = None, capabilities: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What one plugin reads: its part, with name and version, the *previous* result, and the capabilities that it has."""
        request = {**plugin, "name": self.name, "cniVersion": self.version}
        declared = plugin.get("capabilities") or {}
        if config := {key: value for key, value in (capabilities or {}).items() if declared.get(key)}:
            request["runtimeConfig"] = config
        if previous is not None:
            request["prevResult"] = dict(previous)
        return request

    def garbage_request(self, plugin: Mapping[str, Any], valid: Iterable[Attachment]) -> dict[str, Any]:
        """What one plugin gets for GC: the attachments that are still there."""
        listed = [{"containerID": container, "ifname": ifname} for container, ifname in valid]
        return {**self.request(plugin), "cni.dev/valid-attachments": listed, "cni.dev/attachments": listed}


def _is_plugin(plugin: Any) -> bool:
    if not isinstance(plugin, dict) or not isinstance(plugin.get("capabilities"), dict | None):
        return False
    return isinstance(plugin.get("type"), str) and plugin["type"] != "" and "/" not in plugin["type"]


def _yes(values: Mapping[str, Any], name: str) -> bool:
    """A switch of a list; as with libcni, it may be written as a text, too."""
    given = values.get(name, False)
    value = {"true": True, "false": False}.get(given.lower()) if isinstance(given, str) else given
    if not isinstance(value, bool):
        raise BadInput(f"{name} is true or false, not {_shown(given)}")
    return value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"


def _version(values: Mapping[str, Any]) -> str:
    """The highest version that the configuration lists, and that is spoken here."""
    listed = values.get("cniVersions") or []
    for version in (values.get("cniVersion") or "", *(listed if isinstance(listed, list) else [listed])):
        if not isinstance(version, str):
            raise BadInput(f"a version is a text like 1.1.0, not {_shown(version)}")
    given = {values.get("cniVersion") or (None if listed else "0.1.0"), *(listed if isinstance(listed, list) else [listed])} - {None}
    spoken = [version for version in VERSIONS if version in given]
    if not spoken:
        missing = "" if listed or values.get("cniVersion") else "cniVersion is missing, which means 0.1.0: "
        raise BadInput(f"{missing}cniVersion is one of {', '.join(VERSIONS)}, not {', '.join(map(str, sorted(map(str, given))))}")
    return spoken[-1]


def environment(command: str, container: str, ifname: str, netns: str, path: Iterable[str], args: Mapping[str, str]) -> dict[str, str]:
    """The variables of a call, but for those that it does not need."""
    given = {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": container,
        "CNI_NETNS": netns,
        "CNI_IFNAME": ifname,
        "CNI_ARGS": ";".join(f"{key}={value}" for key, value in args.items()),
        "CNI_PATH": ":".join(path),
    }
    return {name: value for name, value in given.items() if value}
