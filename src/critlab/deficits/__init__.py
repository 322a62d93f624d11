"""What is done to the data: one deficit a file, each a frozen value and a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critlab._core.component import describe_component, plain_component, read_component
from critlab._core.loading.lazy import submodules
from critlab._core.registry import Registry
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.data_subset import DataSubset
from critlab.deficits.deficit import Deficit, apply_deficit, kept_mask
from critlab.deficits.images.blank import Blank
from critlab.deficits.images.blur import Blur
from critlab.deficits.images.corruptions import (
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
from critlab.deficits.labels.label_shuffle import LabelShuffle
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
    "LabelShuffle",
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
    return read_component(raw, DEFICITS)


def plain(deficit: Deficit) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_deficit` makes an equal deficit."""
    return plain_component(deficit, DEFICITS)


def describe(deficit: Deficit) -> dict[str, Any]:
    """The JSON mapping that names ``deficit``; see :func:`critlab._core.component.describe_component`.

    Raises:
        StudyError: a user's own class that no other process can import, or whose source cannot be read.
    """
    return describe_component(deficit, DEFICITS)


DEFICITS: Registry[type[Deficit]] = Registry(
    "deficit",
    Deficit,
    "critlab.deficits",
    {
        "blur": "critlab.deficits.images.blur:Blur",
        "vertical_flip": "critlab.deficits.images.vertical_flip:VerticalFlip",
        "label_permutation": "critlab.deficits.labels.label_permutation:LabelPermutation",
        "random_labels": "critlab.deficits.labels.random_labels:RandomLabels",
        "noise": "critlab.deficits.images.white_noise:WhiteNoise",
        "blank": "critlab.deficits.images.blank:Blank",
        "source_dropout": "critlab.deficits.sources.source_dropout:SourceDropout",
        "decorrelate": "critlab.deficits.sources.decorrelate:Decorrelate",
        "data_subset": "critlab.deficits.data_subset:DataSubset",
        "label_noise": "critlab.deficits.labels.label_noise:LabelNoise",
        "label_shuffle": "critlab.deficits.labels.label_shuffle:LabelShuffle",
        "swap_noise": "critlab.deficits.tables.swap_noise:SwapNoise",
        "feature_dropout": "critlab.deficits.tables.feature_dropout:FeatureDropout",
        "token_shuffle": "critlab.deficits.sequences.token_shuffle:TokenShuffle",
        "token_bijection": "critlab.deficits.sequences.token_bijection:TokenBijection",
        "gaussian_noise": "critlab.deficits.images.corruptions.gaussian_noise:GaussianNoise",
        "shot_noise": "critlab.deficits.images.corruptions.shot_noise:ShotNoise",
        "impulse_noise": "critlab.deficits.images.corruptions.impulse_noise:ImpulseNoise",
        "defocus_blur": "critlab.deficits.images.corruptions.defocus_blur:DefocusBlur",
        "motion_blur": "critlab.deficits.images.corruptions.motion_blur:MotionBlur",
        "fog": "critlab.deficits.images.corruptions.fog:Fog",
        "brightness": "critlab.deficits.images.corruptions.brightness:Brightness",
        "contrast": "critlab.deficits.images.corruptions.contrast:Contrast",
        "pixelate": "critlab.deficits.images.corruptions.pixelate:Pixelate",
        "jpeg_compression": "critlab.deficits.images.corruptions.jpeg_compression:JpegCompression",
    },
    classes=True,
)
"""The deficits by name."""

_EARLIER = {"Draws": BatchContext, "Noise": WhiteNoise, "kept": kept_mask, "suffer": apply_deficit}
"""Names of version 0.1.0, kept for one release."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        return _EARLIER[name] if name in _EARLIER else submodules(__name__)(name)
