"""An image folder of 20,000 JPEGs: time and memory of the first start, time of the second, beside plain decoding.

Usage: python evidence/image_folder.py FOLDER [--images 20000] [--side 224]

Uses the JPEGs of FOLDER/train/CLASS and FOLDER/test/CLASS. Where there are none, makes them (removed by hand): 320 x
256 pixels, links to 400 distinct ones. A process decodes and scales half of them with Pillow alone, in one thread for
each core; another one loads the folder with an empty cache; a third decodes the other half; a fourth loads the folder
again. So other work on the machine slows both.

Writes ``image_folder.csv`` beside this file: ``seconds`` and ``cpu`` are wall time and processor time of all threads,
imports of critlab included; ``anonymous`` is the largest memory in MB that is not mapped from files; ``speed_seconds``
and ``speed_cpu`` are the images a second of the first start, as a share of those of plain decoding.
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
from typing import Any

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


def plain(folder: Path, side: int, half: int) -> dict[str, Any]:
    """Decodes and scales every second picture with Pillow alone, in a thread for each core."""
    from concurrent.futures import ThreadPoolExecutor

    from PIL import Image

    def decode(file: Path) -> int:
        with Image.open(file) as picture:
            # convert would copy a picture that has this mode already
            upright = picture if picture.mode == "RGB" else picture.convert("RGB")
            width, height = upright.size
            shorter = min(width, height)
            left, top = (width - shorter) / 2, (height - shorter) / 2
            if (width, height) != (side, side):
                box = (left, top, left + shorter, top + shorter)
                upright = upright.resize((side, side), Image.Resampling.BILINEAR, box=box)
            return len(upright.tobytes())

    files = sorted(file for part in ("train", "test") for file in (folder / part).rglob("*.jpg"))[half::2]
    began = time.perf_counter()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        done = sum(1 for _ in pool.map(decode, files))
    return {"images": done, **spent(began)}


def spent(began: float) -> dict[str, float]:
    """Wall time since ``began`` and processor time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": round(time.perf_counter() - began, 2), "cpu": round(usage.ru_utime + usage.ru_stime, 2)}


def start(folder: Path, side: int) -> dict[str, Any]:
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
    shape = [len(found.train_images) + len(found.test_images), *found.train_images.shape[1:]]
    facts = {"anonymous": most, "shape": "x".join(map(str, shape)), "fingerprint": found.fingerprint[:16]}
    return {"images": shape[0], **spent(began), **facts}


STEPS = {
    "plain decoding, half": lambda folder, side: plain(folder, side, 0),
    "first start": start,
    "plain decoding, other half": lambda folder, side: plain(folder, side, 1),
    "second start": start,
}


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--images", type=int, default=20_000)
    asked.add_argument("--side", type=int, default=224)
    asked.add_argument("--step")
    options = asked.parse_args()
    folder = options.folder.absolute()
    if options.step:
        print(json.dumps(STEPS[options.step](folder, options.side)))
        return
    if not (folder / "train").is_dir():
        make(folder, options.images)
    cache = folder.with_name(f"{folder.name}-cache")
    shutil.rmtree(cache, ignore_errors=True)
    rows: dict[str, dict[str, Any]] = {}
    for name in STEPS:
        command = [sys.executable, __file__, str(folder), "--side", str(options.side), "--step", name]
        done = subprocess.run(
            command, env={**os.environ, "CRITLAB_CACHE": str(cache)}, stdout=subprocess.PIPE, check=True
        )
        rows[name] = {"step": name, "side": options.side, **json.loads(done.stdout)}
        print(rows[name])
    halves, first = [row for name, row in rows.items() if name.startswith("plain")], rows["first start"]
    for column in ("seconds", "cpu"):
        alone = sum(row[column] for row in halves) / sum(row["images"] for row in halves)
        first[f"speed_{column}"] = round(alone / (first[column] / first["images"]), 2)
    print({name: first[name] for name in ("speed_seconds", "speed_cpu")})
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(first))
        table.writeheader()
        table.writerows(rows.values())


if __name__ == "__main__":
    main()
