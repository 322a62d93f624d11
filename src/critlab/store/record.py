"""Records: small JSON documents that carry their own digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from critlab.digest import digest
from critlab.errors import StoreError

SCHEMA_VERSION = 1


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
    except (ValueError, KeyError, TypeError):
        return ""


def decode(content: bytes, kind: str, name: str) -> dict[str, Any]:
    """The body of a record.

    Raises:
        StoreError: the file is damaged, was edited, or is another record; or it is newer than this critlab.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise StoreError(f"record {name}: is not JSON") from None
    if not isinstance(document, dict):
        raise StoreError(f"record {name}: is not a record")
    version = document.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StoreError(
            f"record {name}: has schema version {version}, this critlab reads up to {SCHEMA_VERSION}; "
            "install a newer critlab"
        )
    claimed = document.pop("sha256", None)
    try:
        actual = digest(document)
    except ValueError:
        actual = None
    if claimed != actual:
        raise StoreError(f"record {name}: does not agree with its own digest; it was damaged or edited")
    if document.get("kind") != kind or document.get("name") != name:
        raise StoreError(f"record {name}: holds another record, {document.get('kind')} {document.get('name')}")
    body = document["body"]
    if not isinstance(body, dict):
        raise StoreError(f"record {name}: has no body")
    return body
