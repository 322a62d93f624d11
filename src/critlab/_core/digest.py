"""Names made from content: canonical JSON and its SHA-256."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def canonical(value: Any) -> str:
    """The one JSON text of ``value``: sorted keys, no spaces, shortest float that reads back the same.

    Minus zero becomes zero, so that equal numbers have equal names.

    Raises:
        ValueError: a number is not finite, or a value is not JSON.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(*parts: Any) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of ``parts`` (64 characters)."""
    return hashlib.sha256(canonical(list(parts)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    # nearly every value is of these types, and asking for abstract ones takes most of the time of a large store
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {key if type(key) is str else str(key): _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no canonical form: only finite numbers can be part of a name")
        return value + 0.0
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
