"""Which test images are correct, a bit each: packed, read back, and refused where they cannot be what they claim."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab.measures.correct_images import CorrectImages, refusal
from critlab.measures.reading import Reading


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=70), st.integers(1, 3))
def test_bits_come_back_as_they_were(values: list[bool], heads: int) -> None:
    correct = np.resize(np.array(values), (len(values), heads)) if heads > 1 else np.array(values)
    kept = CorrectImages.of(correct)
    again = CorrectImages.read({"shape": list(kept.shape), "bits": kept.bits})
    assert np.array_equal(again.shares(), correct.reshape(len(values), -1).mean(1))
    assert refusal(list(kept.shape), kept.bits, float(correct.mean())) == ""
    assert len(base64.b64decode(kept.bits)) == -(-correct.size // 8), "a bit a label"


def test_a_record_holds_them_beside_the_accuracy() -> None:
    kept = CorrectImages.of(np.array([True, False, True, True]))
    record = Reading("test_accuracy", "", 0.75, 0.0, correct=kept).record()
    assert record["correct"] == {"shape": (4,), "bits": "sA=="}
    assert "picture" not in record
    assert "correct" not in Reading("test_loss", "", 0.5, 0.0).record()


@pytest.mark.parametrize(
    ("shape", "bits", "accuracy", "why"),
    [
        ([0], "", 0.0, "has no images"),
        ([9], "sA==", 0.3, "must be 2"),
        ([4], "s", 0.75, "not base64"),
        ([4], "\N{SNOWMAN}", 0.75, "not base64"),
        ([4], "sQ==", 0.75, "after those of the last label"),
        ([4], "sA==", 0.5, "must equal the value 0.5"),
        ([2**24, 2**24], "sA==", 0.5, "must be 35,184,372,088,832"),
    ],
)
def test_bits_that_cannot_be_are_refused(shape: list[int], bits: str, accuracy: float, why: str) -> None:
    assert why in refusal(shape, bits, accuracy)
