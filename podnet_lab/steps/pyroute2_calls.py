"""
How the calls of a Python program with pyroute2 are written: on the node by ``ip``, in a Pod by a ``NetNS`` of its own. Pure.

Nothing is imported here: the program is text. Names go into it as Python's own literals, so that any will do.
"""

from __future__ import annotations

FOREIGN = "# The plain call: the kernel knew more of it (several ways), and only undo gives that back, byte by byte."
"""What stands above the call of a step that holds the kernel's own bytes: those name an interface by its number on this node."""


class Code(str):
    """A piece of program, not a text in it."""

    __slots__ = ()


def literal(value: object) -> str:
    """A value as it stands in the program; texts in double quotes, since people write them so."""
    if isinstance(value, Code):
        return value
    if isinstance(value, str):
        text = repr(value)
        return text if {"'", '"'} & set(value) else f'"{text[1:-1]}"'
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(part)}" for key, part in value.items()) + "}"
    return repr(value)


def handle(namespace: str | None) -> str:
    """What a program speaks through: ``ip`` on the node, ``pod`` in a Pod."""
    return "pod" if namespace else "ip"


def call(namespace: str | None, method: str, verb: str, **arguments: object) -> str:
    """A call such as ``ip.link("add", ifname="v-net-0", kind="bridge")``; an argument that is a `Code` is put in as it is."""
    given = "".join(f", {name}={literal(value)}" for name, value in arguments.items())
    return within(namespace, f"{handle(namespace)}.{method}({literal(verb)}{given})")


def within(namespace: str | None, line: str) -> str:
    """A line of the program, in a Pod's namespace if one is named."""
    # Without flags=0 pyroute2 makes a namespace that is not there, where `ip -n` refuses.
    return f"with NetNS({literal(namespace)}, flags=0) as pod:\n    {line}" if namespace else line


def write_setting(namespace: str | None, path: str, value: int) -> str:
    """Write a setting below /proc/sys, in a Pod's namespace if one is named: pyroute2 has no call for it."""
    line = f"Path({literal(f'/proc/sys/{path}')}).write_text({literal(str(value))})"
    return f"netns.pushns()\nnetns.setns({literal(namespace)}, flags=0)\n{line}\nnetns.popns()" if namespace else line


def index_of(namespace: str | None, dev: str) -> Code:
    """An interface's number, looked up by its name; an argument of a `call`."""
    return Code(f"{handle(namespace)}.link_lookup(ifname={literal(dev)})[0]")


def run_nft(text: str, *options: str) -> str:
    """`nft` with *text* to read, of any length: pyroute2 has no maps of verdicts, so a program, too, asks nftables' own."""
    return f"subprocess.run({literal(['nft', *options, '-f', '-'])}, input={literal(text)}, text=True, check=True)"


def with_comment(lines: str, comment: str) -> str:
    """The same lines with a comment above the last, inside of the block that it stands in."""
    *opening, line = lines.split("\n")
    return "\n".join([*opening, line[: len(line) - len(line.lstrip())] + comment, line])
