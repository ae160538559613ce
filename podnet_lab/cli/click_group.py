"""The program's own click group: commands in sections, errors in a line or two, and one meaning for each exit status."""

from __future__ import annotations

import errno
import sys
from typing import Any

import click

from podnet_lab.errors import BadInput, CannotRun, LabGone, LabHeld, NoLab, PodnetError

FAILED, WRONG, NOT_TRIED, INTERRUPTED = 1, 2, 3, 130
"""Exit statuses; `podnet --help` says what they mean."""


def status(error: PodnetError) -> int:
    """The exit status for an error."""
    if isinstance(error, BadInput):
        return WRONG
    return NOT_TRIED if isinstance(error, CannotRun | LabGone | LabHeld | NoLab) else FAILED


def failure(error: PodnetError) -> click.ClickException:
    """The same error for click: its message, and what was noted beside it."""
    exception = click.ClickException("\n".join([str(error), *getattr(error, "__notes__", [])]))
    exception.exit_code = status(error)
    return exception


class Group(click.Group):
    """Tells a user's errors as words, not as a traceback, and lists commands by section."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sections: dict[str, list[str]] = {}

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Add commands, listed under *title* in the order given."""
        for command in commands:
            self.add_command(command)
            self._sections.setdefault(title, []).append(command.name)

    def list_commands(self, context: click.Context) -> list[str]:
        """As they are listed, then those that are in no section."""
        listed = [name for names in self._sections.values() for name in names]
        return [*listed, *(name for name in super().list_commands(context) if name not in listed)]

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """One list for each section."""
        listed = {name for names in self._sections.values() for name in names}
        rest = [name for name in self.list_commands(context) if name not in listed]
        for title, names in (self._sections | ({"More": rest} if rest else {})).items():
            with formatter.section(title):
                width = formatter.width - 6 - max(map(len, self.commands))
                formatter.write_dl([(name, self.commands[name].get_short_help_str(width)) for name in names])

    def invoke(self, context: click.Context) -> Any:
        """Run the command; what goes wrong on purpose becomes a message and an exit status."""
        try:
            return super().invoke(context)
        except PodnetError as error:
            raise failure(error) from error
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read has had enough; click ends quietly
                raise
            words = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
            raise click.ClickException(words) from error
