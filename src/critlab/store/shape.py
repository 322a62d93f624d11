"""What the body of a record must hold for its readers: a record that was sealed by somebody else may hold anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from critlab.errors import StoreError


def check_body(kind: str, name: str, body: Mapping[str, Any]) -> None:
    """Refuses a body in which a reader would not find what it needs.

    Raises:
        StoreError: naming the first such field.
    """
    wanted = dict(_FIELDS.get(kind, {}))
    if kind == "epochs":
        wanted |= {"note": _text} if body.get("status") == "diverged" else _LEARNED
    for field, fits in wanted.items():
        if not fits(body.get(field)):
            raise StoreError(f"record {name}: has no fitting {field!r}; it was not written by critlab")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _status(value: Any) -> bool:
    return value in ("done", "diverged")


def _readings(value: Any) -> bool:
    return isinstance(value, list) and all(
        _table(one) and all(fits(one.get(field)) for field, fits in _READING.items()) for one in value
    )


_READING: dict[str, Callable[[Any], bool]] = {"quantity": _text, "layer": _text, "value": _number, "stderr": _number}
_LEARNED: dict[str, Callable[[Any], bool]] = {"train_loss": _number}
_FIELDS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "epochs": {"status": _status, "seconds": _number},
    "readings": {"readings": _readings, "seconds": _number},
    "failures": {"reason": _text},
    "figures": {"tables": _table, "provenance": _table, "seconds": _number},
    "studies": {"study": _table, "fingerprint": _text, "numerics": _table, "provenance": _table},
}
