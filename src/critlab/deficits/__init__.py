"""What is done to the data: one deficit a file, each a frozen value and a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critlab._core.component import describe_component, plain_component, read_component
from critlab._core.imports import Entry, Table
from critlab._core.lazy import submodules
from critlab.deficits.data_subset import DataSubset
from critlab.deficits.deficit import BatchContext, Deficit, apply_deficit, kept_mask
from critlab.deficits.images.blank import Blank
from critlab.deficits.images.blur import Blur
from critlab.deficits.images.corruptions import (
    CORRUPTIONS,
    Brightness,
    Contrast,
    Corruption,
    DefocusBlur,
    Fog,
    GaussianNoise,
    ImpulseNoise,
    JpegCompression,
    MotionBlur,
    Pixelate,
    ShotNoise,
)
from critlab.deficits.images.vertical_flip import VerticalFlip
from critlab.deficits.images.white_noise import WhiteNoise
from critlab.deficits.labels.label_noise import LabelNoise
from critlab.deficits.labels.label_permutation import LabelPermutation
from critlab.deficits.labels.random_labels import RandomLabels
from critlab.deficits.sequences.token_bijection import TokenBijection
from critlab.deficits.sequences.token_shuffle import TokenShuffle
from critlab.deficits.sources.decorrelate import Decorrelate
from critlab.deficits.sources.source_dropout import SourceDropout
from critlab.deficits.tables.feature_dropout import FeatureDropout
from critlab.deficits.tables.swap_noise import SwapNoise

__all__ = [
    "DEFICITS",
    "BatchContext",
    "Blank",
    "Blur",
    "Brightness",
    "Contrast",
    "Corruption",
    "DataSubset",
    "Decorrelate",
    "Deficit",
    "DefocusBlur",
    "FeatureDropout",
    "Fog",
    "GaussianNoise",
    "ImpulseNoise",
    "JpegCompression",
    "LabelNoise",
    "LabelPermutation",
    "MotionBlur",
    "Pixelate",
    "RandomLabels",
    "ShotNoise",
    "SourceDropout",
    "SwapNoise",
    "TokenBijection",
    "TokenShuffle",
    "VerticalFlip",
    "WhiteNoise",
    "apply_deficit",
    "describe",
    "kept_mask",
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
    return read_component(raw, DEFICITS, Deficit)


def plain(deficit: Deficit) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_deficit` makes an equal deficit."""
    return plain_component(deficit, DEFICITS)


def describe(deficit: Deficit) -> dict[str, Any]:
    """The JSON mapping that names ``deficit``; see :func:`critlab._core.component.describe_component`.

    Raises:
        StudyError: a user's own class that no other process can import, or whose source cannot be read.
    """
    return describe_component(deficit, DEFICITS)


_PAPER = "Achille, Rovere and Soatto 2019"
_SOURCES = "Kleinman, Achille and Soatto 2023"

DEFICITS = Table(
    "deficit",
    "critlab.deficits",
    {
        "blur": Entry("critlab.deficits.images.blur:Blur", Blur, f"{_PAPER}, section 2, figure 1"),
        "vertical_flip": Entry(
            "critlab.deficits.images.vertical_flip:VerticalFlip", VerticalFlip, f"{_PAPER}, section 2, figure 2"
        ),
        "label_permutation": Entry(
            "critlab.deficits.labels.label_permutation:LabelPermutation",
            LabelPermutation,
            f"{_PAPER}, section 2, figure 2",
        ),
        "random_labels": Entry(
            "critlab.deficits.labels.random_labels:RandomLabels",
            RandomLabels,
            "Zhang et al. 2017; as a deficit, the replication by B. Krzepkowski",
        ),
        "noise": Entry("critlab.deficits.images.white_noise:WhiteNoise", WhiteNoise, f"{_PAPER}, section 2, figure 2"),
        "blank": Entry("critlab.deficits.images.blank:Blank", Blank, f"{_SOURCES}, a source switched off"),
        "source_dropout": Entry(
            "critlab.deficits.sources.source_dropout:SourceDropout",
            SourceDropout,
            f"{_SOURCES}, the code's random zero input",
        ),
        "decorrelate": Entry(
            "critlab.deficits.sources.decorrelate:Decorrelate", Decorrelate, f"{_SOURCES}, dissociation of the sources"
        ),
        "data_subset": Entry(
            "critlab.deficits.data_subset:DataSubset",
            DataSubset,
            "Ash and Adams 2020, figure 1 (warm start)",
        ),
        "label_noise": Entry(
            "critlab.deficits.labels.label_noise:LabelNoise",
            LabelNoise,
            "Patrini et al. 2017, section 5 (symmetric noise)",
        ),
        "swap_noise": Entry(
            "critlab.deficits.tables.swap_noise:SwapNoise",
            SwapNoise,
            "Yoon et al. 2020 (VIME), section 3; as a deficit: ours",
        ),
        "feature_dropout": Entry("critlab.deficits.tables.feature_dropout:FeatureDropout", FeatureDropout, "ours"),
        "token_shuffle": Entry(
            "critlab.deficits.sequences.token_shuffle:TokenShuffle",
            TokenShuffle,
            "the pre-registration critical-period-lm",
        ),
        "token_bijection": Entry(
            "critlab.deficits.sequences.token_bijection:TokenBijection",
            TokenBijection,
            "the pre-registration critical-period-lm (negative control)",
        ),
        **{
            kind.name: Entry(f"{kind.__module__}:{kind.__name__}", kind, "Hendrycks and Dietterich 2019, CIFAR-10-C")
            for kind in CORRUPTIONS
        },
    },
)

_EARLIER = {"Draws": BatchContext, "Noise": WhiteNoise, "kept": kept_mask, "suffer": apply_deficit}
"""Names of version 0.1.0, kept for one release."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        return _EARLIER[name] if name in _EARLIER else submodules(__name__)(name)
