"""What is done to the data: one deficit a file, each a frozen value and a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from critlab.deficits.blur import Blur
from critlab.deficits.deficit import Deficit, Draws
from critlab.deficits.label_permutation import LabelPermutation
from critlab.deficits.noise import Noise
from critlab.deficits.random_labels import RandomLabels
from critlab.deficits.vertical_flip import VerticalFlip
from critlab.entry import Entry, Table, imported, is_path, one_line
from critlab.errors import StudyError
from critlab.own_code import path_of, source_digest
from critlab.spec import Problems, problems

__all__ = [
    "DEFICITS",
    "Blur",
    "Deficit",
    "Draws",
    "LabelPermutation",
    "Noise",
    "RandomLabels",
    "VerticalFlip",
    "describe",
    "plain",
    "read_deficit",
]


def read_deficit(raw: Mapping[str, Any]) -> Deficit:
    """The deficit that ``{"name": ..., **options}`` describes.

    Args:
        raw: ``name`` is a row of :data:`DEFICITS` or a user's own ``"package.module:Class"``.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    options = {key: value for key, value in raw.items() if key != "name"}
    if "name" not in raw:
        raise Problems([(("name",), "required, but missing")])
    kind = _find(raw["name"])
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        raise Problems(problems(error, kind)) from None
    except Exception as error:
        if not is_path(str(raw["name"])):
            raise
        raise Problems([((), f"{raw['name']!r} failed: {one_line(error)}")]) from error


def plain(deficit: Deficit) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_deficit` makes an equal deficit."""
    return {"name": _name(type(deficit)), **deficit.model_dump(mode="json")}


def describe(deficit: Deficit) -> dict[str, Any]:
    """The JSON mapping that names ``deficit``: ``{"name": ..., "version": ..., **identity}``.

    A user's own class goes by ``"module:Class"`` and adds ``"source"``, the SHA-256 of its text.

    Raises:
        StudyError: a user's own class that no other process can import, or whose source cannot be read.
    """
    kind = type(deficit)
    name = _name(kind)
    own = {"source": source_digest(kind)} if is_path(name) else {}
    return {"name": name, "version": kind.version, **deficit.identity(), **own}


def _find(name: Any) -> type[Deficit]:
    if not isinstance(name, str):
        raise Problems([(("name",), f"received {name!r}; must be a valid string")])
    try:
        found = imported(name) if is_path(name) else DEFICITS.find(name).load()
    except StudyError as error:
        raise Problems([(("name",), str(error))]) from None
    if not (isinstance(found, type) and issubclass(found, Deficit)):
        text = f"received {name!r}, which is not a deficit; must be a subclass of critlab.deficits.Deficit"
        raise Problems([(("name",), text)])
    return found


def _name(kind: type[Deficit]) -> str:
    name: str = getattr(kind, "name", "")
    if name in DEFICITS and DEFICITS[name].load() is kind:
        return name
    return path_of(kind)


_PAPER = "Achille, Rovere and Soatto 2019"

DEFICITS = Table(
    "deficit",
    "critlab.deficits",
    {
        "blur": Entry("critlab.deficits.blur:Blur", Blur, f"{_PAPER}, section 2, figure 1"),
        "vertical_flip": Entry(
            "critlab.deficits.vertical_flip:VerticalFlip", VerticalFlip, f"{_PAPER}, section 2, figure 2"
        ),
        "label_permutation": Entry(
            "critlab.deficits.label_permutation:LabelPermutation",
            LabelPermutation,
            f"{_PAPER}, section 2, figure 2",
        ),
        "random_labels": Entry(
            "critlab.deficits.random_labels:RandomLabels",
            RandomLabels,
            "Zhang et al. 2017; as a deficit, the replication by B. Krzepkowski",
        ),
        "noise": Entry("critlab.deficits.noise:Noise", Noise, f"{_PAPER}, section 2, figure 2"),
    },
)
