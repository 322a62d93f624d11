"""Inputs that are tuples or mappings: which entry a deficit is applied to, and what stays as it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits import Blank, Blur, Deficit, LabelNoise, SourceDropout, TokenShuffle
from critlab.hooks.border.entries import put
from critlab.hooks.deficit_loader import DeficitLoader
from critlab.hooks.deprivation import BatchDeficit, DataInfo
from critlab.hooks.sensitivity.deficits import ForkDeficit

DRAWS = torch.Generator().manual_seed(0)
IMAGES, OTHERS = (torch.rand(4, 1, 8, 8, generator=DRAWS) for _ in range(2))
TOKENS, LABELS = torch.arange(12).repeat(4, 1), torch.tensor([0, 1, 2, 0])
BLUR, SHUFFLE = Blur(factor=4), TokenShuffle(window=4)


class Pair(NamedTuple):
    left: Tensor
    right: Tensor


def applied(deficit: Deficit, inputs: Any, **named: Any) -> Any:
    key = named.pop("key", None)
    return BatchDeficit(deficit, DataInfo(**named), seed=3, epoch=1)(inputs, LABELS, key=key)


BLURRED = applied(BLUR, IMAGES)[0]


@pytest.mark.parametrize(
    ("inputs", "key"),
    [
        ((IMAGES, OTHERS), 0),
        ([IMAGES, OTHERS], 0),
        (Pair(IMAGES, OTHERS), 0),
        ({"left": IMAGES, "right": OTHERS}, "left"),
        ({"views": {"left": IMAGES, "right": OTHERS}, "text": TOKENS}, ("views", "left")),
        (({"left": IMAGES}, OTHERS), (0, "left")),
        (({"left": IMAGES}, OTHERS), 0),
        ({"image": IMAGES, "labels": LABELS}, None),
        ((IMAGES,), None),
    ],
)
def test_a_deficit_is_applied_to_one_entry_and_leaves_the_others(inputs: Any, key: Any) -> None:
    before = repr(inputs)
    found, labels = applied(BLUR, inputs, key=key)
    assert type(found) is type(inputs)
    assert labels is LABELS
    assert repr(inputs) == before, "what is given stays as it is"
    changed = [one for one in _leaves(found) if torch.equal(one, BLURRED)]
    same = [one for one in _leaves(found) if any(one is other for other in (OTHERS, TOKENS, LABELS))]
    assert len(changed) == 1
    assert len(changed) + len(same) == len(_leaves(inputs))


def _leaves(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [one for part in (value.values() if isinstance(value, dict) else value) for one in _leaves(part)]


def test_the_key_may_be_given_once_for_all_batches() -> None:
    found, _ = BatchDeficit(BLUR, DataInfo(key="b"), seed=3, epoch=1)({"a": OTHERS, "b": IMAGES}, LABELS)
    assert found["a"] is OTHERS
    assert torch.equal(found["b"], BLURRED)


@pytest.mark.parametrize(
    ("inputs", "key", "words"),
    [
        ((IMAGES, OTHERS), None, "received tuple with several entries (0, 1); give key=, the entry that the deficit"),
        ({"x": {"y": IMAGES}, "z": OTHERS}, None, "several entries (('x', 'y'), 'z')"),
        (((IMAGES, OTHERS), TOKENS), 0, "several entries (0, 1)"),
        ({"left": IMAGES}, "right", "key: received 'right', but the inputs have 'left' there"),
        ((IMAGES,), 3, "key: received 3"),
        (IMAGES, "left", "key: received 'left'"),
    ],
)
def test_what_is_ambiguous_or_missing_is_one_line(inputs: Any, key: Any, words: str) -> None:
    with pytest.raises(StudyError) as error:
        applied(BLUR, inputs, key=key)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_two_entries_are_the_two_sources_of_a_deficit() -> None:
    stacked = torch.stack([IMAGES, OTHERS], 1)
    for deficit in (Blank(source="A"), Blank(source="B"), SourceDropout(a=0.5, b=0.5)):
        found, _ = applied(deficit, (IMAGES, OTHERS))
        wanted, _ = applied(deficit, stacked)
        # a mean over memory in another order differs by rounding
        torch.testing.assert_close(torch.stack(found, 1), wanted)
        assert not torch.equal(wanted, stacked)
    with pytest.raises(StudyError, match="needs two of one shape and type"):
        applied(SourceDropout(a=0.5, b=0.5), (IMAGES, OTHERS[:, :, 1:]))


def test_padding_is_known_from_the_mapping_and_labels_alone_need_no_entry() -> None:
    mask = torch.ones(4, 12, dtype=torch.int64)
    mask[:, 6:] = 0
    found, _ = applied(SHUFFLE, {"input_ids": TOKENS, "attention_mask": mask, "labels": LABELS})
    assert torch.equal(found["input_ids"][:, 6:], TOKENS[:, 6:])
    assert not torch.equal(found["input_ids"], TOKENS)
    noise = BatchDeficit(LabelNoise(share=1.0), DataInfo(examples=4, classes=3), seed=0, epoch=0)
    inputs, labels = noise((IMAGES, OTHERS), LABELS, torch.arange(4))
    assert inputs[0] is IMAGES
    assert labels.shape == LABELS.shape


def test_a_loader_gives_three_entries_and_nested_ones() -> None:
    batch = (IMAGES, OTHERS, LABELS)
    (found,) = DeficitLoader([batch], BLUR, stop=1, inputs=1, labels=2)
    assert found[0] is IMAGES
    assert not torch.equal(found[1], OTHERS)
    (pair,) = DeficitLoader([((IMAGES, OTHERS), LABELS)], BLUR, stop=1, key=0)
    assert pair[0][1] is OTHERS
    assert not torch.equal(pair[0][0], IMAGES)
    (nested,) = DeficitLoader(
        [{"x": {"image": IMAGES, "tokens": TOKENS}, "y": LABELS}], BLUR, stop=1, inputs=("x", "image"), labels="y"
    )
    assert nested["x"]["tokens"] is TOKENS
    assert not torch.equal(nested["x"]["image"], IMAGES)
    with pytest.raises(StudyError, match="entries 0 and 1 of a batch may both be its inputs; give inputs= and labels="):
        next(iter(DeficitLoader([batch], BLUR, stop=1)))
    with pytest.raises(StudyError, match="several entries"):
        next(iter(DeficitLoader([((IMAGES, OTHERS), LABELS)], BLUR, stop=1)))


def test_forks_take_mappings_and_check_every_entry() -> None:
    inputs = {"left": IMAGES, "right": np.ones((4, 2), np.float32)}
    known = DataInfo(key="left")
    deprive = ForkDeficit("blur", BLUR, known, seed=1, epoch=0, nudge=True)
    found, _ = deprive(inputs, LABELS)
    assert set(found) == {"left", "right"}
    assert not torch.equal(found["left"], BLURRED), "changed by rounding"
    assert torch.allclose(found["left"], BLURRED, atol=1e-4)

    def cropped(inputs: Any, labels: Any) -> Any:
        return put(inputs, "left", inputs["left"][..., 1:]), labels

    with pytest.raises(StudyError, match="changed inputs from 'left'"):
        ForkDeficit("crop", cropped, known, seed=1, epoch=0)(inputs, LABELS)
