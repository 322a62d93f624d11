"""An image folder of 20,000 JPEGs: time and memory of the first start, time of the second, beside plain decoding.

Usage: python evidence/image_folder.py FOLDER [--images 20000] [--side 224]

Makes JPEGs of 320 x 256 pixels in FOLDER (removed by hand), links to 400 distinct ones. Decodes the distinct ones with
Pillow alone on one thread, and starts a process that loads the folder twice: with an empty cache, and again. Writes
``image_folder.csv`` beside this file. ``cpu`` is processor time of all threads, which other work on the machine changes
little; ``anonymous`` is the largest memory in MB that is not mapped from files.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

CLASSES, DISTINCT = 10, 400


def make(folder: Path, images: int) -> None:
    """JPEGs of smooth noise with grain, in ``train`` and ``test``."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    grain = [rng.normal(0, 10, (256, 320, 3)) for _ in range(8)]
    (folder / "distinct").mkdir(parents=True, exist_ok=True)
    for number in range(DISTINCT):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((320, 256), Image.Resampling.BICUBIC)) + grain[number % 8]
        image = Image.fromarray(np.clip(smooth, 0, 255).astype(np.uint8))
        image.save(folder / "distinct" / f"{number}.jpg", quality=90)
    for number in range(images):
        place = folder / ("test" if number % 10 == 9 else "train") / f"class{number // 10 % CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(folder / "distinct" / f"{number % DISTINCT}.jpg", place / f"{number:06}.jpg")


def plain_seconds(folder: Path, side: int) -> float:
    """Processor seconds an image of Pillow alone: decoding and scaling, nothing else."""
    from PIL import Image

    files = sorted((folder / "distinct").glob("*.jpg"))
    began = time.process_time()
    for file in files:
        with Image.open(file) as picture:
            picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR, box=(32, 0, 288, 256)).tobytes()
    return (time.process_time() - began) / len(files)


def start(folder: Path, side: int) -> None:
    """What a started process does: loads the folder, and says what that took."""
    began, most = time.perf_counter(), 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            status = Path("/proc/self/status").read_text()
            most = max(most, int(status.partition("RssAnon:")[2].split()[0]) // 1024)

    threading.Thread(target=watch, daemon=True).start()
    from critlab.data import load
    from critlab.data.spec import DataSpec

    found = load(
        DataSpec.read({"name": "image_folder", "path": str(folder), "side": side, "mode": "RGB"}, "data"), folder
    )
    done.set()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    shape = [len(found.train_images) + len(found.test_images), *found.train_images.shape[1:]]
    row = {"seconds": time.perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime, "anonymous": most}
    print(json.dumps({**row, "shape": "x".join(map(str, shape)), "fingerprint": found.fingerprint[:16]}))


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--images", type=int, default=20_000)
    asked.add_argument("--side", type=int, default=224)
    asked.add_argument("--start", action="store_true")
    options = asked.parse_args()
    if options.start:
        start(options.folder, options.side)
        return
    make(options.folder, options.images)
    cache = options.folder.with_name(f"{options.folder.name}-cache")
    shutil.rmtree(cache, ignore_errors=True)
    each = plain_seconds(options.folder, options.side)
    command = [sys.executable, __file__, str(options.folder), "--side", str(options.side), "--start"]
    rows = []
    for name in ("first start", "second start"):
        done = subprocess.run(command, env={**os.environ, "CRITLAB_CACHE": str(cache)}, capture_output=True, check=True)
        rows.append({"start": name, "images": options.images, **json.loads(done.stdout)})
        rows[-1]["plain_decoding_cpu"] = each * options.images
        print(rows[-1])
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
