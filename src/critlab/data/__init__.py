"""What is seen: data sets, read once as uint8, and class-balanced subsets of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from critlab._core.imports import Entry, Table
from critlab._core.lazy import submodules
from critlab._core.spec import Spec
from critlab.data.data_set import DataSet
from critlab.data.moving_patterns import MovingPatternsOptions
from critlab.data.two_view import TwoViewOptions
from critlab.data.video_pairs import VideoPairsOptions

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet
    from critlab.data.spec import DataSpec


def load(spec: DataSpec, folder: Path | None = None) -> ImageSet:
    """The images that ``spec`` asks for.

    Args:
        spec: which data set, how much of it, and its padding.
        folder: where the files lie, or go once fetched; None is ``$CRITLAB_DATA``, else the user's cache
            folder.

    Raises:
        DataError: the files are missing and cannot be fetched, are damaged, or do not hold what is asked.
        StudyError: a user's own function cannot be imported.
    """
    from critlab.data.loading import loaded

    return loaded(spec, folder)


DATA = Table(
    "data set",
    "critlab.data",
    {
        "cifar10": DataSet(
            path="critlab.data.cifar:read_cifar10",
            options=Spec,
            source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            title="CIFAR-10",
            shape=(3, 32, 32),
            classes=10,
            train=50_000,
            test=10_000,
            licence="none stated by its authors; cite the technical report",
        ),
        "cifar100": DataSet(
            path="critlab.data.cifar:read_cifar100",
            options=Spec,
            source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images (fine labels)",
            title="CIFAR-100",
            shape=(3, 32, 32),
            classes=100,
            train=50_000,
            test=10_000,
            licence="none stated by its authors; cite the technical report",
        ),
        "mnist": DataSet(
            path="critlab.data.idx:read_mnist",
            options=Spec,
            source="LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition",
            title="MNIST",
            shape=(1, 28, 28),
            classes=10,
            train=60_000,
            test=10_000,
            licence="CC BY-SA 3.0",
        ),
        "fashion_mnist": DataSet(
            path="critlab.data.idx:read_fashion_mnist",
            options=Spec,
            source="Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747",
            title="Fashion-MNIST",
            shape=(1, 28, 28),
            classes=10,
            train=60_000,
            test=10_000,
            licence="MIT",
        ),
        "sample": DataSet(
            path="critlab.data.idx:read_sample",
            options=Spec,
            source="a class-balanced part of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747)",
            title="Fashion-MNIST sample",
            shape=(1, 28, 28),
            classes=10,
            train=10_000,
            test=4_000,
            licence="MIT",
        ),
        "two_view": DataSet(
            path="critlab.data.two_view:read",
            options=TwoViewOptions,
            source="Kleinman, Achille and Soatto 2023, section 4: each image seen through two apertures",
            title="two views of another data set",
            shape=(2, 3, 32, 32),
            classes=10,
            train=50_000,
            test=10_000,
            licence="that of the data set shown",
        ),
        "moving_patterns": DataSet(
            path="critlab.data.moving_patterns:read",
            options=MovingPatternsOptions,
            source="ours, as a stand-in for the video of Kleinman, Achille and Soatto 2023",
            title="moving patterns",
            shape=(2, 1, 16, 16),
            classes=4,
            train=20_000,
            test=4_000,
            licence="drawn by critlab, free to use",
        ),
        "video_pairs": Entry(
            "critlab.data.video_pairs:read",
            VideoPairsOptions,
            "a user's own clips; pairs of frames as in Kleinman, Achille and Soatto 2023",
        ),
    },
)

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
