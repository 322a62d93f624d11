"""Image corruptions: each against its formula, a slow oracle or Pillow; and what all of them promise."""

import colorsys
import io
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from critlab._core.errors import StudyError
from critlab.deficits import BatchContext, read_deficit
from critlab.deficits.images.corruptions import CORRUPTIONS
from critlab.deficits.images.corruptions.brightness import brighten
from critlab.deficits.images.corruptions.contrast import fade
from critlab.deficits.images.corruptions.defocus_blur import DISKS, convolve, disk
from critlab.deficits.images.corruptions.fog import add_light, clouds
from critlab.deficits.images.corruptions.gaussian_noise import add_normal_noise
from critlab.deficits.images.corruptions.impulse_noise import lose_values
from critlab.deficits.images.corruptions.jpeg_compression import QUALITIES, compress
from critlab.deficits.images.corruptions.motion_blur import MOTIONS, blur_along, trail
from critlab.deficits.images.corruptions.pixelate import SCALES, pixelate
from critlab.deficits.images.corruptions.shot_noise import count_photons
from pictures import photograph

NAMES = [kind.name for kind in CORRUPTIONS]
UNDRAWN = ["defocus_blur", "brightness", "contrast", "pixelate", "jpeg_compression"]
SHAPES = [(1, 28, 28), (3, 32, 32), (3, 33, 47), (4, 19, 10), (2, 3, 16, 16), (24, 20)]


