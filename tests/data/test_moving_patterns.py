"""Moving patterns: where the class lies, shown by decoders that know what to look for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.data import load
from critlab.data.sets.moving_patterns import MovingPatterns, displacements, drawn
from critlab.data.spec import DataSpec, Sizes
from critlab.measures.units.partial_information import partial_information

COUNT = 400


def sequences(classes: int = 4, **options: Any) -> tuple[Any, Any, MovingPatterns]:
    chosen = MovingPatterns(classes=classes, **options)
    labels = np.arange(COUNT) % classes
    return drawn(labels, chosen, np.random.default_rng(0))[:, :, 0] / 255, labels, chosen


def moved(first: Any, second: Any, options: MovingPatterns) -> Any:
    """The class whose displacement fits best."""
    errors = [np.square(np.roll(first, d, (1, 2)) - second).mean((1, 2)) for d in displacements(options)]
    return np.argmin(errors, 0)


def orientation(frame: Any, classes: int) -> Any:
    """The class whose stripes, in either phase, have most of the frame."""
    rows, columns = np.meshgrid(*[np.arange(frame.shape[-1]) / frame.shape[-1]] * 2, indexing="ij")
    energy = []
    for place in range(classes):
        angle = math.pi * place / classes
        wave = np.exp(2j * np.pi * 3.0 * (math.cos(angle) * columns + math.sin(angle) * rows))
        energy.append(np.abs(((frame - 0.5) * wave).sum((1, 2))))
    return np.argmax(energy, 0)


def by_regression(frame: Any, labels: Any, classes: int) -> float:
    """Held-out accuracy of a ridge regression on pixels and their products with the mean power of each wave."""
    waves = np.abs(np.fft.rfft2(frame)).reshape(COUNT, -1)
    features = np.concatenate([frame.reshape(COUNT, -1), waves, np.ones((COUNT, 1))], 1)
    half, wanted = COUNT // 2, np.eye(classes)[labels]
    train = features[:half]
    weights = np.linalg.solve(train.T @ train + 5 * np.eye(train.shape[1]), train.T @ wanted[:half])
    return float((np.argmax(features[half:] @ weights, 1) == labels[half:]).mean())


@pytest.mark.parametrize(("classes", "speed"), [(2, 1), (4, 2), (8, 3)])
def test_motion_tells_the_class_and_one_frame_does_not(classes: int, speed: int) -> None:
    frames, labels, options = sequences(classes, speed=speed, frames=3)
    assert len(set(displacements(options))) == classes
    for frame in (0, 1):
        assert (moved(frames[:, frame], frames[:, frame + 1], options) == labels).all()
    for frame in (0, 2):
        # 200 held-out guesses: chance and four standard errors
        assert by_regression(frames[:, frame], labels, classes) < 1 / classes + 4 * math.sqrt(0.25 / 200)


def test_without_grain_a_frame_is_the_one_before_moved_on() -> None:
    frames, labels, options = sequences(noise=0.0)
    for example in range(0, COUNT, 37):
        wanted = np.roll(frames[example, 0], displacements(options)[labels[example]], (0, 1))
        np.testing.assert_array_equal(frames[example, 1], wanted)


@pytest.mark.parametrize(("information", "second"), [("unique", False), ("redundant", True)])
def test_stripes_tell_the_class_where_they_should(information: Any, second: bool) -> None:
    frames, labels, _ = sequences(information=information)
    assert (orientation(frames[:, 0], 4) == labels).mean() > 0.99
    agrees = (orientation(frames[:, 1], 4) == labels).mean()
    assert agrees > 0.99 if second else agrees < 0.25 + 4 * math.sqrt(0.1875 / COUNT)


@pytest.mark.parametrize("information", ["synergistic", "unique", "redundant"])
def test_the_parts_of_the_information_are_what_the_option_says(information: Any) -> None:
    """The task by its hidden variables: where a dot is in each frame, or which stripes each frame has."""
    options = MovingPatterns(information=information)
    joint = torch.zeros(4, 5, 5)
    for label, (_, columns) in enumerate([(0, c) for c in range(4)]):
        for place in range(5 if information == "synergistic" else 4):
            if information == "synergistic":
                joint[label, place, (place + columns) % 5] += 1
            else:
                joint[label, label, label if information == "redundant" else place] += 1
    found = partial_information(joint)
    parts = {"redundant": found.redundant, "unique": found.unique_a, "synergistic": found.synergistic}
    wanted = {name: 2.0 if name == options.information else 0.0 for name in parts}
    assert parts == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
def test_the_data_are_the_same_every_time_and_known_beforehand() -> None:
    spec = DataSpec.read({"name": "moving_patterns", "classes": 8, "side": 12, "train": 80, "test": 40}, "data")
    assert spec.shape() == (2, 1, 12, 12)
    assert spec.sizes() == Sizes(8, 80, 40, 80)
    first, again = load(spec), load(spec)
    assert first.fingerprint == again.fingerprint
    assert first.train_images.shape == (80, 2, 1, 12, 12)
    assert np.bincount(first.train_labels).tolist() == [10] * 8
    assert not np.array_equal(first.train_images[:40], first.test_images)
    with pytest.raises(StudyError, match=r"information: received 'both' .allowed: synergistic, unique, redundant"):
        DataSpec.read({"name": "moving_patterns", "information": "both"}, "data")
