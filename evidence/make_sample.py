"""Makes the sample of real images that ships with critlab, out of the official Fashion-MNIST files.

    python evidence/make_sample.py FOLDER

FOLDER holds the four official IDX files, gzipped or not. Of the 60,000 training images the first 1,000 of
each class are kept, of the 10,000 test images the first 400 of each class, both in the order of the official
files: nothing is drawn, nothing is changed. They are written as gzipped IDX files into
src/critlab/data/sample, at level 9 and without names or times in the gzip header, so that the same official
files always give the same bytes (one zlib version given; the images are the same anyhow).
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.data.formats.idx import read_split_files
from critlab.data.subset import balanced

SAMPLE = Path(__file__).resolve().parent.parent / "src" / "critlab" / "data" / "sample"
COUNTS = {"train": 10_000, "t10k": 4_000}


def main(folder: Path) -> None:
    for (part, count), (images, labels) in zip(COUNTS.items(), read_split_files(folder), strict=True):
        chosen = balanced(labels.astype(np.int64), count)
        write_idx(SAMPLE / f"{part}-images-idx3-ubyte.gz", images[chosen, 0])
        write_idx(SAMPLE / f"{part}-labels-idx1-ubyte.gz", labels[chosen])


def write_idx(path: Path, array: NDArray[Any]) -> None:
    head = bytes((0, 0, 0x08, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes()
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as stream:
        stream.write(head + array.tobytes())
    print(f"{path.name}: {array.shape}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
