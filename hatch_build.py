"""What the source distribution holds of the bundled sample: all test images, and the training images of the demo.

The whole sample takes 6.1 MB, more than a source distribution should. A wheel from the repository has all of it. A
wheel from a source distribution runs ``critlab demo`` without a network; a study that asks for more images of
``sample`` is refused in one line. The images stay the first of each class, so a part has the same names as a subset of
the whole.
"""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SAMPLE = Path("src/critlab/data/sample")
TRAIN = 1000
"""Training images that stay, 100 of each class."""

CLASSES = 10
SIDE = 28


class SampleHook(BuildHookInterface[Any]):
    """Replace the sample's gzipped files by smaller ones while a source distribution is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See :class:`BuildHookInterface`; a tree that has the small files already keeps them."""
        whole = sorted((Path(self.root) / SAMPLE).glob("*.gz"))
        if not whole:
            return
        folder = Path(mkdtemp(prefix="critlab-sample-"))
        for name, content in small({file.stem: gzip.decompress(file.read_bytes()) for file in whole}).items():
            (folder / f"{name}.xz").write_bytes(lzma.compress(content))
            build_data["force_include"][str(folder / f"{name}.xz")] = str(SAMPLE / f"{name}.xz")


def small(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the IDX files with the first :data:`TRAIN` training images, as many of each class, in their order."""
    images, labels = files["train-images-idx3-ubyte"], files["train-labels-idx1-ubyte"]
    taken, seen = [], [0] * CLASSES
    for place, label in enumerate(labels[8:]):
        if seen[label] < TRAIN // CLASSES:
            seen[label] += 1
            taken.append(place)
    pixels = SIDE * SIDE
    count = len(taken).to_bytes(4, "big")
    return {
        **files,
        "train-images-idx3-ubyte": images[:4]
        + count
        + images[8:16]
        + b"".join(images[16 + pixels * place : 16 + pixels * (place + 1)] for place in taken),
        "train-labels-idx1-ubyte": labels[:4] + count + bytes(labels[8 + place] for place in taken),
    }
