"""The confidence sequence: its coverage at all looks together, by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from critlab.analysis.statistics.anytime import anytime_mean, half_width


@pytest.mark.parametrize("kind", ["normal", "uniform", "few values"])
def test_the_mean_rarely_ever_lies_outside_at_any_look(kind: str) -> None:
    random = np.random.default_rng(0)
    size = (20_000, 30)
    normal, uniform = random.normal(size=size), random.uniform(-1, 1, size=size)
    values = {"normal": normal, "uniform": uniform, "few values": random.binomial(20, 0.5, size=size) - 10.0}[kind]
    above = np.zeros(len(values), dtype=bool)
    below = np.zeros(len(values), dtype=bool)
    for n in range(1, values.shape[1] + 1):
        seen = values[:, :n]
        means = seen.mean(1)
        half = half_width(n, ((seen - means[:, None]) ** 2).sum(1) + (kind == "few values") * 0.1)
        # an open before a closed is what is said, and not taken back
        above |= ~below & (means - half > 0)
        below |= ~above & (means + half < 0)
    most = 0.025 if kind == "normal" else 0.03
    assert above.mean() < most
    assert below.mean() < most
    assert above.mean() > 0.002, "an interval that never misses would be far too wide"


def test_a_few_values_say_nothing_and_more_say_more() -> None:
    widths = [anytime_mean([0.0, 1.0, 2.0, 3.0, 4.0, 5.0][:n]) for n in (1, 2)]
    assert all(math.isinf(one.low) and math.isinf(one.high) for one in widths)
    known = [float(half_width(n, np.array(n - 1.0))) for n in range(3, 30)]
    assert known == sorted(known, reverse=True)
    assert known[0] < 8


def test_equal_values_are_known_to_within_the_floor() -> None:
    found = anytime_mean([0.02] * 3, floor=0.001)
    assert found.mean == pytest.approx(0.02)
    assert 0.01 < found.low < found.high < 0.03
    assert anytime_mean([0.02] * 3).low == pytest.approx(0.02)


def test_the_unit_does_not_matter() -> None:
    values = [0.3, 0.1, 0.4, 0.1, 0.5]
    one, other = anytime_mean(values), anytime_mean([1000 * value + 7 for value in values])
    assert other.low == pytest.approx(1000 * one.low + 7)
    assert other.high == pytest.approx(1000 * one.high + 7)
