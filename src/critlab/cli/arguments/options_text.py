"""Describe the options of a component in words, from their schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo

from critlab._core.spec import Spec


def options_text(options: type[Spec], without: type[Spec] = Spec) -> list[str]:
    """Return one line for each option: its name, the allowed values and its default.

    Args:
        options: the component's options.
        without: a base class of ``options`` whose fields are left out.
    """
    schema = _schema(options)
    return [
        f"{name}: " + ", ".join(filter(None, [allowed(schema.get(name, {})), _default(info)]))
        for name, info in options.model_fields.items()
        if name not in without.model_fields
    ]


def allowed(schema: Mapping[str, Any]) -> str:
    """Return the values that a JSON schema allows, such as ``"1 to 5"``; empty where every value is allowed."""
    if "anyOf" in schema:
        return " or ".join(filter(None, map(allowed, schema["anyOf"])))
    if "const" in schema or "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _between(schema)
    if kind == "array":
        return ", each ".join(filter(None, ["a list", allowed(schema.get("items", {}))]))
    return {"boolean": "true or false", "string": "text", "object": "a table"}.get(str(kind), "")


def _between(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    bounds = [
        None if least is None else f"{least:g} or more",
        None if above is None else f"above {above:g}",
        None if most is None else f"at most {most:g}",
        None if below is None else f"below {below:g}",
    ]
    found = " and ".join(bound for bound in bounds if bound)
    return found or ("a whole number" if schema["type"] == "integer" else "a number")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    return "optional" if value is None else f"default {json.dumps(value, default=str)}"


def _schema(options: type[Spec]) -> dict[str, Any]:
    """Return the JSON schema of each option; empty for options of another package without a schema."""
    try:
        found: dict[str, Any] = options.model_json_schema().get("properties", {})
    except PydanticInvalidForJsonSchema:
        return {}
    return found
