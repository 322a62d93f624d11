"""The map from a fork's reading to the damage that remains, on rows whose truth is planted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate
from critlab.hooks.sensitivity import fitting
from critlab.hooks.sensitivity.fitting import MeasuredFork, fit_map
from critlab.hooks.sensitivity.forecast import ForecastMap, ForkReading, forecast, shipped_map

HEALING, SPREAD, NOISE = 0.6, 0.15, 0.004


def planted(trainings: int, seed: int) -> list[MeasuredFork]:
    """Damage that heals as a power of time, with an exponent that differs from training to training."""
    random = np.random.default_rng(seed)
    rows = []
    for training in range(trainings):
        total, exponent = int(random.choice([20, 40, 80])), HEALING + SPREAD * random.normal()
        for deficit in ("blur", "noise"):
            for onset in range(0, total - 12, max(1, total // 7)):
                first = 0.3 * np.exp(-3 * onset / total) * random.uniform(0.5, 1)
                after = {r: Estimate(first * r**-exponent + NOISE * random.normal(), NOISE) for r in (1, 2, 3)}
                lasting = first * (total - onset - 4) ** -exponent + NOISE * random.normal()
                reading = ForkReading(deficit, onset, total, 4, after)
                rows.append(MeasuredFork(f"t{training}", reading, Estimate(lasting, NOISE)))
    return rows


@pytest.fixture(scope="module")
def known() -> ForecastMap:
    return fit_map(planted(10, seed=0))


def test_fit_finds_the_planted_healing_and_covers_new_trainings(known: ForecastMap) -> None:
    # with even rates the two exponents act together
    by_time = known.healing + 0.5 * known.healing_by_time_left
    assert by_time + known.healing_by_rate == pytest.approx(HEALING, abs=0.12)
    fresh = planted(60, seed=1)
    made = [forecast(row.reading, known) for row in fresh]
    inside = np.mean([one.low <= row.lasting.value <= one.high for one, row in zip(made, fresh, strict=True)])
    assert 0.9 <= inside <= 0.995
    truth = ForecastMap(HEALING, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    missed, least = (
        np.mean([abs(one.estimate(row.reading).value - row.lasting.value) for row in fresh]) for one in (known, truth)
    )
    assert missed < 1.05 * least


def test_no_damage_has_a_forecast_of_zero_and_a_fork_to_the_end_its_own_reading(known: ForecastMap) -> None:
    none = forecast(ForkReading("blur", 5, 40, 4, {r: Estimate(0.0, 0.001) for r in (1, 2, 3)}), known)
    assert none.estimate == 0
    assert none.low < 0 < none.high
    assert none.tested
    whole = forecast(ForkReading("blur", 13, 20, 4, {3: Estimate(0.05, 0.001)}), known)
    assert whole.estimate == pytest.approx(0.05)


def test_forecast_says_where_the_map_was_never_tested(known: ForecastMap) -> None:
    made = forecast(ForkReading("crop", 900, 1000, 9, {5: Estimate(0.9, 0.001)}), known)
    assert not made.tested
    assert [one.condition for one in made.untested] == [
        "deficit",
        "onset_share",
        "total",
        "deprived",
        "clean",
        "damage",
    ]
    assert "deficit 'crop' (tested: blur, noise)" in made.note
    assert "a training of this many epochs (1e+03; tested: 20 to 80)" in made.note


@settings(max_examples=30, deadline=None)
@given(some.floats(0, 0.5), some.integers(0, 30), some.floats(1e-4, 0.1))
def test_a_larger_damage_or_error_never_narrows_the_interval(damage: float, onset: int, error: float) -> None:
    known = ForecastMap(0.5, 0.1, 0.1, 0.01, 0.3, -2, 2)

    def width(value: float, stderr: float) -> float:
        made = forecast(ForkReading("blur", onset, 40, 4, {2: Estimate(value, stderr)}), known)
        assert made.low <= made.estimate <= made.high
        return made.high - made.low

    assert width(damage, error) <= width(2 * damage, error) <= width(2 * damage, 2 * error)


def test_a_map_survives_its_file(known: ForecastMap, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    assert shipped_map(path) is None
    path.write_text(json.dumps(known.document()))
    assert shipped_map(path) == known
    for damaged in ("{", "{}", json.dumps({**known.document(), "tested": 3}), json.dumps({"format": 99})):
        path.write_text(damaged)
        with pytest.raises(StudyError, match=r"forecast map: .*install critlab again"):
            shipped_map(path)


@pytest.mark.slow
def test_the_version_names_the_rows() -> None:
    rows = planted(4, seed=3)
    assert fit_map(rows).version == fit_map(reversed(rows)).version
    with pytest.raises(StudyError, match="received 3 trainings; must be at least 4"):
        fit_map(row for row in rows if row.training != "t0")


def test_a_reading_that_does_not_fit_into_the_training_is_refused() -> None:
    with pytest.raises(StudyError, match="must be at least their sum"):
        ForkReading("blur", 10, 16, 4, {3: Estimate(0.0, 0.0)})
    with pytest.raises(StudyError, match="at least one number of clean epochs"):
        ForkReading("blur", 10, 16, 4, {})


def test_planned_rates_say_how_much_heals() -> None:
    reading = ForkReading("blur", 5, 12, 4, {1: Estimate(0.2, 0.01)}, (1.0, 0.5, 0.5))
    assert reading.rate_left == 2
    assert reading.until(1).rates == reading.rates
    known = ForecastMap(0.5, 0.0, 0.0, 0.01, 0.3, -2, 2, healing_by_rate=1.0)
    assert known.estimate(reading).value == pytest.approx(0.2 * 3**-0.5 / 2)
    even = ForkReading("blur", 5, 12, 4, {1: Estimate(0.2, 0.01)})
    assert even.rate_left == 3
    assert known.estimate(even).value == pytest.approx(0.2 * 3**-1.5)
    for rates in ((1.0, 0.5), (0.0, 1.0, 1.0), (1.0, -1.0, 1.0)):
        with pytest.raises(StudyError, match="fork reading: rates: received"):
            ForkReading("blur", 5, 12, 4, {1: Estimate(0.2, 0.01)}, rates)


@pytest.mark.slow
def test_the_fit_finds_healing_by_rate() -> None:
    random = np.random.default_rng(5)
    rows = []
    for training in range(8):
        rates = 0.01 ** np.linspace(0, random.uniform(0, 1), 40)
        for onset in range(0, 30, 3):
            left = tuple(rates[onset + 4 :].tolist())
            first = 0.3 * random.uniform(0.2, 1)
            after = {r: Estimate(first * (sum(left[:r]) / left[0]) ** -0.8, 0.001) for r in (1, 2, 3)}
            reading = ForkReading("blur", onset, 40, 4, after, left)
            rows.append(MeasuredFork(f"t{training}", reading, Estimate(first * (sum(left) / left[0]) ** -0.8, 0.001)))
    made = fit_map(rows)
    assert made.healing_by_rate == pytest.approx(0.8, abs=0.1)
    assert abs(made.healing + made.healing_by_time_left / 2) < 0.1


def test_the_fit_computes_what_the_map_computes(known: ForecastMap) -> None:
    rows = planted(4, seed=9)
    known = replace(known, healing_by_rate=0.3, trend=0.2, unhealed=0.1)
    items = fitting._items(rows)
    readings = [row.reading.until(r) for row in rows for r in row.reading.after]
    made = [known.estimate(one) for one in readings]
    values, errors = items.estimates(known)
    assert values == pytest.approx([one.value for one in made], rel=1e-12)
    assert errors == pytest.approx([one.stderr for one in made], rel=1e-12)
    assert fitting._scales(known, items) == pytest.approx(
        [known.scale(one, reading) for one, reading in zip(made, readings, strict=True)], rel=1e-12
    )
