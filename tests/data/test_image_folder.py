"""Folders of images: decoded once, the same pixels each time, and one line for each thing that can be wrong."""

from __future__ import annotations

import pickle
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from critlab._core.errors import DataError
from critlab.data import load
from critlab.data.cache import derived
from critlab.data.cache.place import cache_folder
from critlab.data.cache.stored_array import CHUNK, JOURNAL, StoredArray
from critlab.data.class_counts import class_counts
from critlab.data.image_set import ImageSet, channel_statistics
from critlab.data.own import image_folder
from critlab.data.pictures import decoding
from critlab.data.pictures.listing import SUFFIXES
from critlab.data.spec import DataSpec
from critlab.study.runs.recipe import Recipe
from critlab.training.inputs.examples import Examples

EACH = 40
"""Pictures of a class in the training part: more than one piece of the cache in all."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRITLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def noise(height: int, width: int, seed: int, channels: tuple[int, ...] = (3,)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, *channels), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root, seed = tmp_path / "photos", 0
    for part, each in (("train", EACH), ("test", 3)):
        for kind in ("cat", "dog"):
            (root / part / kind).mkdir(parents=True)
            for number in range(each):
                seed += 1
                Image.fromarray(noise(12 + number % 3, 16, seed)).save(root / part / kind / f"p{number:02}.png")
    return root


def read(path: Path, **options: Any) -> ImageSet:
    return load(DataSpec.read({"name": "image_folder", "path": str(path), **options}, "data"), path)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures that are decoded from now on."""
    seen: list[str] = []
    decoded = decoding.pixels

    def pixels(picture: Any, wanted: decoding.Wanted, where: str, *into: Any) -> NDArray[np.uint8]:
        seen.append(where)
        return decoded(picture, wanted, where, *into)

    monkeypatch.setattr(decoding, "pixels", pixels)
    return seen


def test_images_are_decoded_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted(monkeypatch)
    first = read(photos, side=8)
    assert len(seen) == len(set(seen)) == 2 * EACH + 6
    assert first.train_images.shape == (2 * EACH, 3, 8, 8)
    assert first.train_labels.tolist() == [0] * EACH + [1] * EACH
    again = read(photos, side=8)
    assert len(seen) == 2 * EACH + 6, "nothing is decoded again"
    assert again.fingerprint == first.fingerprint
    # a folder that was moved has the same content, and so the same results
    moved = photos.rename(photos.with_name("moved"))
    assert read(moved, side=8).fingerprint == first.fingerprint
    assert len(seen) == 2 * EACH + 6


def test_what_is_known_of_the_array_is_true(photos: Path) -> None:
    found = read(photos, side=8)
    assert isinstance(found.train_images, StoredArray)
    plain = np.array(found.train_images)
    mean, std = channel_statistics(plain)
    np.testing.assert_array_equal(found.mean, mean)
    np.testing.assert_array_equal(found.std, std)
    assert found.train_images.facts is not None
    assert (found.train_images.facts.low, found.train_images.facts.high) == (plain.min(), plain.max())
    (place,) = [one for one in cache_folder().iterdir() if one.is_dir() and len(np.load(one / "data.npy")) == 2 * EACH]
    np.testing.assert_array_equal(np.load(place / "data.npy"), plain)


def test_a_crop_keeps_the_middle_and_a_stretch_keeps_all(tmp_path: Path) -> None:
    wide = np.zeros((8, 16), dtype=np.uint8)
    wide[:, 4:12] = 200
    for part in ("train", "test"):
        for kind in ("a", "b"):
            (tmp_path / part / kind).mkdir(parents=True)
            Image.fromarray(wide).save(tmp_path / part / kind / "x.png")
    assert (np.array(read(tmp_path, side=8).train_images) == 200).all()
    stretched = np.array(read(tmp_path, side=8, fit="stretch").train_images)
    assert abs(stretched.mean() - 100) < 2
    assert read(tmp_path).train_images.shape == (2, 1, 8, 16), "all of one size and mode need no option"


def test_a_split_keeps_a_key_together_and_is_the_same_each_time(photos: Path) -> None:
    # of the training part alone: 40 keys, each with a cat and a dog
    found = read(photos / "train", side=8, split={"test": 0.25, "by": r"p(\d+)\."})
    assert (len(found.train_labels), len(found.test_labels)) == (60, 20)
    assert found.train_labels.tolist() == [0] * 30 + [1] * 30
    again = read(photos / "train", side=8, split={"test": 0.25, "by": r"p(\d+)\."})
    assert again.fingerprint == found.fingerprint


