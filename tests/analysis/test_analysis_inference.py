"""Intervals of means over seeds, and Holm's adjustment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from critlab.analysis.statistics import holm, summarise


def test_the_interval_is_scipys() -> None:
    values = [0.012, 0.034, 0.021, -0.004, 0.018]
    ours = summarise(values)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.estimate.stderr == pytest.approx(stats.sem(values))


def test_one_value_has_no_interval_and_equal_values_one_of_zero_width() -> None:
    one = summarise([0.3])
    assert (one.low, one.high) == (None, None)
    assert one.estimate.stderr == math.inf
    same = summarise([0.1 + 0.2, 0.3, 0.3])
    assert same.low == same.high == same.mean
    with pytest.raises(ValueError, match="no values"):
        summarise([])


def test_holm_by_hand() -> None:
    # sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04; then never decreasing
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([[0.5, 0.9], [0.2, 0.001]]) == pytest.approx(np.array([[1.0, 1.0], [0.2, 0.002]]))
