"""The rules that ``evidence/watch.py`` judges, on curves whose answers are known."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np
import pytest

from paths import EVIDENCE

spec = importlib.util.spec_from_file_location("closing_rules", EVIDENCE / "closing_rules.py")
assert spec
assert spec.loader
rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rules)


def test_closing_between_readings() -> None:
    at = np.array([0.0, 10.0, 20.0, 30.0])
    assert rules.closing_step(at, np.array([1.0, 4.0, 3.0, 1.0]), 0.5) == pytest.approx(25)
    assert rules.closing_step(at, np.array([1.0, 4.0, 4.0, 4.0]), 0.5) == math.inf
    assert rules.closing_step(at, np.array([[8.0, 8.0, 8.0, 4.000001]]), 0.5)[0] == pytest.approx(30, abs=0.001)
    assert rules.smoothed(np.array([3.0, 1.0, 2.0, 6.0])).tolist() == [2, 2, 3, 4]


def settling(at: Any) -> Any:
    return 0.3 + 2 * np.exp(-np.asarray(at) / 100)


def test_how_far_a_loss_fell() -> None:
    at = np.array([1.0, 2.0, 4.0, 8.0, 9.0])
    first, second = rules.halves(at, np.array([[10.0, 6.0, 4.0, 1.0, 3.0], [1.0, 2.0, 8.0, 5.0, 3.0]]))
    assert first.tolist() == pytest.approx([10 - 3.25, 8 - 6.125])
    assert second.tolist() == pytest.approx([3.25 - 3, 6.125 - 3])


@pytest.mark.parametrize("until", [60, 150, 600])
def test_where_an_exponential_settles(until: int) -> None:
    """The reading and the forecast are exact for an exponential, but for the lines between readings."""
    steps = np.arange(0, until + 1, 5.0)
    [found] = rules.settling_step(steps, settling(steps)[None], 0.3)
    assert found == pytest.approx(100 * math.log(1 / 0.3), rel=0.01)
