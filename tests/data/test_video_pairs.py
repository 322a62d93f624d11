"""Pairs of frames from a folder of clips: which frames they are, and what a person reads when a clip does not fit."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from critlab._core.errors import DataError, StudyError
from critlab.data import load
from critlab.data.spec import DataSpec


def clip(number: int, frames: int = 8, shape: tuple[int, ...] = (10, 12)) -> Any:
    """Frames of one brightness each: which frame it is can be read off."""
    values = 20 * number + np.arange(frames, dtype=np.uint8)
    return np.broadcast_to(values.reshape(-1, *(1,) * len(shape)), (frames, *shape)).copy()


def store(folder: Path, split: str, kind: str, name: str, frames: Any, files: bool = False) -> None:
    place = folder / "clips" / split / kind
    place.mkdir(parents=True, exist_ok=True)
    if not files:
        np.save(place / f"{name}.npy", frames)
        return
    (place / name).mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(place / name / f"{number:03}.png")


def clips(folder: Path, files: bool = False) -> Path:
    for split in ("train", "test"):
        for number, kind in enumerate(("run", "walk")):
            store(folder, split, kind, "one", clip(2 * number + 1), files)
            store(folder, split, kind, "two", clip(2 * number + 2), files)
    return folder


def spec(**options: Any) -> DataSpec:
    return DataSpec.read({"name": "video_pairs", "folder": "clips", "gap": 3, **options}, "data")


@pytest.mark.parametrize("files", [False, True])
def test_pairs_are_so_many_frames_apart(tmp_path: Path, files: bool) -> None:
    found = load(spec(pairs=2), clips(tmp_path, files))
    assert found.train_images.shape == (8, 2, 3 if files else 1, 10, 12)
    assert found.train_labels.tolist() == [0] * 4 + [1] * 4
    seen = found.train_images[:, :, 0, 0, 0].tolist()
    # 8 frames and a gap of 3 leave 5 starts; the middles of their halves are 1 and 3
    assert seen == [[20 * n + start, 20 * n + start + 3] for n in (1, 2, 3, 4) for start in (1, 3)]
    assert spec().shape() is None
    assert spec().identity() == {"name": "video_pairs", "folder": "clips", "gap": 3, "pairs": 1, "side": None}


def test_frames_are_scaled(tmp_path: Path) -> None:
    found = load(spec(side=8), clips(tmp_path))
    assert found.train_images.shape == (4, 2, 1, 8, 8)
    assert found.train_images[0, 1].max() == found.train_images[0, 1].min() == 20 + 2 + 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda f: store(f, "train", "run", "three", clip(5, frames=3)), r"three.npy: has 3 frames; .* at least 4"),
        (lambda f: store(f, "train", "run", "three", clip(5, shape=(9, 9))), r"three.npy: frames of shape \(1, 9, 9\)"),
        (lambda f: store(f, "train", "run", "three", clip(5) / 255), r"three.npy: float64 .* must be uint8"),
        (lambda f: store(f, "train", "run", "three", clip(5, shape=(9, 9, 2))), r"must be uint8"),
        (
            lambda f: store(f, "test", "swim", "one", clip(5)),
            r"swim: no class of that name in train; there are run, walk",
        ),
        (
            lambda f: (f / "clips/train/run/three.npy").write_bytes(b"no array"),
            r"three.npy: is not a .npy file",
        ),
        (lambda f: (f / "clips/train/run/three.npy").write_bytes(b""), r"three.npy: cannot be read"),
    ],
)
def test_clips_that_do_not_fit(tmp_path: Path, change: Any, text: str) -> None:
    change(clips(tmp_path))
    with pytest.raises(DataError, match=text):
        load(spec(), tmp_path)


def test_missing_folders_and_options(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"clips/train: folder not found; must contain CLASS/CLIP"):
        load(spec(), tmp_path)
    (tmp_path / "clips/train/run").mkdir(parents=True)
    with pytest.raises(DataError, match="has no clip"):
        load(spec(), tmp_path)
    with pytest.raises(StudyError, match="folder: required"):
        DataSpec.read({"name": "video_pairs"}, "data")


def test_without_pillow_arrays_still_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert load(spec(), clips(tmp_path)).train_images.shape == (4, 2, 1, 10, 12)
    with pytest.raises(DataError, match=r"needs Pillow; install it \(pip install pillow\)"):
        load(spec(side=8), tmp_path)