def generator(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


def draws(epoch: int = 0, position: Any = 0, batch: Any = 8) -> Any:
    return BatchContext(0, epoch, position, torch.arange(batch), 100, 10)


def photographs(shape: tuple[int, ...] = (3, 32, 32), count: int = 8) -> Any:
    """Float32 ``(count, *shape)`` in [0, 1], cut from pictures with edges, lines, shading and grain."""
    found = []
    for seed in range(count):
        planes = [photograph(shape[-2], shape[-1], 10 * seed + k) for k in range(-(-math.prod(shape[:-2]) // 3))]
        cut = np.concatenate(planes, -1)[..., : math.prod(shape[:-2])]
        found.append(torch.from_numpy(cut).permute(2, 0, 1).reshape(shape))
    return torch.stack(found).float() / 255


def corrupted(name: str, severity: int, images: Any, where: Any = None) -> Any:
    labels = torch.zeros(len(images), dtype=torch.int64)
    deficit = read_deficit({"name": name, "severity": severity})
    return deficit.apply(images, labels, where or draws(batch=len(images)))[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_damage_grows_with_severity(name: str, shape: tuple[int, ...]) -> None:
    images = photographs(shape)
    read_deficit({"name": name, "severity": 1}).check(shape)
    damage = [(corrupted(name, severity, images) - images).abs().mean().item() for severity in range(1, 6)]
    assert damage == sorted(damage)
    assert damage[0] > 1e-4
    assert damage[-1] > 1.1 * damage[0]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_is_new_in_each_step_and_for_each_image(name: str) -> None:
    images = photographs(count=1).expand(4, -1, -1, -1)
    first = corrupted(name, 3, images, draws(epoch=1, position=2))
    assert torch.equal(first, corrupted(name, 3, images, draws(epoch=1, position=2)))
    same = [torch.equal(first, corrupted(name, 3, images, draws(*step))) for step in [(1, 3), (2, 2)]]
    assert same == [name in UNDRAWN] * 2
    assert torch.equal(first[0], first[1]) == (name in UNDRAWN)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_layout_changes_nothing(name: str) -> None:
    images = photographs()
    last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(corrupted(name, 4, last), corrupted(name, 4, images), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", UNDRAWN)
def test_an_image_alone_is_corrupted_as_in_its_batch(name: str) -> None:
    images = photographs((3, 30, 22))
    together = corrupted(name, 5, images)
    alone = torch.cat([corrupted(name, 5, image[None]) for image in images])
    torch.testing.assert_close(alone, together, rtol=0, atol=1.5 / 255 if name == "jpeg_compression" else 1e-6)


@pytest.mark.parametrize(("name", "shape"), [("defocus_blur", (3, 2, 9)), ("pixelate", (3, 1, 9)), ("fog", (784,))])
def test_too_small_images_and_other_things_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(StudyError, match=rf"{name}.*sides of at least \d"):
        read_deficit({"name": name, "severity": 1}).check(shape)


@pytest.mark.parametrize("kind", CORRUPTIONS, ids=NAMES)
def test_the_smallest_images_are_taken(kind: Any) -> None:
    images = torch.rand(3, 2, kind.smallest_side, kind.smallest_side, generator=generator())
    kind(severity=5).check(tuple(images.shape[1:]))
    found = corrupted(kind.name, 5, images)
    assert found.shape == images.shape
    assert found.isfinite().all()


def test_normal_noise_has_its_moments() -> None:
    image = torch.full((400, 1000), 0.5, dtype=torch.float64)
    noise = add_normal_noise(image, 0.08, generator()) - image
    assert abs(noise.mean()) < 5 * 0.08 / 400_000**0.5
    assert abs(noise.std() / 0.08 - 1) < 5 / 800_000**0.5
    assert abs((noise > 0.08).double().mean() - 0.158655) < 0.003


@pytest.mark.parametrize("value", [0.02, 0.3, 0.9])
def test_shot_noise_is_poisson(value: Any) -> None:
    photons, many = 50, 200_000
    counts = count_photons(torch.full((many,), value, dtype=torch.float64), photons, generator()) * photons
    mean = value * photons
    assert torch.allclose(counts, counts.round(), atol=1e-9)
    assert abs(counts.mean() - mean) < 5 * (mean / many) ** 0.5
    # the variance of the sample variance of a Poisson variable: (mean + 2 mean²) / many
    assert abs(counts.var() - mean) < 5 * ((mean + 2 * mean**2) / many) ** 0.5
    assert not count_photons(torch.zeros(9), photons, generator()).any()


def test_impulse_noise_loses_the_share_and_nests() -> None:
    image = torch.full((500, 1000), 0.5)
    some, more = (lose_values(image, share, generator()) for share in (0.03, 0.07))
    for found, share in ((some, 0.03), (more, 0.07)):
        for value in (0.0, 1.0):
            assert abs((found == value).double().mean() - share / 2) < 5 * (share / 2 / 500_000) ** 0.5
    assert ((some != 0.5) <= (more != 0.5)).all()
    assert set(some.unique().tolist()) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize("shape", DISKS, ids=str)
def test_defocus_kernels(shape: tuple[int, ...]) -> None:
    kernel = disk(*shape)
    torch.testing.assert_close(kernel.sum(), torch.tensor(1.0, dtype=torch.float64))
    for other in (kernel.T, kernel.flip(0), kernel.flip(1)):
        torch.testing.assert_close(kernel, other)
    assert kernel.min() >= 0
    point = torch.zeros(1, 2, 11, 11, dtype=torch.float64)
    point[0, 1, 5, 5] = 1
    reach = len(kernel) // 2
    spread = convolve(point, kernel)
    torch.testing.assert_close(spread[0, 1, 5 - reach : 6 + reach, 5 - reach : 6 + reach], kernel)
    assert not spread[0, 0].any()


def test_a_sharp_disk_is_a_mean_of_the_pixels_within_it() -> None:
    cross = disk(1.0, 1e-3)[1:-1, 1:-1]
    expected = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.float64) / 5
    torch.testing.assert_close(cross, expected)
    image = torch.rand(1, 1, 7, 9, generator=generator(), dtype=torch.float64)
    mirrored = np.pad(image[0, 0].numpy(), 2, mode="reflect")
    slow = [[(mirrored[i : i + 5, j : j + 5] * disk(1.5, 0.1).numpy()).sum() for j in range(9)] for i in range(7)]
    np.testing.assert_allclose(convolve(image, disk(1.5, 0.1))[0, 0], slow)


@pytest.mark.slow
@settings(max_examples=25)
@given(angle=st.floats(-3, 3), motion=st.sampled_from(MOTIONS), seed=st.integers(0, 2**31))
def test_motion_blur_against_a_loop_over_pixels(angle: float, motion: Any, seed: int) -> None:
    pictures = torch.rand(2, 2, 5, 7, generator=generator(seed), dtype=torch.float64)
    weights = trail(*motion)
    assert len(weights) == 2 * motion[0] + 1
    assert sum(weights) == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(math.exp(-1 / (2 * motion[1] ** 2)))
    found = blur_along(pictures, torch.tensor([angle, 0.0], dtype=torch.float64), weights)
    for number, direction in enumerate((angle, 0.0)):
        for i in range(5):
            for j in range(7):
                points = [
                    (math.ceil(k * math.sin(direction) - 0.5), math.ceil(k * math.cos(direction) - 0.5))
                    for k in range(len(weights))
                ]
                seen = [pictures[number, 1, min(max(i + y, 0), 4), min(max(j + x, 0), 6)] for y, x in points]
                assert found[number, 1, i, j] == pytest.approx(np.dot(weights, seen))


@pytest.mark.parametrize("side", [2, 8])
def test_clouds_against_a_loop_over_points(side: Any) -> None:
    fading, level, g = 1.75, 1.0, generator(3)
    heights, step = np.zeros((side, side)), side
    while step > 1:
        half, places = step // 2, list(range(0, side, step))
        # centres of the squares, then the middles of their horizontal edges, then of their vertical ones
        for down, right, at in [
            (half, half, [(-half, -half), (-half, half), (half, -half), (half, half)]),
            (0, half, [(0, -half), (0, half), (-half, 0), (half, 0)]),
            (half, 0, [(0, -half), (0, half), (-half, 0), (half, 0)]),
        ]:
            drawn = torch.rand(1, len(places), len(places), generator=g)[0]
            new = {
                (y + down, x + right): np.mean([heights[(y + down + a) % side, (x + right + b) % side] for a, b in at])
                + level * (2 * drawn[i, j].item() - 1)
                for i, y in enumerate(places)
                for j, x in enumerate(places)
            }
            for place, height in new.items():
                heights[place] = height
        step, level = half, level / fading**2
    expected = (heights - heights.min()) / np.ptp(heights)
    np.testing.assert_allclose(clouds(1, side, fading, generator(3))[0], expected, atol=1e-5)


def test_clouds_fill_the_range_and_fade() -> None:
    smooth, rough = (clouds(20, 32, fading, generator()) for fading in (3.0, 1.2))
    for found in (smooth, rough):
        assert torch.equal(found.amin((1, 2)), torch.zeros(20))
        assert torch.equal(found.amax((1, 2)), torch.ones(20))
    steps = [(found - found.roll(1, 2)).abs().mean() for found in (smooth, rough)]
    assert 2 * steps[0] < steps[1]
    assert (smooth - smooth.roll(1, 2)).abs().max() < 0.5  # a torus: no seam


def test_fog_keeps_the_brightest_value() -> None:
    images = 0.8 * photographs()
    brightest = images.amax((1, 2, 3))
    for severity in range(1, 6):
        found = corrupted("fog", severity, images)
        assert (found.amax((1, 2, 3)) <= brightest + 1e-6).all()
        assert found.mean() > 0
    most = add_light(images, torch.tensor(0.5), 0.5).amax((1, 2, 3))
    torch.testing.assert_close(most, brightest)
    assert not add_light(torch.zeros(1, 3, 2, 2), torch.tensor(0.5), 0.5).any()


def test_brightness_is_the_value_of_hsv() -> None:
    pictures = photographs((3, 6, 7), count=3).double()
    pictures[0, :, 0, 0] = 0
    pictures[0, :, 0, 1] = 1
    found = brighten(pictures, 0.2).permute(0, 2, 3, 1).reshape(-1, 3)
    for before, after in zip(pictures.permute(0, 2, 3, 1).reshape(-1, 3).tolist(), found.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        expected = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1))
        assert after == pytest.approx(expected, abs=1e-12)
    grey = torch.rand(2, 1, 4, 4, generator=generator())
    torch.testing.assert_close(brighten(grey, 0.3), (grey + 0.3).clamp(max=1))


def test_contrast_is_its_formula() -> None:
    images = photographs().double()
    mean = images.mean((2, 3), keepdim=True)
    torch.testing.assert_close(fade(images, 0.4), mean + 0.4 * (images - mean))
    torch.testing.assert_close(fade(images, 0.4).std((2, 3)), 0.4 * images.std((2, 3)))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(32, 32), (28, 28), (33, 47)])
def test_pixelate_is_pillows_box_down_and_up(scale: float, size: tuple[int, int]) -> None:
    for seed in range(3):
        picture = photograph(*size, seed)
        small = int(size[1] * scale), int(size[0] * scale)
        box = Image.Resampling.BOX
        theirs = np.asarray(Image.fromarray(picture).resize(small, box).resize(size[::-1], box), dtype=np.float64)
        ours = pixelate(torch.from_numpy(picture).permute(2, 0, 1).double(), scale).permute(1, 2, 0).numpy()
        assert np.abs(ours - theirs).max() <= 1


def by_pillow(picture: Any, quality: Any) -> Any:
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "JPEG", quality=quality)
    return np.asarray(Image.open(written), dtype=np.float64)


@pytest.mark.parametrize("quality", [10, *QUALITIES, 95])
@pytest.mark.parametrize("size", [(32, 32), (28, 28), (33, 47)])
def test_jpeg_is_pillows(quality: int, size: tuple[int, int]) -> None:
    for view in (slice(None), slice(0, 1)):
        away, lost = [], []
        for seed in range(8):
            picture = photograph(*size, seed)[..., view]
            ours = compress(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255, quality)[0]
            theirs = by_pillow(picture.squeeze(), quality).reshape(picture.shape)
            away.append(np.abs(ours.permute(1, 2, 0).numpy() * 255 - theirs))
            lost.append(np.abs(theirs - picture))
        assert np.mean(away) < 0.5
        assert np.mean(away) < 0.2 * np.mean(lost)
        assert np.mean(np.stack(away) > 2.5) < 0.04


def test_jpeg_twice_is_hardly_more_than_once() -> None:
    images = photographs((1, 32, 32))
    once = compress(images, 50)
    assert (compress(once, 50) - once).abs().mean() < 0.1 * (once - images).abs().mean()
