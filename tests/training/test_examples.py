"""The images of a data set as tensors."""

from __future__ import annotations

import warnings

import numpy as np
import torch

from critlab.data import load
from critlab.data.spec import DataSpec
from critlab.training.examples import Examples, shared


def test_arrays_that_cannot_be_written_are_shared_without_a_warning() -> None:
    array = np.arange(6, dtype=np.float32)
    array.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shared(array).data_ptr() == array.ctypes.data
        Examples.of(load(DataSpec(name="sample", train=20, test=4000)), torch.device("cpu"))