def test_the_classes_are_counted_without_opening_a_file(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "train" / "dog" / "p00.png").unlink()
    seen = counted(monkeypatch)
    found = class_counts(DataSpec.read({"name": "image_folder", "path": str(photos)}, "data"), photos)
    assert found is not None
    assert found.counts == {"cat": EACH, "dog": EACH - 1}
    assert (found.fewest, found.most) == ("dog", "cat")
    assert not seen


def test_a_large_subset_and_padding_are_stored(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = read(photos, side=8, train=70, pad=1)
    monkeypatch.setattr(derived, "MOST_IN_MEMORY", 0)
    stored = read(photos, side=8, train=70, pad=1)
    assert isinstance(stored.train_images, StoredArray)
    np.testing.assert_array_equal(np.array(stored.train_images), in_memory.train_images)
    np.testing.assert_array_equal(stored.mean, in_memory.mean)


def test_a_damaged_image_is_named_and_the_others_are_kept(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = photos / "train" / "dog" / "p39.png"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"p39\.png: cannot be decoded"):
        read(photos, side=8, mode="RGB")
    file.write_bytes(content)
    # the time of change is another one, so that the cache begins again; with the same file it goes on
    seen = counted(monkeypatch)
    broken: list[str] = []
    decoded = decoding.pixels

    def failing(picture: Any, wanted: decoding.Wanted, where: str, *into: Any) -> NDArray[np.uint8]:
        if where.endswith("dog/p39.png") and not broken:
            broken.append(where)
            raise DataError("the disk failed")
        return decoded(picture, wanted, where, *into)

    monkeypatch.setattr(decoding, "pixels", failing)
    with pytest.raises(DataError, match="the disk failed"):
        read(photos, side=8, mode="RGB")
    before = len(seen)
    read(photos, side=8, mode="RGB")
    again = [one for one in seen[before:] if "train" in one]
    assert len(again) == 2 * EACH - CHUNK, "the finished piece is not decoded again"


def test_what_a_killed_process_left_is_used_as_far_as_it_is_sound(
    photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(photos, side=8)
    (place,) = [one for one in cache.iterdir() if one.is_dir() and len(np.load(one / "data.npy")) == 2 * EACH]
    partial = place.with_suffix(".partial")
    place.rename(partial)
    (partial / "facts.json").unlink()
    journal = (partial / JOURNAL).read_text()
    (partial / JOURNAL).write_text(journal[:-20])  # killed in the middle of a line
    with (partial / "data.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x07")  # and of a piece
    seen = counted(monkeypatch)
    assert read(photos, side=8).fingerprint == whole.fingerprint
    assert len(seen) == 2 * EACH - CHUNK


def test_two_at_once_decode_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, found = counted(monkeypatch), []
    both = [threading.Thread(target=lambda: found.append(read(photos, side=8).fingerprint)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(seen) == 2 * EACH + 6
    assert len(set(found)) == 1
    assert len(found) == 2


def test_a_changed_cache_is_filled_again(photos: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = read(photos, side=8)
    for place in cache.glob("*/data.npy"):
        place.write_bytes(place.read_bytes()[:-5] + b"12345")
    assert read(photos, side=8).fingerprint == whole.fingerprint
    assert "the cache was changed after it was filled; filling it again" in capsys.readouterr().err.replace("\n", " ")


def test_a_changed_folder_is_other_data(photos: Path) -> None:
    before = read(photos, side=8).fingerprint
    Image.fromarray(noise(12, 16, 999)).save(photos / "train" / "cat" / "p00.png")
    assert read(photos, side=8).fingerprint != before


def test_the_cache_cannot_be_written(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRITLAB_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(DataError, match=r"the cache cannot be written .*Set CRITLAB_CACHE"):
        read(photos, side=8)


def grey_among_colours(root: Path) -> None:
    Image.fromarray(noise(12, 16, 1, ())).save(root / "train" / "dog" / "p07.png")


def sixteen_bit(root: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (12, 16), dtype=np.uint16)
    Image.fromarray(deep).save(root / "train" / "dog" / "p07.png")


def empty_class(root: Path) -> None:
    (root / "train" / "eel").mkdir()


def unknown_class(root: Path) -> None:
    shutil.copytree(root / "test" / "cat", root / "test" / "eel")


def no_image(root: Path) -> None:
    (root / "train" / "dog" / "p07.png").write_text("no image")


def no_test(root: Path) -> None:
    shutil.rmtree(root / "test")


HOSTILE: list[tuple[Any, dict[str, Any], str]] = [
    (None, {}, r"p01\.png: has 13 x 16 pixels where p00\.png has 12 x 16; set side"),
    (grey_among_colours, {"side": 8}, r'p07\.png: has mode L, where p00\.png has RGB; set mode = "RGB" or "L"'),
    (sixteen_bit, {"side": 8, "mode": "L"}, r'p07\.png: has more than 8 bit .*set range = "16bit"'),
    (empty_class, {"side": 8}, r"eel: has no image"),
    (unknown_class, {"side": 8}, r"eel: train has no class of that name; it has cat, dog"),
    (no_image, {"side": 8}, r"p07\.png: cannot be read as an image \(unknown format\); replace or remove it$"),
    (no_test, {"side": 8}, r"has no folders train and test; make them, name them"),
    (None, {"side": 8, "split": {"test": 0.2}}, r"has folders train and test; omit split"),
]


@pytest.mark.parametrize(("damage", "options", "line"), HOSTILE)
def test_what_is_wrong_is_said_in_one_line(photos: Path, damage: Any, options: dict[str, Any], line: str) -> None:
    if damage is not None:
        damage(photos)
    with pytest.raises(DataError, match=line) as found:
        read(photos, **options)
    assert "\n" not in str(found.value)


def test_a_mode_converts_all(photos: Path) -> None:
    grey_among_colours(photos)
    assert read(photos, side=8, mode="L").train_images.shape[1] == 1
    sixteen_bit(photos)
    assert read(photos, side=8, mode="L", range="16bit").train_images.shape[1] == 1


def test_the_higher_eight_of_sixteen_bit_are_kept() -> None:
    deep = Image.fromarray(np.array([[0, 257, 65535, 40000]], dtype=np.uint16))
    found = decoding.pixels(deep, decoding.Wanted("L", (1, 4), deep=True), "here")
    assert found.tolist() == [[[0, 1, 255, 156]]]


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    lying = Image.fromarray(noise(8, 12, 3))
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = 6  # its first row is the right side
    lying.save(tmp_path / "x.png", exif=exif)
    found = decoding.pixels(decoding.opened(tmp_path / "x.png"), decoding.Wanted("RGB", (12, 8)), "here")
    expected = np.rot90(np.asarray(lying), -1)
    np.testing.assert_array_equal(found, expected.transpose(2, 0, 1))


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_pillow_however_a_file_is_read(tmp_path: Path, suffix: str, mode: decoding.Mode) -> None:
    file = tmp_path / f"x{suffix}"
    grey = suffix == ".pgm"
    Image.fromarray(noise(20, 31, 5, () if grey else (3,))).save(file)
    wanted = decoding.Wanted(mode, (9, 7), "stretch")
    with Image.open(file) as picture:
        scaled = picture.convert(mode).resize((7, 9), Image.Resampling.BILINEAR)
    expected = np.asarray(scaled).reshape(9, 7, -1).transpose(2, 0, 1)
    into = np.zeros((3, *wanted.shape), dtype=np.uint8)
    for whole in (False, True):
        np.testing.assert_array_equal(decoding.pixels(decoding.opened(file, whole), wanted, "here"), expected)
        decoding.pixels(decoding.opened(str(file), whole), wanted, "here", into[1])
        np.testing.assert_array_equal(into[1], expected)
        assert not into[::2].any(), "its neighbours are not touched"
        into[:] = 0


def test_large_files_are_read_in_parts_and_give_the_same(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read(photos, side=8).fingerprint
    monkeypatch.setattr(image_folder, "WHOLE_BYTES", 0)
    monkeypatch.setenv("CRITLAB_CACHE", str(photos.with_name("other")))
    opened, asked = decoding.opened, set()

    def watched(path: str | Path, whole: bool = False) -> Any:
        asked.add(whole)
        return opened(path, whole)

    monkeypatch.setattr(decoding, "opened", watched)
    assert read(photos, side=8).fingerprint == before
    assert asked == {False}


def test_training_reads_from_the_file(photos: Path) -> None:
    found = read(photos, side=8)
    examples = Examples.of(found, torch.device("cpu"))
    assert examples.train_images.data_ptr() == found.train_images.ctypes.data, "mapped, not copied"
    images, labels = examples.training_batch(torch.tensor([3, 50]), Recipe(0.1, 0.0), 0, 0, 0)
    assert labels.tolist() == [0, 1]
    shown = (images * examples.std + examples.mean).mul(255).round().numpy()
    np.testing.assert_array_equal(shown, np.array(found.train_images)[[3, 50]])
    sent = pickle.loads(pickle.dumps(found.train_images))
    np.testing.assert_array_equal(sent, found.train_images, "a cluster's node gets a copy")
