"""A user's own code: the path by which every process finds it, and the digest that names what it does."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

from critlab.errors import StudyError


def path_of(code: type | Callable[..., Any]) -> str:
    """``"package.module:name"`` of a class or function, such that another process can import it.

    Raises:
        StudyError: it was defined inside a function, where no other process finds it.
    """
    path = f"{code.__module__}:{code.__qualname__}"
    if "<" in code.__qualname__:
        raise StudyError(
            f"{path} was defined inside a function, where a worker process cannot find it; "
            "move it to the top level of a module"
        )
    return path


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
