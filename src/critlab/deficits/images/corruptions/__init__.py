"""Image corruptions with severities from 1 to 5, in the manner of CIFAR-10-C: one a file."""

from __future__ import annotations

from critlab.deficits.images.corruptions.brightness import Brightness
from critlab.deficits.images.corruptions.contrast import Contrast
from critlab.deficits.images.corruptions.corruption import Corruption
from critlab.deficits.images.corruptions.defocus_blur import DefocusBlur
from critlab.deficits.images.corruptions.fog import Fog
from critlab.deficits.images.corruptions.gaussian_noise import GaussianNoise
from critlab.deficits.images.corruptions.impulse_noise import ImpulseNoise
from critlab.deficits.images.corruptions.jpeg_compression import JpegCompression
from critlab.deficits.images.corruptions.motion_blur import MotionBlur
from critlab.deficits.images.corruptions.pixelate import Pixelate
from critlab.deficits.images.corruptions.shot_noise import ShotNoise

__all__ = [
    "CORRUPTIONS",
    "Brightness",
    "Contrast",
    "Corruption",
    "DefocusBlur",
    "Fog",
    "GaussianNoise",
    "ImpulseNoise",
    "JpegCompression",
    "MotionBlur",
    "Pixelate",
    "ShotNoise",
]

CORRUPTIONS: tuple[type[Corruption], ...] = (
    GaussianNoise,
    ShotNoise,
    ImpulseNoise,
    DefocusBlur,
    MotionBlur,
    Fog,
    Brightness,
    Contrast,
    Pixelate,
    JpegCompression,
)
"""Each becomes a row of :data:`critlab.deficits.DEFICITS`: noise, blur, weather, digital.

Ten rows rather than one with an option ``kind``: a deficit's name is what the exported table, the arms of a study and
the page call it, and ten arms called "corruption" could not be distinguished.
"""
