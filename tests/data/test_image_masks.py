"""Folders of images with masks: scaled as their images are, cached, and one line for each thing that can be wrong."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from critlab._core.errors import DataError, StudyError
from critlab.data import load
from critlab.data.image_set import ImageSet
from critlab.data.own import masks as masks_of_folder
from critlab.data.pictures.class_numbers import class_numbers, nearest
from critlab.data.pictures.decoding import ORIENTATION, Fit, Wanted
from critlab.data.spec import DataSpec
from critlab.deficits.target_form import CLASSES, TargetForm

PIXELS = TargetForm("pixels", None, 255)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRITLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def scene(number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture of several sizes, and its mask: bright pixels are class 1, the first row has no class."""
    rng = np.random.default_rng(number)
    mask = np.zeros((16 + 4 * (number % 2), 24), dtype=np.uint8)
    left = int(rng.integers(4, 12))
    mask[:, left : left + 8] = 1
    picture = 40 + 160 * mask + rng.integers(0, 20, mask.shape, dtype=np.uint8)
    mask[0] = 255
    return picture, mask


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    for part, count in (("train", 6), ("test", 3)):
        for folder in ("images", "masks"):
            (tmp_path / folder / part / "deep").mkdir(parents=True)
        for number in range(count):
            picture, mask = scene(number)
            place = f"{part}/deep/s{number}" if number == 2 else f"{part}/s{number}"
            Image.fromarray(picture).save(tmp_path / f"images/{place}.jpg", quality=95)
            Image.fromarray(mask).save(tmp_path / f"masks/{place}.png")
    return tmp_path


def read(root: Path, targets: TargetForm = PIXELS, **options: Any) -> ImageSet:
    named = {"name": "image_folder", "path": str(root / "images"), "masks": str(root / "masks"), **options}
    spec = DataSpec.read(named, "data")
    spec.check_targets(targets)
    return load(spec, root, targets)


def brute_nearest(values: NDArray[Any], wanted: Wanted) -> NDArray[Any]:
    """As :func:`nearest`, pixel by pixel in fractions."""
    height, width = values.shape
    rows, columns = wanted.size
    scale = min(Fraction(width, columns), Fraction(height, rows))
    across, down = (columns * scale, rows * scale) if wanted.fit == "crop" else (Fraction(width), Fraction(height))
    left, top = (width - across) / 2, (height - down) / 2
    found = np.empty(wanted.size, dtype=values.dtype)
    for row in range(rows):
        for column in range(columns):
            y = top + (row + Fraction(1, 2)) * down / rows
            x = left + (column + Fraction(1, 2)) * across / columns
            found[row, column] = values[y.__floor__(), x.__floor__()]
    return found


@given(
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    st.sampled_from([4, 8, 16]),
    st.sampled_from(["crop", "stretch"]),
)
def test_scaling_takes_the_pixel_under_the_centre(size: tuple[int, int], side: int, fit: Fit) -> None:
    values = np.arange(size[0] * size[1]).reshape(size)
    wanted = Wanted("L", (side, side), fit)
    np.testing.assert_array_equal(nearest(values, wanted), brute_nearest(values, wanted))


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_masks_go_with_their_images(scenes: Path, fit: str) -> None:
    found = read(scenes, side=8, fit=fit)
    assert (found.train_images.shape, found.train_labels.shape) == ((6, 1, 8, 8), (6, 8, 8))
    assert (found.classes, found.test_labels.shape) == (2, (3, 8, 8))
    assert found.train_labels.dtype == np.uint8
    for images, labels in ((found.train_images, found.train_labels), (found.test_images, found.test_labels)):
        counted = labels != 255
        bright = np.array(images[:, 0]) > 128
        # pixels on the border of two classes are mixed; no more than one column at each of its two sides may differ
        wrong = (bright != (labels == 1)) & counted
        assert wrong.sum((1, 2)).max() <= 2 * 8
        assert wrong.sum() < 0.1 * counted.sum()
        assert 0.1 < (labels[counted] == 1).mean() < 0.9


