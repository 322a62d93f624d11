"""What a store remembers of a study's examples: a few with and without the deficit, and the labels of the test.

No result depends on it. It is recorded where the data are read anyway, so that a page shows them anywhere.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from critlab._core.component import describe_component
from critlab._core.digest import digest
from critlab._core.errors import StoreError, StoreUnwritable, StudyError
from critlab._core.loading.imports import one_line
from critlab._core.terminal.text import say
from critlab.deficits import describe
from critlab.engine.learner import network_training
from critlab.store import Store
from critlab.study.runs.example_recipes import ExampleRecipes, example_recipes
from critlab.study.runs.recipe import Recipe
from critlab.study.study import Study
from critlab.study.switches import SWITCHES

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

VERSION = 1
"""Raise it where other examples are chosen, or shown in another way."""

MOST_LABELS = 200_000
"""Test labels that are kept."""


@dataclass(frozen=True)
class ExamplePictures:
    """A few training examples, as the clean network sees them and as the deprived one does.

    Args:
        form: ``images``: PNG files in base64; ``tokens``: whole numbers; ``numbers``: the first columns.
        clean: without the deficit.
        deprived: with it.
        labels: of each example.
        deprived_labels: with the deficit.
        withheld: which examples the deficit withholds.
        test_labels: class numbers in the order of the test examples; None where they are not one number each.
    """

    form: Literal["images", "tokens", "numbers"]
    clean: tuple[Any, ...]
    deprived: tuple[Any, ...]
    labels: tuple[Any, ...]
    deprived_labels: tuple[Any, ...]
    withheld: tuple[bool, ...]
    test_labels: tuple[int, ...] | None = None


def add_examples(store: Store, study: Study, images: ImageSet) -> None:
    """Record the examples of ``study``, where they are not there yet; what cannot be shown is said, and left out."""
    found = example_recipes(study)
    if found is None:
        return
    asked = _asked(found, images.fingerprint)
    name = examples_name(asked)
    if store.has("examples", name):
        return
    try:
        shown = network_training().examples(found, images)
        body = {"asked": asked, **shown, "test_labels": packed_labels(images.test_labels)}
        store.write("examples", name, body)
    except StoreUnwritable:  # the work that follows says so
        return
    except Exception as error:  # a deficit of a user's own may fail; its training says more
        say(f"examples for the page were not recorded: {one_line(error)}")


def read_examples(store: Store, study: Study, fingerprint: str) -> ExamplePictures | None:
    """The examples of ``study`` with the data of that fingerprint; None where they were not recorded."""
    if not (store.root / "examples").is_dir():
        return None
    try:
        found = example_recipes(study)
        body = None if found is None else store.read("examples", examples_name(_asked(found, fingerprint)))
    except StudyError:  # a deficit of a user's own that only its own process knows has no name here
        return None
    if body is None:
        return None
    try:
        return ExamplePictures(
            body["form"],
            tuple(body["clean"]),
            tuple(body["deprived"]),
            tuple(body["labels"]),
            tuple(body["deprived_labels"]),
            tuple(body["withheld"]),
            unpacked_labels(body.get("test_labels")),
        )
    except (ValueError, zlib.error) as error:
        raise StoreError(f"examples: the test labels cannot be read: {error}") from None


def examples_name(asked: Mapping[str, Any]) -> str:
    """The name of the record of examples: by the data and by what is done to them."""
    return digest("examples", asked)


def _asked(found: ExampleRecipes, fingerprint: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "fingerprint": fingerprint,
        "seed": found.seed,
        "epoch": found.epoch,
        "clean": _done(found.clean),
        "deprived": _done(found.deprived),
    }


def _done(recipe: Recipe) -> dict[str, Any]:
    """What a recipe does to examples."""
    return {
        "deficits": [describe(one) for one in recipe.deficits],
        "select": None if recipe.select is None else describe(recipe.select),
        "switches": [describe_component(one, SWITCHES) for one in recipe.switches],
    }


def packed_labels(labels: Any) -> str | None:
    """Class numbers ``(N,)`` as text; None where they are something else, or too many."""
    plain = labels.ndim == 1 and labels.dtype.kind in "iu" and 0 < len(labels) <= MOST_LABELS
    if not plain or int(labels.min()) < 0 or int(labels.max()) >= 2**16:
        return None
    return base64.b64encode(zlib.compress(labels.astype("<u2").tobytes(), 9)).decode("ascii")


def unpacked_labels(text: str | None) -> tuple[int, ...] | None:
    """The class numbers of :func:`packed_labels`.

    Raises:
        ValueError: the text is not what it should be.
    """
    if text is None:
        return None
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(base64.b64decode(text, validate=True), 2 * MOST_LABELS)
    if unpacker.unconsumed_tail or len(content) % 2:
        raise ValueError("too many labels, or half of one")
    return tuple(int.from_bytes(content[place : place + 2], "little") for place in range(0, len(content), 2))
