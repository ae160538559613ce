"""
Everything podnet_lab raises on purpose.

    PodnetError
    ├── BadInput            what was asked can't be right; nothing was changed
    ├── LabError            about the lab itself
    │   ├── CannotRun       this machine can't run a lab; says what would help
    │   ├── LabGone         the lab's processes ended
    │   ├── LabHeld         somebody else has the lab of VMs, of which there is one
    │   └── NoLab           no open lab, or several and none was named
    ├── StepError           about one step on one node
    │   ├── StepConflict    the name is taken by something else; nothing was changed
    │   └── StepFailed      the kernel refused it, or it isn't true afterwards
    ├── UndoRefused         the object isn't what the step left; nothing was changed
    ├── CheckFailed         a check's claim doesn't hold
    ├── PluginFailed        a CNI plugin said no, or could not be run
    ├── LessonFailed        a function of somebody's own exercise raised what it did not mean; says in which line
    └── ShellFailed         a shell cell ended with an exit status other than 0
"""

from __future__ import annotations

import errno
import os

_EXFULL = getattr(errno, "EXFULL", 54)  # Linux has it; this file is imported elsewhere, too

HINTS = {
    errno.EEXIST: "Is there something of this name already? What does `ip link` or `ip route` show?",
    errno.ENODEV: "Does this interface exist in this namespace? Was the step before this one run?",
    errno.ENOENT: "Does this namespace exist? What does `ip netns list` show?",
    errno.ENETUNREACH: "Is the gateway inside one of this namespace's own subnets, and is that interface up?",
    errno.EHOSTUNREACH: "Is the gateway inside one of this namespace's own subnets?",
    errno.ESRCH: "Is there such a route? What does `ip route` show?",
    errno.EADDRNOTAVAIL: "Is there such an address on this interface? What does `ip addr` show?",
    errno.EINVAL: "Which part of the command does the kernel not accept?",
    errno.EPERM: "Are you on a node of the lab, where you may change the network?",
    errno.ENETDOWN: "Is the interface up?",
    _EXFULL: "A Linux bridge holds 1,023 ports; how many does this one have?",
    errno.ELOOP: "Is this interface a bridge itself? Can a bridge be plugged into a bridge?",
    errno.EBUSY: "Is the interface plugged into a bridge already?",
    errno.EOPNOTSUPP: "Can this kind of interface do that?",
    errno.ENOSPC: "Which limit is reached? What does `sysctl user.max_net_namespaces` show on this machine?",
    errno.EMFILE: "Which limit of open files holds here? What does `ulimit -n` show?",
}
"""One question for each refusal of the kernel that a student meets."""

NFT_HINTS = {
    errno.ENOENT: "Which table, chain, map or set does it name? What does `nft list ruleset` show?",
    errno.EBUSY: "Which rule, or which element of a map, still leads there?",
    errno.EEXIST: "Is there something of this name already? What does `nft list ruleset` show?",
    errno.EOPNOTSUPP: "Does a chain of this kind, at this hook, take such a rule?",
}
"""The same for nftables, whose objects are others."""


class PodnetError(Exception):
    """Anything podnet_lab raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message, and not our own lines, which say nothing to whoever runs a cell."""
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", [])]


class BadInput(PodnetError, ValueError):
    """What was asked can't be right; nothing was changed."""


class LabError(PodnetError):
    """Something about the lab itself."""


class CannotRun(LabError):
    """This machine can't run a lab; the message says what would help."""


class LabGone(LabError):
    """The lab's processes ended, or it was closed."""


class LabHeld(LabError):
    """Somebody else has the lab of VMs, of which there is one; the message says who."""


class NoLab(LabError):
    """No lab is open, or several are and none was named."""


class StepError(PodnetError):
    """One step on one node did not work; has node, command and, where the kernel spoke, its errno."""

    def __init__(self, node: str, command: str, reason: str, question: str = "", code: int = 0) -> None:
        self.node, self.command, self.reason, self.question, self.code = node, command, reason, question, code
        super().__init__(f"{node}# {command}: {reason}. {question}".rstrip())


class StepConflict(StepError):
    """The name is taken by something else, or what is there can't be read; nothing was changed."""


class StepFailed(StepError):
    """The kernel refused a step, or the step isn't true afterwards."""

    @classmethod
    def refused(cls, node: str, command: str, code: int, detail: str = "") -> StepFailed:
        """Build it from the kernel's error number; *detail* is the kernel's longer word, which changes between versions."""
        hints = HINTS | NFT_HINTS if command.startswith("nft ") else HINTS
        failure = cls(
            node, command, os.strerror(code) if code else detail or "it did not work, and nobody says why", hints.get(code, ""), code
        )
        if detail and code:
            failure.add_note(f"The kernel adds: {detail}")
        return failure


class UndoRefused(PodnetError):
    """The object is no longer what the step left, so taking it back might lose work; nothing was changed."""


class CheckFailed(PodnetError, AssertionError):
    """A check's claim doesn't hold."""


class PluginFailed(PodnetError):
    """A CNI plugin said no, or could not be run; the message has its own words."""


class LessonFailed(PodnetError):
    """A check, or another function, of somebody's own exercise has a mistake; the message says in which file and line."""


class ShellFailed(PodnetError):
    """A shell cell ended with an exit status other than 0."""
