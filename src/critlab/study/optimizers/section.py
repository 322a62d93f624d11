"""A table that names an optimiser, with its options as further keys, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Location, Problems, nearest, problems, shown
from critlab._core.spec import json_values
from critlab._core.user_code.identity import path_of
from critlab.study.optimizers import OPTIMIZERS, REFUSED, TorchOptimizer
from critlab.study.optimizers.own import OwnOptimizer
from critlab.study.optimizers.sgd import SGD


def with_options(raw: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The same table with the keys that are not in ``fields`` together as ``options``.

    A name may be spelt as in ``torch.optim``, such as ``AdamW``. What is wrong with the name itself is left to
    :func:`known`.

    Args:
        raw: a table with ``name``.
        fields: of the section; everything else is an option of the optimiser.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    given = dict(raw)
    if "name" not in given:
        raise Problems([(("name",), f"required, but missing (allowed: {', '.join(OPTIMIZERS)})")])
    name = given["name"]
    if callable(name):
        name = given["name"] = path_of(name)
    if not isinstance(name, str):
        return given
    name = given["name"] = name if is_path(name) or name in OPTIMIZERS else name.lower()
    if not is_path(name) and name not in OPTIMIZERS:
        raise Problems([(("name",), _unknown(str(raw["name"])))])
    if isinstance(options := given.get("options"), TorchOptimizer):
        if not is_path(name) and type(options) is not OPTIMIZERS[name]:
            raise Problems([(("options",), f"received options of {options.name!r}; must be those of {name!r}")])
        return given
    kept = [field for field in fields if field != "options"]
    written = {key: value for key, value in given.items() if key not in kept}
    chosen = _own(name, written) if is_path(name) else _of_the_row(name, written, kept)
    return {**{key: value for key, value in given.items() if key in kept}, "options": chosen}


def misplaced(name: str, options: TorchOptimizer, momentum: object, decay: object) -> list[tuple[Location, str]]:
    """The problems of a momentum or a weight decay that the optimiser does not have.

    Args:
        name: of the optimiser.
        options: its options.
        momentum: None where none is given.
        decay: of the weights; None or 0 where none is given.
    """
    found: list[tuple[Location, str]] = []
    if is_path(name):
        return found
    if momentum is not None and options.usual_momentum is None:
        found.append((("momentum",), f"received {momentum}; {name} has no momentum, omit it"))
    if decay and options.usual_decay is None:
        found.append((("weight_decay",), f"received {decay}; {name} has no weight decay, omit it"))
    if isinstance(options, SGD) and options.nesterov and momentum == 0:
        found.append((("nesterov",), "received True with momentum = 0; nesterov needs a momentum, so omit one of them"))
    return found


def _unknown(name: str) -> str:
    reason = REFUSED.get(name.lower())
    return (
        f"received {shown(name)}{nearest(name.lower(), OPTIMIZERS)}"
        if reason is None
        else (f"received {shown(name)}, which {reason}; use another (allowed: {', '.join(OPTIMIZERS)})")
    )


def _own(path: str, written: Mapping[str, Any]) -> OwnOptimizer:
    return OwnOptimizer.model_validate({"path": path, **json_values(written)})


def _of_the_row(name: str, written: Mapping[str, Any], fields: Sequence[str]) -> TorchOptimizer:
    try:
        kind = OPTIMIZERS.find(name)
    except StudyError as error:
        raise Problems([(("name",), str(error))]) from None
    unknown = [key for key in written if key not in kind.model_fields]
    if unknown:
        raise Problems([((key,), _not_its_own(kind, key, written[key], fields)) for key in unknown])
    try:
        return kind.model_validate(written)
    except ValidationError as error:
        raise Problems(problems(error, kind)) from None


def _not_its_own(kind: type[TorchOptimizer], key: str, value: Any, fields: Sequence[str]) -> str:
    others = [name for name, other in OPTIMIZERS.items() if key in other.model_fields]
    if others:
        return f"received {shown(value)}; {kind.name} has no {key}, so omit it or use one of {', '.join(others)}"
    return f"unknown key, received {shown(value)}{nearest(key, [*fields, *kind.model_fields])}"
