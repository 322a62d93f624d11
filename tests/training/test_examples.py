"""The images of a data set as tensors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.data import load
from critlab.data.spec import DataSpec
from critlab.deficits import BatchContext
from critlab.study.runs.recipe import Recipe, recipe_digest
from critlab.study.specs import AugmentSpec
from critlab.training.inputs.examples import Examples, shared


def test_arrays_that_cannot_be_written_are_shared_without_a_warning() -> None:
    array = np.arange(6, dtype=np.float32)
    array.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shared(array).data_ptr() == array.ctypes.data
        Examples.of(load(DataSpec(name="sample", train=20, test=4000)), torch.device("cpu"))


def darker(images: Tensor, draws: BatchContext) -> Tensor:
    """A user's own transform."""
    return images * torch.rand(len(images), 1, 1, 1, generator=draws.step())


def cut(images: Tensor, draws: BatchContext) -> Tensor:
    """One that changes the form of its images."""
    return images[:, :, :4]


def batch(augment: AugmentSpec | None, seed: int = 0) -> Tensor:
    examples = Examples.of(load(DataSpec(name="sample", train=20, test=20)), torch.device("cpu"))
    shown = examples.training_batch(torch.arange(8), Recipe(0.1, 0.0, augment), seed, 3, 1)[0]
    return shown * examples.std + examples.mean


def test_an_own_transform_is_a_function_of_the_batch_and_its_draws() -> None:
    own = AugmentSpec(transform=f"{__name__}:darker")
    plain, dark = batch(None), batch(own)
    assert torch.equal(dark, batch(own))
    assert not torch.equal(dark, batch(own, seed=1))
    bright = plain > 0.1
    ratio = (dark / plain).masked_fill(~bright, torch.nan).flatten(1)
    factor = ratio.nanmedian(1, keepdim=True).values
    assert (ratio - factor).abs().nan_to_num().max() < 1e-3, "each image has one factor"
    # its draws are not those of a deficit in the same step
    draws = torch.rand(8, 1, 1, 1, generator=BatchContext(0, 3, 1, torch.arange(8), 20, 10).step())
    assert not torch.allclose(dark, plain * draws, atol=1e-3)
    with pytest.raises(StudyError, match=r"must return torch[.]float32"):
        batch(AugmentSpec(transform=f"{__name__}:cut"))


def test_a_transform_is_part_of_the_name_of_an_epoch_and_none_is_not() -> None:
    own = Recipe(0.1, 0.0, AugmentSpec(flip=True, transform=f"{__name__}:darker"))
    plain = Recipe(0.1, 0.0, AugmentSpec(flip=True))
    assert recipe_digest(own) != recipe_digest(plain)
    assert "transform" not in plain.identity()["augment"]
    assert not own.built_in
