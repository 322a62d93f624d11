"""Reading a pickle that holds numpy arrays without running anything that the pickle names.

A pickle is a program. Of its instructions only those are known here that make numbers, texts, lists, tuples and
dictionaries of them; of the names that it may ask for, only those by which numpy writes its arrays. Even these lead to
the plain stand-ins below, not to numpy: an array becomes an array only once the pickle has been read. Python's own
reader is not used, since it reserves whatever memory a pickle names, and hashes whatever key it holds.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError

Plain = dict[str, Any]

MOST_INSTRUCTIONS = 1_000_000
"""Far more than the official files have (200,000); reading so many takes about two seconds."""


def read_array_pickle(content: bytes, path: Path | str) -> Plain:
    """The dictionary in ``content``, its keys as text and its arrays as numpy arrays of whole numbers.

    Reads what Python 2 wrote (keys in bytes) and what Python 3 writes. Memory and time are bounded by the size of
    ``content``, whatever numbers stand in it.

    Args:
        content: the pickle.
        path: the file, for messages.

    Raises:
        DataError: the pickle is damaged, asks for any other name, or holds something else than a dictionary.
    """
    try:
        found = _Reader(path).read(content)
        if not isinstance(found, dict):
            raise DataError(f"{path} holds a {type(found).__name__} instead of a dictionary; download it again")
        return {_text(key): item.array() if isinstance(item, _Array) else item for key, item in found.items()}
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except Exception as error:  # damaged pickles fail in any way at all
        why = f"{type(error).__name__}: {str(error)[:200]}"
        raise DataError(f"{path} is not a readable pickle ({why}); download it again") from error


class _Reader:
    """The stack and the memo of a pickle, and what its instructions do to them."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def read(self, content: bytes) -> Any:
        """What the pickle leaves on its stack."""
        for number, (code, argument, _) in enumerate(pickletools.genops(content)):
            if code.name == "STOP":
                return self._stack.pop()
            if number >= MOST_INSTRUCTIONS:
                raise DataError(
                    f"{self._path} has more than {MOST_INSTRUCTIONS:,} instructions; do not trust this file"
                )
            self._follow(code.name, argument)
        raise DataError(f"{self._path} is truncated; download it again")

    def _follow(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in _VALUES:
            stack.append(argument)
        elif name in _BYTES_OF_PYTHON_2:
            stack.append(argument.encode("latin1"))
        elif name in _MADE:
            stack.append(_MADE[name]())
        elif name == "MARK":
            self._marks.append(len(stack))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name == "GLOBAL":
            stack.append(self._known(*argument.split(" ", 1)))
        elif name in _JOINED:
            _JOINED[name](self)
        elif name not in ("PROTO", "FRAME"):
            raise DataError(
                f"{self._path} has the instruction {name}, which arrays do not need; do not trust this file"
            )

    def _marked(self) -> list[Any]:
        begin = self._marks.pop()
        found = self._stack[begin:]
        del self._stack[begin:]
        return found

    def _last(self, count: int) -> list[Any]:
        if count > len(self._stack):
            raise DataError(f"{self._path} is inconsistent (it pops an empty stack); download it again")
        found = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return found

    def _tuple(self, count: int | None = None) -> None:
        self._stack.append(tuple(self._marked() if count is None else self._last(count)))

    def _append(self, items: list[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            raise DataError(f"{self._path} appends to a value that is not a list; download it again")
        self._stack[-1].extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise DataError(f"{self._path} sets a key of a value that is not a dictionary; download it again")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, bytes):  # the hash of another key may take for ever, or end the process
                raise DataError(f"{self._path} has a key of type {type(key).__name__}; must be text; download it again")
            target[key] = value

    def _dictionary(self) -> None:
        items = self._marked()
        self._stack.append({})
        self._set(items)

    def _global(self) -> None:
        self._stack.append(self._known(*self._last(2)))

    def _reduce(self) -> None:
        function, arguments = self._last(2)
        if not any(function is known for known in _KNOWN.values()):
            raise DataError(f"{self._path} calls a function that is not numpy's; do not trust this file")
        self._stack.append(function(*arguments))

    def _build(self) -> None:
        (state,) = self._last(1)
        if not isinstance(self._stack[-1], _Array | _DType):
            raise DataError(f"{self._path} fills a value that is not an array; do not trust this file")
        self._stack[-1].__setstate__(state)

    def _known(self, module: Any, name: Any) -> Any:
        asked = (_text(module).replace("numpy._core", "numpy.core"), _text(name))
        if asked not in _KNOWN:
            whole = f"{_text(module)}.{_text(name)}"[:100]
            raise DataError(f"{self._path} asks for {whole}, which arrays do not need; do not trust this file")
        return _KNOWN[asked]


_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE"}
    | {"SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
)
_BYTES_OF_PYTHON_2 = frozenset(["STRING", "BINSTRING", "SHORT_BINSTRING"])
_MADE: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
}
_JOINED: dict[str, Callable[[_Reader], None]] = {
    "TUPLE": _Reader._tuple,
    "TUPLE1": lambda reader: reader._tuple(1),
    "TUPLE2": lambda reader: reader._tuple(2),
    "TUPLE3": lambda reader: reader._tuple(3),
    "LIST": lambda reader: reader._stack.append(reader._marked()),
    "DICT": _Reader._dictionary,
    "APPEND": lambda reader: reader._append(reader._last(1)),
    "APPENDS": lambda reader: reader._append(reader._marked()),
    "SETITEM": lambda reader: reader._set(reader._last(2)),
    "SETITEMS": lambda reader: reader._set(reader._marked()),
    "POP": lambda reader: reader._stack.pop(),
    "POP_MARK": lambda reader: reader._marked().clear(),
    "STACK_GLOBAL": _Reader._global,
    "REDUCE": _Reader._reduce,
    "BUILD": _Reader._build,
}


class _DType:
    """Stands for ``numpy.dtype``: whole numbers only."""

    def __init__(self, code: bytes | str, *_flags: Any) -> None:
        self._code, self._order = _text(code), "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._order = _text(state[1])

    def dtype(self) -> np.dtype[Any]:
        found = np.dtype(self._order + self._code)
        if found.kind not in "iu":
            raise DataError(f"an array of {found}; only whole numbers are read")
        return found


class _Array:
    """Stands for ``numpy.ndarray``, its bytes not yet looked at."""

    def __init__(self) -> None:
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._state = state

    def array(self) -> NDArray[Any]:
        _version, shape, dtype, fortran, content = self._state
        flat = np.frombuffer(content, dtype=dtype.dtype())
        return flat.reshape(shape, order="F" if fortran else "C")


def _reconstruct(_kind: Any, _shape: Any, _code: Any) -> _Array:
    return _Array()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    found = _Array()
    found.__setstate__((1, shape, dtype, _text(order) == "F", content))
    return found


def _latin1(text: str, encoding: str) -> bytes:
    if _text(encoding) not in ("latin1", "latin-1"):
        raise DataError(f"an encoding called {encoding!r}; only latin1 is read")
    return text.encode("latin1")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii")
    if type(value) is not str:  # to write out anything else may take for ever
        raise DataError(f"{type(value).__name__} where text is expected; download it again")
    return value


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _latin1,
}
