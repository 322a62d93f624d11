"""The console script: set up signals and the search path, run a command, and turn errors into exit statuses.

Signals are handled before anything else is imported, and modules in the working folder are not imported by accident.
So this module imports at the top only what Python has already loaded; the commands are in :mod:`critlab.cli.commands`.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from critlab._core.errors import UnsupportedSystem
from critlab._core.loading.search_path import forget_left_out, leave_out_working_folder
from critlab._core.terminal.text import printable

USAGE, INTERRUPTED = 2, 130

REMEDIES = {
    (errno.ENOSPC, errno.EDQUOT): "; free space on this disk or use another folder, then repeat the command",
    (errno.EACCES, errno.EPERM, errno.EROFS): "; use a folder that you may write to",
}
"""What a person does about an error of the system."""

ANNOUNCED = ("run", "when", "demo", "reproduce")
"""Commands that may take longer than a moment before their first line."""


def main() -> None:
    """Run one command and exit with its status; an invalid input gives one line and status 2, without a traceback."""
    try:
        leave_out_working_folder()
    except OSError as error:
        _print_error(f"the working folder cannot be used: {error.strerror}; change to a folder that exists")
        raise SystemExit(USAGE) from None
    try:
        from critlab.engine.interruption import PREEMPTED, StopAsked, stoppable
    except UnsupportedSystem as error:
        _print_error(f"{error}")
        raise SystemExit(USAGE) from None

    with stoppable() as stop:
        try:
            status = _status()
        except StopAsked as asked:
            _print_error(f"stopped by {asked}; nothing is lost: repeat the command to continue")
            status = PREEMPTED
        finally:
            # the status is final: a signal must not change it any more
            stop.settled = True
            forget_left_out()
    raise SystemExit(status)


def _status() -> int:
    from critlab._core.errors import CritlabError
    from critlab._core.terminal.streams import command_streams, flush

    try:
        with command_streams():
            _say_beginning(sys.argv[1:])
            from critlab.cli.arguments.usage import USAGE_ERRORS, usage_text
            from critlab.cli.commands import app

            try:
                status = app(prog_name="critlab", standalone_mode=False)
            except USAGE_ERRORS as error:
                return _refuse(error, usage_text)
            except SystemExit as end:
                status = end.code
            flush()
            return int(status or 0)
    except CritlabError as error:
        _print_error(f"{error}")
    except OSError as error:
        remedy = next((words for numbers, words in REMEDIES.items() if error.errno in numbers), "")
        _print_error(f"{error.filename or 'system'}: {error.strerror or error}{remedy}")
    except MemoryError as error:
        _print_error(
            f"out of memory: {error or 'the study needs more'}; use fewer workers, a smaller batch or a smaller model"
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    return USAGE


def _say_beginning(arguments: list[str]) -> None:
    """Say at once on a terminal what a long command does: reading a study takes longer than a person waits for a sign.

    A log gets no such line: what a program reads there, in case of a mistake, is one line with the remedy.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        return
    command, *rest = arguments or [""]
    # a word behind an option may be its value
    pairs = zip(["", *rest], rest, strict=False)
    named = [word for before, word in pairs if not before.startswith("-") and not word.startswith("-")]
    if command in ANNOUNCED and not {"-h", "--help"} & set(rest) and (named or command == "demo"):
        _print_line(f"{' '.join([command, *named[:1]])[:80]}: reading the study")


def _refuse(error: Exception, words: Callable[[Exception], str]) -> int:
    """Print a wrong command line in one line, or the help of a command that was given nothing at all."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
    else:
        _print_error(words(error))
    return USAGE


def _print_error(text: str) -> None:
    _print_line(f"critlab: {text}")


def _print_line(text: str) -> None:
    """Print one line on standard error, which may be closed or full."""
    if sys.stderr is not None:
        try:
            print(printable(text), file=sys.stderr, flush=True)
        except OSError:
            return


if __name__ == "__main__":
    main()
