"""Where Python looks for modules: in the working folder last, and only for a study that names code of the user's.

Another user's store may lie in the working folder, next to a ``rich.py`` of theirs. So the command takes that folder
off the search path before it imports anything, and puts it back, behind all that is installed, when a study names a
module that is found nowhere else. Only what Python has loaded before its first line is imported here.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

_left_out: list[str] = []


def leave_out_working_folder() -> None:
    """Takes the working folder off the search path where Python itself put it there, as for ``-m`` and ``-c``.

    Raises:
        OSError: the working folder was deleted, or cannot be read.
    """
    folder = os.getcwd()
    first = sys.path[0] if sys.path and not sys.flags.safe_path else None
    run_by_name = getattr(sys.modules["__main__"], "__spec__", None) is not None
    if first == "" or (run_by_name and first == folder):
        del sys.path[0]
    _left_out[:] = [folder]


def import_module(name: str) -> ModuleType:
    """Imports ``name``, from the working folder where it is found nowhere else and the command left that folder out.

    Raises:
        ImportError: it cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}.") or not _add_left_out():
            raise
    return importlib.import_module(name)


def hidden_by(name: str) -> str | None:
    """The file of the imported module ``name``, where the working folder has a module of that name as well."""
    top = name.partition(".")[0]
    found = getattr(sys.modules.get(top), "__file__", None)
    for folder in _left_out:
        for own in (os.path.join(folder, f"{top}.py"), os.path.join(folder, top, "__init__.py")):
            if os.path.isfile(own) and found is not None and not os.path.samefile(own, found):
                return str(found)
    return None


def _add_left_out() -> bool:
    new = [folder for folder in _left_out if folder not in sys.path]
    sys.path += new
    importlib.invalidate_caches()
    return bool(new)


def forget_left_out() -> None:
    """Ends what :func:`leave_out_working_folder` began; a process that goes on after a command is as before."""
    _left_out.clear()


def python_command(module: str) -> list[str]:
    """The command of another Python that calls ``main`` of ``module`` with the arguments that follow.

    It finds the modules that this process finds, in the same order; ``-m`` would look into the working folder first.
    """
    path = [os.path.abspath(entry) for entry in sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from {module} import main; main(*map(int, sys.argv[1:]))"
    return [sys.executable, "-P", "-c", code]
