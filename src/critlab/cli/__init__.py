"""The console script: set up signals and the search path, run a command, and turn errors into exit statuses.

Signals are handled before anything else is imported, and modules in the working folder are not imported by accident.
So this module imports at the top only what Python has already loaded; the commands are in :mod:`critlab.cli.commands`.
"""

from __future__ import annotations

import sys

from critlab._core.search_path import forget_left_out, leave_out_working_folder
from critlab._core.text import printable

USAGE, INTERRUPTED = 2, 130


def main() -> None:
    """Run one command and exit with its status; an invalid input gives one line and status 2, without a traceback."""
    try:
        leave_out_working_folder()
    except OSError as error:
        _print_error(f"the working folder cannot be used: {error.strerror}; change to a folder that exists")
        raise SystemExit(USAGE) from None
    from critlab.engine.interruption import PREEMPTED, StopAsked, stoppable

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
    from critlab._core.streams import command_streams, flush

    try:
        with command_streams():
            from critlab.cli.commands import app

            try:
                app()
            except SystemExit as end:
                flush()
                return int(end.code or 0)
            return 0
    except CritlabError as error:
        _print_error(f"{error}")
    except OSError as error:
        _print_error(f"{error.filename or 'system'}: {error.strerror or error}")
    except MemoryError as error:
        _print_error(
            f"out of memory: {error or 'the study needs more'}; use fewer workers, a smaller batch or a smaller model"
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    return USAGE


def _print_error(text: str) -> None:
    """Print one line on standard error, which may be closed or full."""
    if sys.stderr is not None:
        try:
            print(f"critlab: {printable(text)}", file=sys.stderr, flush=True)
        except OSError:
            return


if __name__ == "__main__":
    main()
