"""What is seen: data sets, read once as uint8, and class-balanced subsets of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules
from critlab._core.registry import Registry
from critlab.data.data_set import DataFacts as DataFacts
from critlab.data.data_set import DataSet as DataSet
from critlab.deficits.target_form import CLASSES, TargetForm

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet
    from critlab.data.spec import DataSpec


def load(spec: DataSpec, folder: Path | None = None, targets: TargetForm = CLASSES) -> ImageSet:
    """The images that ``spec`` asks for.

    Args:
        spec: which data set, how much of it, and its padding.
        folder: where the files lie, or go once fetched; None is ``$CRITLAB_DATA``, else the user's cache
            folder.
        targets: what the labels are, as the study's task says.

    Raises:
        DataError: the files are missing and cannot be fetched, are damaged, or do not hold what is asked.
        StudyError: a user's own function cannot be imported.
    """
    from critlab.data.loading import loaded

    return loaded(spec, folder, targets)


DATA: Registry[type[DataSet]] = Registry(
    "data set",
    DataSet,
    "critlab.data",
    {
        "cifar10": "critlab.data.sets.cifar10:CIFAR10",
        "cifar100": "critlab.data.sets.cifar100:CIFAR100",
        "mnist": "critlab.data.sets.mnist:MNIST",
        "fashion_mnist": "critlab.data.sets.fashion_mnist:FashionMNIST",
        "sample": "critlab.data.sets.sample:Sample",
        "two_view": "critlab.data.sets.two_view:TwoView",
        "moving_patterns": "critlab.data.sets.moving_patterns:MovingPatterns",
        "token_sequences": "critlab.data.sets.token_sequences:TokenSequences",
        "video_pairs": "critlab.data.sets.video_pairs:VideoPairs",
        "image_folder": "critlab.data.own.image_folder:ImageFolder",
        "arrays": "critlab.data.own.arrays:Arrays",
        "table": "critlab.data.own.table:Table",
        "tokens": "critlab.data.own.tokens:Tokens",
        "spectrograms": "critlab.data.own.spectrograms:Spectrograms",
        "dataset": "critlab.data.own.dataset:OtherDataSet",
    },
    classes=True,
)
"""The data sets by name."""

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
