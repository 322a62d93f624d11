"""The console script: what has to be settled before anything else is imported, and what becomes of errors.

A signal is answered from the first line on, and no module that lies in the working folder is run by accident. So only
what Python has loaded by then is imported at the top; the commands are in :mod:`critlab.cli.commands`.
"""

from __future__ import annotations

import sys

from critlab._core.search_path import forget_left_out, leave_out_working_folder
from critlab._core.text import printable

USAGE, INTERRUPTED = 2, 130


def main() -> None:
    """Runs one command and ends with its status: a person's mistake gives one message and 2, never a traceback."""
    try:
        leave_out_working_folder()
    except OSError as error:
        _tell(f"the working folder cannot be used: {error.strerror}; change into a folder that exists")
        raise SystemExit(USAGE) from None
    from critlab.engine.interruption import PREEMPTED, StopAsked, stoppable

    with stoppable() as stop:
        try:
            status = _status()
        except StopAsked as asked:
            _tell(f"stopped by {asked}; nothing is lost: repeat the command to go on")
            status = PREEMPTED
        finally:
            # the status is known, and nothing but the end of the process is left
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
        _tell(f"{error}")
    except OSError as error:
        _tell(f"{error.filename or 'system'}: {error.strerror or error}")
    except MemoryError as error:
        _tell(f"out of memory: {error or 'the study needs more'}; ask for less")
    except KeyboardInterrupt:
        return INTERRUPTED
    return USAGE


def _tell(text: str) -> None:
    """One line on standard error, which may be closed or full."""
    if sys.stderr is not None:
        try:
            print(f"critlab: {printable(text)}", file=sys.stderr, flush=True)
        except OSError:
            return


if __name__ == "__main__":
    main()
