"""Made sequences of tokens: the order says the class, the tokens alone do not."""

from __future__ import annotations

import numpy as np
import pytest

from critlab._core.errors import StudyError
from critlab.data import load
from critlab.data.sets.token_sequences import TokenSequences, drawn
from critlab.data.spec import DataSpec, Sizes


def test_the_class_is_the_step_and_no_token_is_more_frequent() -> None:
    options = TokenSequences(noise=0.0, places=8)
    labels = np.arange(4000) % 4
    tokens = drawn(labels, options, np.random.default_rng(0)).astype(int)
    inside = tokens[:, 1:] != 15
    steps = (tokens[:, 1:] - tokens[:, :-1]) % 15
    assert (steps[inside] == np.repeat(labels + 1, 7).reshape(-1, 7)[inside]).all()
    lengths = (tokens != 15).sum(1)
    assert set(lengths) == {4, 5, 6, 7, 8}
    assert ((tokens == 15) == (np.arange(8) >= lengths[:, None])).all(), "padding stands at the end"
    for label in range(4):
        shares = np.bincount(tokens[labels == label].ravel(), minlength=16)[:15]
        assert shares.std() / shares.mean() < 0.15


def test_what_is_declared_is_what_is_read() -> None:
    spec = DataSpec.read({"name": "token_sequences", "places": 6, "classes": 3, "train": 30, "test": 9}, "data")
    found = load(spec)
    assert (spec.shape(), spec.sizes()) == ((6,), Sizes(3, 30, 9, 30))
    assert found.train_images.shape == (30, 6)
    assert found.form == spec.form()
    assert found.fingerprint == load(spec).fingerprint
    with pytest.raises(StudyError, match="classes: received 5; must be at most 4"):
        DataSpec.read({"name": "token_sequences", "vocabulary": 6, "classes": 5}, "data")
