"""Repeats that are copies of each other decide nothing; equal scores have the error that test images give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from critlab.hooks.own_loop.lasting_damage import LastingDamage, lasting_damage
from critlab.hooks.own_loop.recovered import Recovered
from critlab.hooks.own_loop.stretch_evidence import Compared, evidence
from critlab.learning_tasks import ACCURACY
from critlab.measures.correct_images import CorrectImages

HARMED = 0.77


def repeated(
    score: Callable[[float], Any], *, loss: Callable[[], float] = lambda: 1.0, after: float = HARMED, **changes: Any
) -> LastingDamage:
    """A checkpoint of 0.8 before the stretch; the score is what ``score`` makes of a checkpoint's number."""

    def advance(state: dict[str, Any], epoch: int, deprive: Any) -> dict[str, float]:
        return {"train_loss": state["start"] + loss()}

    given: dict[str, Any] = {"epoch": 4, "stretch": 2, "recovery": 3, "repeats": 5, **changes}
    functions: dict[str, Any] = {"evaluate": lambda state: score(state["start"]), "load": dict}
    return lasting_damage({"start": 0.8}, {"start": after}, advance=advance, **functions, **given)


def noise() -> float:
    return float(torch.rand(()))


def images(start: float) -> dict[str, Any]:
    return {"test_correct": np.arange(100) < round(100 * start)}


@pytest.mark.parametrize("score", [lambda start: start, images])
@pytest.mark.parametrize("repeats", [3, 20])
def test_a_recovery_with_a_fixed_order_of_the_data_decides_nothing(score: Any, repeats: int) -> None:
    found = repeated(score, repeats=repeats)
    assert (found.answer, found.reason) == ("undecided", "identical repeats")
    harm = found.damages["harm"]
    assert (harm.n, harm.low, harm.high) == (1, None, None)
    assert harm.mean == pytest.approx(0.03)
    assert (found.decision.adjusted_p == 1).all()
    assert f"all {repeats} repeats of a fork are copies of each other" in found.sentence
    assert "draw it from the global generators of torch, numpy or random" in found.sentence


def test_copies_are_found_by_the_numbers_of_training_where_scores_are_coarse() -> None:
    """All repeats have one score by chance; the losses show that they are different trainings."""
    known = repeated(images, loss=noise)
    assert known.uncounted == {}
    assert known.damages["harm"].n == 5
    coarse = repeated(lambda start: start, loss=noise)
    assert (coarse.answer, coarse.reason) == ("undecided", "identical repeats")
    assert set(coarse.uncounted.values()) == {"equal"}
    assert "return test_correct from evaluate" in coarse.sentence


def test_equal_scores_have_the_error_of_the_test_images() -> None:
    found = repeated(images, loss=noise)
    harm, p = found.damages["harm"], found.decision.adjusted_p[list(found.damages).index("harm")]
    # three of a hundred images: their sample alone has a standard error of 1.7 points
    assert harm.low is not None
    assert harm.low < 0.01
    assert 0.05 < p < 0.5
    assert found.answer == "undecided"
    assert repeated(images, loss=noise, after=0.3).answer == "present"


def test_a_fork_that_never_varies_says_nothing_although_the_other_one_does() -> None:
    """The checkpoint before holds its own order of the data, the one after does not."""

    def score(start: float) -> float:
        return start if start == 0.8 else start + 0.001 * noise()

    found = repeated(score)
    assert {found.damages[name].n for name in ("lasting_damage", "beyond_delay", "harm")} == {1}
    assert found.damages["lost_to_schedule"].n == 5, "both of its forks vary"
    assert found.answer == "undecided"


def test_noise_of_the_evaluation_that_both_forks_share_is_no_error_of_the_damage() -> None:
    found = repeated(lambda start: start + 0.01 * noise())
    assert found.uncounted["harm"] == "equal"
    assert found.answer == "undecided"


def test_a_stretch_that_changed_nothing_did_no_harm_in_any_order() -> None:
    found = repeated(lambda start: start, after=0.8)
    assert found.damages["harm"].n == 5
    assert found.decision.bounded[list(found.damages).index("harm")]
    assert found.answer == "undecided", "what the lost time costs is not known"


def several(scores: Sequence[float], numbers: Sequence[float]) -> tuple[Recovered, ...]:
    return tuple(Recovered(score, (number,)) for score, number in zip(scores, numbers, strict=True))


def test_some_repeats_are_copies_of_others() -> None:
    first, second = [0.80, 0.82, 0.80, 0.82, 0.81, 0.81], [0.70, 0.73, 0.70, 0.73, 0.72, 0.71]
    orders = [1.0, 2.0, 1.0, 2.0, 3.0, 4.0]
    recoveries = {"without": several(first, orders), "with": several(second, [9 * one for one in orders])}
    asked = {"complete": False, "unchanged": False}
    found = evidence(recoveries, [Compared("without", "with", "lasting")], ACCURACY, 0.01, 0.025, **asked)
    assert found.damages[0].n == 4
    assert found.uncounted == ("copies",)
    silent = {name: tuple(one._replace(numbers=(1.0,)) for one in them) for name, them in recoveries.items()}
    found = evidence(silent, [Compared("without", "with", "lasting")], ACCURACY, 0.01, 0.025, **asked)
    assert found.damages[0].n == 6, "equal scores may be chance where no number says more"


def test_intervals_and_p_values_agree() -> None:
    """On each side of the level, the interval holds the smallest damage of interest where its p value is above it."""
    draws, sides = np.random.default_rng(0), set()
    contrast = [Compared("frozen", "with", "critical"), Compared("before", "restarted", "critical")]
    for _ in range(60):
        forks = {name: draws.normal(0.8, 0.01, 4) for name in ("frozen", "before")}
        forks |= {name: draws.normal(0.765, 0.01, 4) for name in ("with", "restarted")}
        recoveries = {name: several(scores.tolist(), draws.random(4).tolist()) for name, scores in forks.items()}
        found = evidence(recoveries, contrast, ACCURACY, 0.01, 0.025, complete=True, unchanged=False)
        strongest = int(found.decision.p_above.argmin())
        low = found.damages[strongest].low
        assert low is not None
        assert (low > 0.01) == bool(found.decision.adjusted_p[strongest] < 0.025)
        sides.add(low > 0.01)
    assert sides == {True, False}


def test_test_images_widen_the_interval_as_in_a_study() -> None:
    draws = np.random.default_rng(0)

    def tested(share: float) -> tuple[Recovered, ...]:
        rows = [draws.random(200) < share for _ in range(4)]
        return tuple(Recovered(float(row.mean()), (draws.random(),), CorrectImages.of(row)) for row in rows)

    with_images = {"without": tested(0.8), "with": tested(0.6)}
    without = {name: tuple(one._replace(correct=None) for one in them) for name, them in with_images.items()}
    contrast = [Compared("without", "with", "lasting")]
    asked = {"complete": False, "unchanged": False}
    known, plain = (
        evidence(recoveries, contrast, ACCURACY, 0.01, 0.025, **asked).decision for recoveries in (with_images, without)
    )
    assert known.stderr[0] >= plain.stderr[0]
    assert known.freedom[0] >= plain.freedom[0]
