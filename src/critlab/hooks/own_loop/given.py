"""A user's loop as it was given: five functions, or a class that other processes can import."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, one_line
from critlab._core.user_code.identity import HERE, OwnCode, own_code, path_of
from critlab.hooks.calls import check_calls

PROMPT = "its class was defined in a notebook, at a prompt or inside a function"
UNGUARDED = 'its class stands in a script without if __name__ == "__main__"'
FUNCTIONS = "it was given as functions"
"""Why only this process can run a loop."""


@dataclass(frozen=True)
class GivenLoop:
    """A loop whose functions are known by name.

    Args:
        functions: by name, such as ``make`` and ``advance``; bound to one object where a class was given.
        kind: the class; None where functions were given.
        path: ``"package.module:Class"``, by which other processes find the class; empty where they cannot.
        alone: why only this process can run it; empty where others can.
        device: with which the class was made; empty where it chooses by itself.
    """

    functions: Mapping[str, Callable[..., Any]]
    kind: Any = None
    path: str = ""
    alone: str = FUNCTIONS
    device: str = ""

    def codes(self, counted: Iterable[str], *, wrapped: bool = False) -> list[tuple[str, OwnCode]]:
        """What names the loop in a store, by the keys under which it does.

        Args:
            counted: where it was given as functions, those whose code counts; of a class, all of it does.
            wrapped: whether a function that wraps another goes by the inner one: a framework's loop is critlab's code
                around functions of the user's.

        Raises:
            StudyError: the source of a function or class cannot be read.
        """
        if self.kind is not None:
            return _class_codes(self.kind, here=not self.path)
        given = {name: self.functions[name] for name in counted}
        if wrapped:
            given = {name: getattr(function, "__wrapped__", function) for name, function in given.items()}
        return [(f"source_of_{name}", own_code(function, name, here=True)) for name, function in given.items()]


def _class_codes(kind: Any, here: bool) -> list[tuple[str, OwnCode]]:
    """What names a class; of one from a notebook, whose text Python does not find, the texts of its methods do."""
    try:
        return [("source_of_loop", own_code(kind, "loop", here=here))]
    except StudyError:
        if not here:
            raise
    methods = {name: one for base in reversed(kind.__mro__) for name, one in vars(base).items()}
    codes = [own_code(one, name, here=True) for name, one in sorted(methods.items()) if inspect.isfunction(one)]
    if not codes:
        raise StudyError(
            f"{kind.__qualname__}: its methods cannot be read; give version=, and raise it with every change"
        )
    # one remark is enough
    kept = [codes[0], *(replace(code, unread="") for code in codes[1:])]
    return [(f"source_of_{code.path}", code) for code in kept]


def given_loop(
    first: Any,
    others: Mapping[str, Any],
    *,
    named: tuple[str, ...],
    of: str,
    device: str = "auto",
    optional: frozenset[str] = frozenset(),
) -> GivenLoop:
    """The loop that a call was given.

    Args:
        first: ``"package.module:Class"``, a class, or the function called ``named[0]``; None where there is none.
        others: the other functions by name; None where there is none.
        named: the functions of the loop that name its results, and then the others.
        of: the function that was called, for messages.
        device: where a class that takes ``device=`` is to compute: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        optional: functions that may be missing.

    Raises:
        StudyError: a function is missing or takes other arguments, there are functions in addition to a class that has
            them, the class cannot be made, or there is no such device for it.
    """
    beside = [name for name, one in others.items() if one is not None]
    # a class without such a method, in addition to functions, is the function that makes a training
    if isinstance(first, str) or (isinstance(first, type) and all(hasattr(first, name) for name in beside)):
        if beside:
            raise StudyError(
                f"{of}: {beside[0]}: received in addition to a loop class; leave it out, or give all functions"
            )
        return _of_class(first, named, of, device, optional)
    functions = {named[0]: first, **others}
    for name in named:
        if functions.get(name) is None and name in optional:
            functions.pop(name, None)
        elif not callable(functions.get(name)):
            came = "nothing" if functions.get(name) is None else type(functions[name]).__name__
            raise StudyError(
                f"{of}: {name}: received {came}; must be a function, or give the loop as one class with "
                f'{_listed(named)}, such as "my_module:MyLoop"'
            )
    check_calls(functions, of)
    if device == "cuda":
        raise StudyError(
            f"{of}: device: received 'cuda', but functions choose their device by themselves; leave it out"
        )
    return GivenLoop(functions)


def loop_or_first(loop: Any, first: Any, of: str) -> Any:
    """The loop that was given by its own name, else the first function, or what was given in its place.

    Raises:
        StudyError: both were given, or ``loop`` is no class.
    """
    if loop is None:
        return first
    if first is not None:
        raise StudyError(f"{of}: loop: received in addition to functions or another class; give one of them")
    if not isinstance(loop, str | type):
        raise StudyError(f'{of}: loop: received {type(loop).__name__}; must be a class, or "my_module:MyLoop"')
    return loop


def _of_class(first: str | type, named: tuple[str, ...], of: str, device: str, optional: frozenset[str]) -> GivenLoop:
    kind: Any = imported(first) if isinstance(first, str) else first
    shown = first if isinstance(first, str) else kind.__qualname__
    if not callable(kind):
        raise StudyError(f"{of}: loop: received {shown}, which is {type(kind).__name__}; must be a class")
    if missing := [name for name in named if name not in optional and not callable(getattr(kind, name, None))]:
        raise StudyError(f"{of}: loop: {shown} has no {missing[0]}; must have {_listed(named)}")
    named_elsewhere = isinstance(first, str) and not first.startswith("__main__:")
    path, alone = (shown, "") if named_elsewhere else importable(kind)
    where = _device(device, of) if _takes_device(kind) else ""
    if device == "cuda" and not where:
        raise StudyError(
            f"{of}: device: received 'cuda', but {shown} takes no device; write def __init__(self, device), or leave "
            "device= out and let the class choose"
        )
    made = _made(kind, shown, of, {"device": where} if where else {})
    functions = {name: getattr(made, name) for name in named if hasattr(made, name)}
    check_calls(functions, of)
    return GivenLoop(functions, kind, path, alone, where)


def _takes_device(kind: Any) -> bool:
    try:
        return "device" in inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return False


def _device(asked: str, of: str) -> str:
    """``cpu`` or ``cuda``.

    Raises:
        StudyError: there is no GPU.
    """
    if asked == "cpu":
        return "cpu"
    import torch

    if asked == "cuda" and not torch.cuda.is_available():
        raise StudyError(f"{of}: device: received 'cuda', but torch finds no GPU; give 'cpu'")
    return "cuda" if torch.cuda.is_available() else "cpu"


def _made(kind: Any, shown: str, of: str, given: Mapping[str, Any]) -> Any:
    try:
        inspect.signature(kind).bind(**given)
    except TypeError as error:
        raise StudyError(
            f"{of}: loop: {shown}: {error}; it must be made without arguments, except device: give the others a default"
        ) from None
    except ValueError:
        pass
    try:
        return kind(**given)
    except CritlabError:
        raise
    except Exception as error:
        raise StudyError(f"{of}: loop: {shown} cannot be made: {one_line(error)}") from error


def importable(kind: Any) -> tuple[str, str]:
    """``"package.module:Class"`` of a class, by which another process finds it; or an empty text, and why not."""
    try:
        path = path_of(kind)
        if path.startswith(f"{HERE}:"):
            return "", PROMPT
        if kind.__module__ == "__main__":
            return (path, "") if _guarded() else ("", UNGUARDED)
        return (path, "") if imported(path) is kind else ("", PROMPT)
    except StudyError:
        return "", PROMPT


def _guarded() -> bool:
    """Whether the running script has a part that does not run where another process imports it."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    try:
        tree = ast.parse(Path(file or "").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return False
    tests = (one.test for one in tree.body if isinstance(one, ast.If))
    return any(isinstance(name, ast.Name) and name.id == "__name__" for test in tests for name in ast.walk(test))


def _listed(named: tuple[str, ...]) -> str:
    return f"{', '.join(named[:-1])} and {named[-1]}"
