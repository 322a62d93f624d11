"""Records: small JSON documents that carry their own digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from critlab._core.digest import digest
from critlab._core.errors import StoreDamaged, StoreNewer
from critlab._core.problems import shown

SCHEMA_VERSION = 1

MOST_BYTES = {
    "epochs": 2**22,
    "readings": 2**26,
    "failures": 2**22,
    "figures": 2**26,
    "looks": 2**24,
    "studies": 2**24,
    "commands": 2**16,
    "examples": 2**24,
}
"""How large a record of each kind may be; readings may hold pictures, figures whole tables."""

MOST_DIGITS = 300
"""How many digits a whole number may have; those of more have no place among floats."""


def encode(kind: str, name: str, body: Mapping[str, Any]) -> bytes:
    """The file of a record.

    Raises:
        ValueError: a number in ``body`` is not finite.
    """
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, "name": name, "body": dict(body)}
    sealed = {**document, "sha256": digest(document)}
    return (json.dumps(sealed, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def name_of(content: bytes) -> str:
    """The name that a record claims; empty where there is none."""
    try:
        return str(json.loads(content)["name"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def decode(content: bytes, kind: str, name: str) -> dict[str, Any]:
    """The body of a record: every number in it is finite.

    Raises:
        StoreDamaged: the file is damaged, was edited, or is another record.
        StoreNewer: a newer critlab wrote it.
    """
    document = _document(content, name)
    claimed = document.pop("sha256", None)
    try:
        agrees = isinstance(claimed, str) and claimed == digest(document)
    except (ValueError, RecursionError):
        agrees = False
    if not agrees:
        raise StoreDamaged(f"record {name}: does not match its digest; it was damaged or edited")
    if document.get("kind") != kind or document.get("name") != name:
        held = f"{shown(document.get('kind'))} {shown(document.get('name'))}"
        raise StoreDamaged(f"record {name}: holds another record, {held}")
    body = document.get("body")
    if not isinstance(body, dict):
        raise StoreDamaged(f"record {name}: has no body")
    return body


def refuse_newer(content: bytes, name: str) -> None:
    """Raise where a newer critlab wrote the record; whatever else is wrong with it counts as damage.

    Raises:
        StoreNewer: it did.
    """
    try:
        _document(content, name)
    except StoreDamaged:
        return


def check_version(version: Any, what: str) -> None:
    """Check the schema version of a file.

    Args:
        version: what the file says.
        what: the file, for a person.

    Raises:
        StoreNewer: it is above :data:`SCHEMA_VERSION`.
        StoreDamaged: no critlab wrote it.
    """
    if type(version) is int and 1 <= version <= SCHEMA_VERSION:
        return
    if _above(version):
        raise StoreNewer(
            f"{what}: has schema version {shown(version)}, this critlab reads up to {SCHEMA_VERSION}; "
            "install a newer critlab"
        )
    raise StoreDamaged(f"{what}: has schema version {shown(version)}; must be 1 to {SCHEMA_VERSION}")


def _above(version: Any) -> bool:
    """Whether ``version`` is a number above ours, also one written as text, as a newer critlab may do."""
    if isinstance(version, str):
        try:
            version = float(version)
        except ValueError:
            return False
    return isinstance(version, int | float) and not isinstance(version, bool) and version > SCHEMA_VERSION


def _document(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = _JSON.decode(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        why = f": {error}" if isinstance(error, _Unfit) else ""
        raise StoreDamaged(f"record {name}: is not JSON{why}") from None
    if not isinstance(document, dict):
        raise StoreDamaged(f"record {name}: is not a record")
    check_version(document.get("schema_version"), f"record {name}")
    return document


class _Unfit(ValueError):  # noqa: N818 - says what the number is
    """A number that Python's reader would take, and that a record cannot hold."""


def _constant(text: str) -> Any:
    raise _Unfit(f"holds {text}, which is not a finite number")


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _Unfit(f"holds a whole number of {len(text):,} digits")
    return int(text)


_JSON = json.JSONDecoder(parse_constant=_constant, parse_int=_whole)
