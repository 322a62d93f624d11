"""Pictures that nobody took, with what real photographs have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw


def photograph(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """8-bit RGB ``(height, width, 3)`` with smooth shading, hard edges, thin lines and grain."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    picture = coarse.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y, u, v = (int(n) for n in rng.integers(0, max(height, width), 4))
        pen.ellipse((min(x, u), min(y, v), max(x, u), max(y, v)), fill=tuple(rng.integers(0, 256, 3).tolist()))
        pen.line((x, v, u, y), fill=tuple(rng.integers(0, 256, 3).tolist()))
    grain = rng.normal(0, 12, (height, width, 3))
    return np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
