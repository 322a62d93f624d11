"""A user's own code: the path by which every process finds it, and the digest that names what it does."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from critlab.errors import StudyError


def path_of(code: type | Callable[..., Any]) -> str:
    """``"package.module:name"`` of a class or function, such that another process can import it.

    What the running script defines goes by the script's file name.

    Raises:
        StudyError: it was defined inside a function or at a prompt, where no other process finds it.
    """
    module = script_name() if code.__module__ == "__main__" else code.__module__
    if module is None:
        raise StudyError(
            f"{code.__qualname__} was defined in a notebook or at a prompt, where a worker process cannot find it; "
            "move it to a file"
        )
    path = f"{module}:{code.__qualname__}"
    if "<" in code.__qualname__:
        raise StudyError(
            f"{path} was defined inside a function, where a worker process cannot find it; "
            "move it to the top level of a module"
        )
    return path


def script_name() -> str | None:
    """The name by which another process can import the running script; None in a notebook or at a prompt."""
    main = sys.modules["__main__"]
    if spec := getattr(main, "__spec__", None):
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else None


def module_called(name: str) -> ModuleType:
    """The module of that name; the running script is not executed a second time.

    Raises:
        ImportError: it cannot be imported.
    """
    if name in ("__main__", script_name()):
        return sys.modules["__main__"]
    return importlib.import_module(name)


def source_digest(code: type | Callable[..., Any]) -> str:
    """SHA-256, in hexadecimal, of the source text, so that edited code gets a new name.

    Only the text of ``code`` itself counts: what it calls elsewhere may change unseen.

    Raises:
        StudyError: the source cannot be read, as for code typed at a prompt.
    """
    try:
        text = inspect.getsource(code)
    except (OSError, TypeError) as error:
        raise StudyError(
            f"the source of {getattr(code, '__qualname__', code)!r} cannot be read ({error}); "
            "its results are named by it, so put it in a file as a plain function or class"
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()
