"""A study as the TOML that gives it again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from critlab.study.study import Study


def study_text(study: Study) -> str:
    """TOML that reads back as an equal study, by a file or as plain values; every default is written out."""
    plain = study.model_dump(mode="json", exclude_none=True)
    for section, said in _said(study).items():
        plain[section] = {**plain[section], **said}
    scalars = {key: value for key, value in plain.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in plain.items() if isinstance(value, Mapping)}
    lines = [*_pairs(scalars)]
    for name, table in tables.items():
        body = list(_pairs(table, always=_said(study).get(name, {})))
        if body:
            lines += ["", f"[{_key(name)}]", *body]
    return "\n".join(lines) + "\n"


def _said(study: Study) -> dict[str, dict[str, Any]]:
    """The keys by section for which a study file without them means something else than plain values without them."""
    clocks: dict[str, Any] = {} if study.controls.clocks is None else {"clocks": list(study.controls.clocks)}
    return {"controls": {"delay": study.controls.delay, **clocks}, "evaluation": {"every": study.evaluation.every}}


def _pairs(table: Mapping[str, Any], always: Collection[str] = ()) -> Iterator[str]:
    for key, value in table.items():
        if key in always or (value is not None and value not in ([], {})):
            yield f"{_key(key)} = {_value(value)}"


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # numbers, booleans and strings are the same in JSON and TOML, but for the character that TOML forbids bare
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
