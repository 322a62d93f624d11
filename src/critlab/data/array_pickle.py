"""Reading a pickle that holds numpy arrays without running anything that the pickle names.

A pickle is a program. Of all the names that it may ask for, only those by which numpy writes its arrays are
known here, and even they lead to the plain stand-ins below, not to numpy: an array becomes an array only once
the pickle has been read.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.errors import DataError

Plain = dict[str, Any]


def read_array_pickle(content: bytes, path: Path | str) -> Plain:
    """The dictionary in ``content``, its keys as text and its arrays as numpy arrays of whole numbers.

    Reads what Python 2 wrote (keys in bytes) and what Python 3 writes.

    Args:
        content: the pickle.
        path: the file, for messages.

    Raises:
        DataError: the pickle is damaged, asks for any other name, or holds something else than a dictionary.
    """
    try:
        found = _ArrayUnpickler(io.BytesIO(content), path).load()
        if not isinstance(found, dict):
            raise DataError(f"{path} holds a {type(found).__name__} where a dictionary is expected; get it again")
        return {_text(key): item.array() if isinstance(item, _Array) else item for key, item in found.items()}
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except Exception as error:  # damaged pickles fail in any way at all
        raise DataError(f"{path} is no readable pickle ({type(error).__name__}: {error}); get it again") from error


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, path: Path | str) -> None:
        super().__init__(stream, encoding="bytes")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        found = _KNOWN.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            raise DataError(f"{self._path} asks for {module}.{name}, which no array needs; do not trust this file")
        return found


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
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _latin1,
}
