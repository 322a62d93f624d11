"""Moving patterns: short sequences whose class lies in the motion alone, in one frame alone, or in every frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.data.user import Pair

SIZES = {"train": 20_000, "test": 4_000}
SEED = 20230618
CYCLES = 3.0
"""Stripes of a grating across the image."""


class MovingPatterns(DataSet):
    """Moving patterns: short sequences whose class lies in the motion, in one frame or in every frame.

    Args:
        information: where the class lies. ``synergistic``: a cloud drifts in the class's direction, and no frame alone
            says anything. ``unique``: the first frame has stripes of the class's orientation, the others of any.
            ``redundant``: every frame has stripes of the class's orientation.
        frames: images of a sequence, each a source.
        side: of a frame, in pixels.
        classes: directions, or orientations.
        speed: pixels from frame to frame, in either direction at most; only ``synergistic`` moves. The finest detail of
            the cloud is as fine as it can be before that motion looks like its reverse: four times the speed.
        noise: deviation of the grain of every pixel, in parts of the whole range.
    """

    name: ClassVar[str] = "moving_patterns"
    citation: ClassVar[str] = "ours, as a stand-in for the video of Kleinman, Achille and Soatto 2023"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="moving patterns",
        shape=(2, 1, 16, 16),
        classes=4,
        train=20_000,
        test=4_000,
        licence="drawn by critlab, free to use",
    )
    neutral: ClassVar[Mapping[str, Any]] = {}
    information: Literal["synergistic", "unique", "redundant"] = "synergistic"
    frames: int = Field(default=2, ge=2, le=64)
    side: int = Field(default=16, ge=8, le=128)
    classes: int = Field(default=4, ge=2, le=8)
    speed: int = Field(default=1, ge=1, le=3)
    noise: float = Field(default=0.05, ge=0, le=1)

    def described(self) -> DataFacts:
        """The facts with this shape and these classes."""
        assert self.facts is not None
        return replace(self.facts, shape=(self.frames, 1, self.side, self.side), classes=self.classes)

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`read`."""
        return read(folder, self)


def read(folder: Path, options: MovingPatterns) -> tuple[Pair, Pair]:
    """The sequences, the same in every call.

    Args:
        folder: not used: nothing lies on disk.
        options: what they are like.

    Returns:
        ``((images, labels), (images, labels))``, training and test: uint8 ``(N, frames, 1, side, side)`` and int64
        ``(N,)``, classes equally often.

    Source: ours, as a stand-in for the video of Kleinman, Achille and Soatto 2023 whose classes need motion.
    """
    import numpy as np

    made = []
    for part, (split, count) in enumerate(SIZES.items()):
        random = np.random.default_rng([SEED, part])
        labels = np.arange(count) % options.classes
        images = drawn(labels, options, random)
        made.append((images, labels.astype(np.int64)))
        assert len(images) == SIZES[split]
    return made[0], made[1]


def drawn(labels: NDArray[Any], options: MovingPatterns, random: np.random.Generator) -> NDArray[np.uint8]:
    """Sequences of the classes ``labels``, uint8 ``(N, frames, 1, side, side)``; ``random`` advances."""
    import numpy as np

    if options.information == "synergistic":
        frames = _drifting(labels, options, random)
    else:
        shown = np.repeat(labels[:, None], options.frames, 1)
        if options.information == "unique":
            shown[:, 1:] = random.integers(options.classes, size=shown[:, 1:].shape)
        frames = _gratings(shown, options, random)
    if options.noise:
        frames = frames + options.noise * random.standard_normal(frames.shape, dtype=np.float32)
    pixels: NDArray[np.uint8] = np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8)
    return pixels[:, :, None]


def displacements(options: MovingPatterns) -> list[tuple[int, int]]:
    """Rows and columns that each class moves from frame to frame; all different."""
    from math import cos, pi, sin

    angles = [2 * pi * place / options.classes for place in range(options.classes)]
    return [(round(options.speed * sin(angle)), round(options.speed * cos(angle))) for angle in angles]


def _drifting(labels: NDArray[Any], options: MovingPatterns, random: np.random.Generator) -> NDArray[Any]:
    """A cloud without edges: as it wraps around, each frame alone is a cloud like any other, whatever the class."""
    import numpy as np

    cloud = _clouds(len(labels), options, random)
    frames = np.empty((len(labels), options.frames, options.side, options.side), dtype=np.float32)
    for label, (rows, columns) in enumerate(displacements(options)):
        chosen = labels == label
        for frame in range(options.frames):
            frames[chosen, frame] = np.roll(cloud[chosen], (frame * rows, frame * columns), (1, 2))
    return frames


def _clouds(count: int, options: MovingPatterns, random: np.random.Generator) -> NDArray[Any]:
    """Smooth noise on a torus in [0, 1], mean 0.5, deviation 0.2 before it is cut."""
    import numpy as np

    side = options.side
    finest = max(1.0, side / (4 * options.speed))
    waves = np.fft.rfft2(random.standard_normal((count, side, side)))
    across = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) * side
    smooth = np.fft.irfft2(waves * ((across > 0) & (across <= finest)), s=(side, side))
    smooth /= smooth.std((1, 2), keepdims=True)
    return np.clip(0.5 + 0.2 * smooth, 0, 1).astype(np.float32)


def _gratings(shown: NDArray[Any], options: MovingPatterns, random: np.random.Generator) -> NDArray[Any]:
    """Stripes whose orientation is that of ``shown`` ``(N, frames)`` and whose phase is any."""
    import numpy as np

    rows, columns = np.meshgrid(*[np.arange(options.side) / options.side] * 2, indexing="ij")
    angles = np.pi * shown / options.classes
    phases = random.random(shown.shape) * 2 * np.pi
    across = np.cos(angles)[..., None, None] * columns + np.sin(angles)[..., None, None] * rows
    return (0.5 + 0.4 * np.sin(2 * np.pi * CYCLES * across + phases[..., None, None])).astype(np.float32)
