"""What a source distribution holds in smaller files: the bundled sample, and the trainings of the bench.

Of the sample it has all test images, and the training images of the demo.
The whole sample takes 6.1 MB, more than a source distribution should. A wheel from the repository has all of it. A
wheel from a source distribution runs ``critlab demo`` without a network; a study that asks for more images of
``sample`` is refused in one line. The images stay the first of each class, so a part has the same names as a subset of
the whole. The arrays of the bench are the same, compressed by LZMA.
"""

from __future__ import annotations

import gzip
import lzma
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zipfile import ZIP_LZMA, ZipFile, ZipInfo

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SAMPLE = Path("src/critlab/data/sample")
BENCH = Path("src/critlab/bench/records")
TRAIN = 1000
"""Training images that stay, 100 of each class."""

CLASSES = 10
SIDE = 28


class SmallerFiles(BuildHookInterface[Any]):
    """Replace the files of sample and bench by smaller ones while a source distribution is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See :class:`BuildHookInterface`; a tree that has the small files of the sample already keeps them."""
        folder = Path(mkdtemp(prefix="critlab-smaller-"))
        for place, content in smaller(Path(self.root)).items():
            (folder / place.name).write_bytes(content)
            build_data["force_include"][str(folder / place.name)] = str(place)


def smaller(root: Path) -> dict[Path, bytes]:
    """Return the content of each smaller file, by its place in the distribution."""
    whole = {file.stem: gzip.decompress(file.read_bytes()) for file in sorted((root / SAMPLE).glob("*.gz"))}
    files = {SAMPLE / f"{name}.xz": lzma.compress(content) for name, content in (small(whole) if whole else {}).items()}
    return files | {BENCH / file.name: repacked(file) for file in sorted((root / BENCH).glob("*.npz"))}


def repacked(file: Path) -> bytes:
    """Return an archive of arrays with the same members, compressed by LZMA; equal archives give equal bytes."""
    packed = BytesIO()
    with ZipFile(file) as before, ZipFile(packed, "w", ZIP_LZMA) as after:
        for member in before.infolist():
            after.writestr(ZipInfo(member.filename), before.read(member), ZIP_LZMA)
    return packed.getvalue()


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
