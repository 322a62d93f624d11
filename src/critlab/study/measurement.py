"""What is read, when, and under which name: measuring is named apart from training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from critlab._core.component import describe_component
from critlab._core.digest import digest
from critlab.measures import MEASURES, Measure
from critlab.measures.quantity import Quantity
from critlab.study.recipe import Recipe
from critlab.study.study import Setup

TEST = "test"
"""The measure that every study has: accuracy and loss on the clean test images after every epoch."""

TRAINING = (
    Quantity("test_accuracy", "Test accuracy", "fraction", better="higher"),
    Quantity("train_accuracy", "Training accuracy", "fraction", better="higher"),
    Quantity("test_loss", "Test loss", log=True, better="lower"),
    Quantity("train_loss", "Training loss", log=True, better="lower"),
)
"""What every study measures, whichever measures it has."""


@dataclass(frozen=True)
class Measurement:
    """Which measure is read with which options; ``recipe`` is the state's last epoch, None at the start.

    The test score (:data:`TEST`) is no component and has no options.
    """

    name: str
    options: Measure | None
    recipe: Recipe | None


def scheduled_measures(base: Setup, epoch: int) -> Iterator[str]:
    """The measures read after ``epoch`` epochs: test accuracy from 1 on, the others every so many from 0 on."""
    if epoch > 0:
        yield TEST
    for name, options in base.measures.items():
        if epoch % options.every == 0:
            yield name


def quantities(base: Setup) -> dict[str, Quantity]:
    """What the study measures, by name: what every study does, then the quantities that its measures declare."""
    declared = [*TRAINING, *(one for options in base.measures.values() for one in options.quantities)]
    return {one.name: one for one in declared}


def options_of(base: Setup, name: str) -> Measure | None:
    """The options of one of the study's measures; None for the test score."""
    return None if name == TEST else base.measures[name]


def interval(base: Setup, name: str) -> int:
    """How many epochs lie between two readings of one of the study's measures."""
    return 1 if name == TEST else base.measures[name].every


def read_with(base: Setup, measure: str, fingerprint: str, version: int | None = None) -> tuple[dict[str, Any], str]:
    """The JSON values that name a measure, and the name of the images that it is read on.

    When a measure is read (``every``) does not change what it reads, and is no part of the name.

    Args:
        base: whose measure it is.
        measure: its name.
        fingerprint: content hash of the images in use.
        version: of the measure; None is the present one.
    """
    if measure == TEST:
        return {"name": TEST, "version": 1, **base.evaluation.identity()}, digest("probe", "test", fingerprint)
    spec = {k: v for k, v in describe_component(base.measures[measure], MEASURES).items() if k != "every"}
    return spec if version is None else {**spec, "version": version}, digest("probe", "train", fingerprint)
