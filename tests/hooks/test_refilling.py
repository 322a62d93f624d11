"""Full batches of what a deficit that withholds examples leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from critlab._core.errors import StudyError
from critlab.deficits import DataSubset
from critlab.hooks.deficit_loader import DeficitLoader
from critlab.hooks.refilling import Refilled, joined


def loader(**options: Any) -> DeficitLoader:
    places = torch.arange(100)
    inside = DataLoader(TensorDataset(places[:, None] / 100, places % 4, places), batch_size=10)
    return DeficitLoader(inside, DataSubset(fraction=0.3), numbers=2, all_labels=places % 4, classes=4, **options)


def test_batches_of_the_full_size_hold_what_small_ones_held() -> None:
    small, full = list(loader(stop=1)), list(loader(stop=1, refill=True))
    assert [len(labels) for _, labels, _ in full] == [10, 10, 10]
    assert len(small) == 10
    for place in range(3):
        joint = [torch.cat([batch[place] for batch in batches]) for batches in (small, full)]
        assert torch.equal(*joint)


def test_the_rest_comes_before_the_first_batch_outside_the_window() -> None:
    given_out = list(loader(stop=5, per="step", refill=True))
    inside = sum(len(labels) for _, labels, _ in list(loader(stop=5, per="step"))[:5])
    sizes = [len(labels) for _, labels, _ in given_out]
    assert sizes == [10] * (inside // 10) + [inside % 10] * (inside % 10 > 0) + [10] * 5


@given(sizes=st.lists(st.lists(st.booleans(), min_size=1, max_size=7), max_size=12))
@settings(max_examples=60)
def test_nothing_is_lost_or_given_twice(sizes: list[list[bool]]) -> None:
    refilled, found, expected, begin = Refilled(), [], [], 0
    for shown in sizes:
        batch = {"n": torch.arange(begin, begin + len(shown)), "names": [*range(begin, begin + len(shown))], "k": "x"}
        expected += [begin + place for place, one in enumerate(shown) if one]
        begin += len(shown)
        found += list(refilled.add(batch, torch.tensor(shown)))
    found += list(refilled.rest())
    assert [one for batch in found for one in batch["n"].tolist()] == expected
    assert [one for batch in found for one in batch["names"]] == expected
    assert not list(refilled.rest())


def test_items_of_several_forms_are_refused() -> None:
    with pytest.raises(StudyError, match=r"batches of several forms cannot be joined .*omit refill"):
        joined((torch.zeros(2, 3),), (torch.zeros(2, 4),), 2, 2)
    same = joined([np.zeros((2, 3)), torch.tensor(1.0)], [np.ones((1, 3)), torch.tensor(2.0)], 2, 1)
    assert same[0].shape == (3, 3)
    assert same[1] == 1