def test_without_side_nothing_is_scaled(scenes: Path) -> None:
    for path in [*scenes.glob("*/t*/s[135].*")]:
        path.unlink()
    found = read(scenes)
    np.testing.assert_array_equal(found.train_labels[0], scene(2)[1], "in the order of paths, deep is first")
    assert found.train_labels.shape == (3, 16, 24)


def test_masks_are_decoded_once_and_again_when_one_changes(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(mask: Any, wanted: Wanted, dtype: Any, where: str, size: tuple[int, int]) -> NDArray[Any]:
        seen.append(where)
        return class_numbers(mask, wanted, dtype, where, size)

    monkeypatch.setattr(masks_of_folder, "class_numbers", counted)
    first = read(scenes, side=8)
    assert len(seen) == len(set(seen)) == 9
    assert read(scenes, side=8).fingerprint == first.fingerprint
    assert len(seen) == 9
    Image.fromarray(1 - scene(0)[1] % 2).save(scenes / "masks/train/s0.png")
    assert read(scenes, side=8).fingerprint != first.fingerprint
    assert len(seen) == 15, "the part whose mask has changed"


def test_one_set_is_split_and_masks_stay_with_their_images(scenes: Path) -> None:
    root = scenes / "one"
    root.mkdir()
    for folder in ("images", "masks"):
        (scenes / folder / "train").rename(root / folder)
    options: dict[str, Any] = {"side": 8, "fit": "stretch", "mode": "L"}
    found = read(root, split={"test": 0.34, "by": r"s(\d)"}, **options)
    assert (len(found.train_labels), len(found.test_labels)) == (4, 2)
    again = read(root, split={"test": 0.34, "by": r"s(\d)"}, **options)
    assert again.fingerprint == found.fingerprint
    assert len(read(root, split={"test": 0.34}, **options).test_labels) == 2
    for picture, mask in zip(found.test_images[:, 0], found.test_labels, strict=True):
        assert ((picture > 128) != (mask == 1))[mask != 255].mean() < 0.15


@pytest.mark.parametrize(("mode", "dtype"), [("P", np.uint8), ("1", np.uint8), ("I;16", np.int32)])
def test_every_mode_of_one_number_is_read(scenes: Path, mode: str, dtype: Any) -> None:
    for path in scenes.glob("masks/**/*.png"):
        numbers = np.asarray(Image.open(path)) % 2
        if mode == "P":
            mask = Image.fromarray(numbers, "L").convert("P")
            mask.putpalette([200, 0, 0, 0, 90, 0])
            mask.putdata(numbers.reshape(-1).tolist())
        else:
            mask = Image.fromarray(numbers.astype(bool if mode == "1" else np.uint16))
        mask.save(path)
        assert Image.open(path).mode in (mode, "I")
    found = read(scenes, side=8)
    assert found.train_labels.dtype == dtype
    assert sorted(np.unique(found.train_labels).tolist()) == [0, 1]


def test_an_image_that_lies_has_an_upright_mask(scenes: Path) -> None:
    picture, mask = scene(0)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(np.rot90(picture).copy()).save(scenes / "images/train/s0.jpg", exif=exif, quality=95)
    found = read(scenes, side=8)
    place = 1  # behind that of the deep folder
    assert ((found.train_images[place, 0] > 128) != (found.train_labels[place] == 1))[mask[:8, :8] != 255].mean() < 0.15


def no_mask(root: Path) -> None:
    (root / "masks/train/s3.png").unlink()


def jpeg_mask(root: Path) -> None:
    (root / "masks/train/s3.png").rename(root / "masks/train/s3.jpg")


def no_image(root: Path) -> None:
    (root / "images/train/s3.jpg").unlink()


def two_images(root: Path) -> None:
    Image.fromarray(scene(3)[0]).save(root / "images/train/s3.png")


def other_size(root: Path) -> None:
    Image.fromarray(scene(3)[1][:-1]).save(root / "masks/train/s3.png")


def colours(root: Path) -> None:
    Image.fromarray(scene(3)[1]).convert("RGB").save(root / "masks/train/s3.png")


def all_colours(root: Path) -> None:
    for path in root.glob("masks/train/**/*.png"):
        Image.open(path).convert("RGB").save(path)


def beyond(root: Path) -> None:
    Image.fromarray(np.where(scene(3)[1] == 1, 7, 0).astype(np.uint8)).save(root / "masks/train/s3.png")


def beyond_the_training_part(root: Path) -> None:
    Image.fromarray(np.where(scene(1)[1] == 1, 2, 0).astype(np.uint8)).save(root / "masks/test/s1.png")


def corrupt(root: Path) -> None:
    file = root / "masks/train/s3.png"
    file.write_bytes(file.read_bytes()[:60])


def no_picture(root: Path) -> None:
    (root / "masks/train/s3.png").write_text("no image")


def deeper(root: Path) -> None:
    Image.fromarray(scene(3)[1].astype(np.uint16)).save(root / "masks/train/s3.png")


def no_test_masks(root: Path) -> None:
    (root / "masks/test").rename(root / "masks/val")


def no_images(root: Path) -> None:
    for path in root.glob("images/test/**/*.jpg"):
        path.unlink()


HOSTILE: list[tuple[Any, TargetForm, str]] = [
    (no_mask, PIXELS, r"images/train/s3\.jpg: has no mask; add .*masks/train/s3\.png"),
    (jpeg_mask, PIXELS, r"images/train/s3\.jpg: has no mask; .*suffixes of masks: \.bmp, \.gif, \.pgm, \.png"),
    (no_image, PIXELS, r"masks/train/s3\.png: has no image in .*; add the image, or remove the mask"),
    (two_images, PIXELS, r"images/train/s3\.(png|jpg): differs from s3\.(png|jpg) in the suffix alone"),
    (other_size, PIXELS, r"masks/train/s3\.png: has 19 x 24 pixels where its image has 20 x 24"),
    (colours, PIXELS, r"masks/train/s3\.png: has mode RGB; a mask must have one class number for each pixel"),
    (all_colours, PIXELS, r"masks/train/deep/s2\.png: has mode RGB; a mask must have one class number"),
    (beyond, TargetForm("pixels", 3, 255), r"masks/train/s3\.png: class number 7; must be below 3, because the task"),
    (beyond, PIXELS, r"the class number 7, but none has 2 to 6; set ignored = 7 in \[task\] .*else classes = 8"),
    (beyond_the_training_part, PIXELS, r"masks/test/s1\.png: class number 2; must be below 2, because the training"),
    (None, TargetForm("pixels"), r"the class number 255, but none has 2 to 254; set ignored = 255 in \[task\]"),
    (corrupt, PIXELS, r"masks/train/s3\.png: cannot be decoded"),
    (no_picture, PIXELS, r"masks/train/s3\.png: cannot be read as an image"),
    (deeper, PIXELS, r"masks/train/s3\.png: has more than 8 bit where the first mask has 8"),
    (no_test_masks, PIXELS, r"masks/test: folder not found; it must contain one mask for each image in .*images/test"),
    (no_images, PIXELS, r"images/test: has no image \(.*\); put images there"),
]


@pytest.mark.parametrize(("damage", "targets", "line"), HOSTILE)
def test_what_is_wrong_is_said_in_one_line(scenes: Path, damage: Any, targets: TargetForm, line: str) -> None:
    if damage is not None:
        damage(scenes)
    with pytest.raises(DataError, match=line) as found:
        read(scenes, targets, side=16)
    assert "\n" not in str(found.value)


def test_classes_may_be_more_than_there_are(scenes: Path) -> None:
    assert read(scenes, TargetForm("pixels", 5, 255), side=8).classes == 5


def test_masks_and_the_task_belong_together(scenes: Path) -> None:
    with pytest.raises(StudyError, match=r'masks: received .*class numbers; set task = "segmentation", or omit masks'):
        read(scenes, CLASSES, side=8)
    with pytest.raises(StudyError, match=r"masks: required, but missing; give the folder"):
        read(scenes, PIXELS, side=8, masks=None)
