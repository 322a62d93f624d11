"""Every metric of every task against its definition in plain loops, whatever the batches and the order of examples."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import metric_oracles as oracle
from critlab.deficits.input_form import InputForm
from critlab.learning_tasks import CLASSIFICATION, NO_VIEW, TASKS, LearningTask, TargetView
from critlab.learning_tasks.binary import Binary
from critlab.learning_tasks.language_modelling import LanguageModelling
from critlab.learning_tasks.multi_label import MultiLabel
from critlab.learning_tasks.regression import Regression
from critlab.learning_tasks.segmentation import Segmentation
from critlab.objectives import Learned
from critlab.training.tally import RunningMetrics, Score

LOGITS = [0.0, 0.5, -0.5, 1.0, 2.0, -3.0, 40.0, 45.0, -60.0, 800.0, 1e30, -1e30]
"""Few values, so that many are equal; some so large that their softmax is 0 or 1."""
TYPES = [torch.float32, torch.bfloat16]
FEW = settings(max_examples=40)


@dataclass(frozen=True)
class Case:
    """What a network answers to some examples, and what is asked."""

    outputs: Tensor
    asked: Tensor

    def __len__(self) -> int:
        return len(self.asked)

    def pieces(self, cuts: list[int]) -> list[Case]:
        """The same examples in batches that end at ``cuts``."""
        places = sorted({0, len(self), *(cut % (len(self) + 1) for cut in cuts)})
        return [self.at(torch.arange(a, b)) for a, b in itertools.pairwise(places)]

    def at(self, places: Tensor) -> Case:
        return Case(self.outputs[places], self.asked[places])

    def rows(self) -> list[Any]:
        """Outputs in float64, one row for each answered label."""
        wide = self.outputs.double()
        deeper = wide.ndim > self.asked.ndim
        found: list[Any] = (wide.flatten(0, -2) if deeper else wide.flatten()).tolist()
        return found

    def labels(self) -> list[Any]:
        found: list[Any] = self.asked.flatten().tolist()
        return found


def scored(task: LearningTask, batches: list[Case], view: TargetView = NO_VIEW) -> dict[str, float | None]:
    """All metrics of a task over batches."""
    tallies = {name: task.scoring(name).tally() for name in type(task).metrics}
    for batch in batches:
        outputs = task.check_outputs(batch.outputs, batch.asked)
        for tally in tallies.values():
            tally.add(task.answers(outputs, batch.asked, view))
    return {name: tally.value() for name, tally in tallies.items()}


def close(found: float | None, expected: float | None, relative: float = 1e-5) -> bool:
    """Whether both are undefined, or finite and equal up to the rounding of float32."""
    if found is None or expected is None:
        return found is expected
    return math.isfinite(found) and found == pytest.approx(expected, rel=relative, abs=1e-6)


def check(task: LearningTask, case: Case, expected: dict[str, float | None], cuts: list[int], order: int) -> None:
    """Against the definition, within the documented range, in any batches and any order."""
    found = scored(task, case.pieces(cuts))
    for name, value in expected.items():
        assert close(found[name], value), (name, found[name], value)
        facts = task.scoring(name).facts
        if (there := found[name]) is not None:
            assert facts.least is None or there >= facts.least
            assert facts.most is None or there <= facts.most
    assert set(found) == set(expected)
    whole = scored(task, [case] if len(case) else [])
    places = torch.from_numpy(np.random.default_rng(order).permutation(len(case)))
    moved = scored(task, case.at(places).pieces(cuts))
    for name in found:
        exact = name not in ("loss", "nats_per_token", "mean_absolute_error", "r2")
        tolerance = 0.0 if exact else 1e-5
        assert close(found[name], whole[name], tolerance), (name, "in batches")
        assert close(moved[name], whole[name], tolerance), (name, "in another order")


Numbers = st.lists(st.sampled_from(LOGITS), min_size=48, max_size=48)
Cuts = st.lists(st.integers(0, 20), max_size=4)
Kinds = st.sampled_from(TYPES)


def labels_from(draw: st.DrawFn, classes: int, shape: tuple[int, ...]) -> Tensor:
    """Class numbers and -1: any, of one class alone, or none that counts."""
    kept = draw(st.sampled_from([range(-1, classes), range(classes), [classes - 1], [0, -1], [-1]]))
    count = math.prod(shape)
    drawn = draw(st.lists(st.sampled_from(list(kept)), min_size=count, max_size=count))
    return torch.tensor(drawn, dtype=torch.int64).reshape(shape)


def outputs_from(draw: st.DrawFn, shape: tuple[int, ...]) -> Tensor:
    count = math.prod(shape)
    values = draw(st.lists(st.sampled_from(LOGITS), min_size=count, max_size=count))
    return torch.tensor(values, dtype=draw(Kinds)).reshape(shape)


@st.composite
def of_classes(draw: st.DrawFn) -> Case:
    """Classes, with one or several heads; 0 to 7 examples."""
    classes, heads = draw(st.integers(2, 4)), draw(st.sampled_from([(), (2,)]))
    asked = labels_from(draw, classes, (draw(st.integers(0, 7)), *heads))
    outputs = outputs_from(draw, (*asked.shape, classes))
    # a class that the network never answers
    masked = draw(st.sampled_from([None, None, 0]))
    if masked is not None and not bool((asked == masked).any()):
        outputs[..., masked] = -torch.inf
    return Case(outputs, asked)


@FEW
@given(of_classes(), Cuts, st.integers(0, 9))
def test_of_classes(case: Case, cuts: list[int], order: int) -> None:
    classes = case.outputs.shape[-1]
    names = type(CLASSIFICATION).metrics
    expected = {name: oracle.OF_CLASSES[name](case.rows(), case.labels(), classes) for name in names}
    check(CLASSIFICATION, case, expected, cuts, order)


@st.composite
def of_one_logit(draw: st.DrawFn, columns: bool) -> Case:
    count, labels = draw(st.integers(0, 8)), (draw(st.integers(1, 3)),) if columns else ()
    asked = labels_from(draw, 2, (count, *labels))
    return Case(outputs_from(draw, (count, *labels)), asked)


@FEW
@given(of_one_logit(False), Cuts, st.integers(0, 9))
def test_of_one_logit(case: Case, cuts: list[int], order: int) -> None:
    expected = {name: oracle.ONE_LOGIT[name](case.rows(), case.labels()) for name in Binary.metrics}
    check(Binary(), case, expected, cuts, order)


@FEW
@given(of_one_logit(True), Cuts, st.integers(0, 9))
def test_of_several_labels(case: Case, cuts: list[int], order: int) -> None:
    columns = [Case(case.outputs[:, one], case.asked[:, one]) for one in range(case.asked.shape[1])]
    expected = {name: oracle.ONE_LOGIT[name](case.rows(), case.labels()) for name in ("accuracy", "loss")}
    for name in ("f1", "auroc"):
        each = [oracle.ONE_LOGIT[name](one.rows(), one.labels()) for one in columns]
        expected[name] = oracle.mean_of_known(each)
    check(MultiLabel(), case, expected, cuts, order)


@st.composite
def of_pixels(draw: st.DrawFn) -> tuple[Segmentation, Case]:
    """Label images with pixels that do not count, by -1 or by a number, and classes that do not occur."""
    classes, ignored = draw(st.integers(2, 4)), draw(st.sampled_from([-1, 255]))
    task = Segmentation(ignored=ignored)
    labels = labels_from(draw, classes, (draw(st.integers(0, 3)), 2, 3))
    asked = task.asked(torch.zeros(0), torch.where(labels == -1, ignored, labels), NO_VIEW)
    outputs = outputs_from(draw, (len(labels), classes, 2, 3))
    return task, Case(task.arranged(outputs), asked)


@FEW
@given(of_pixels(), Cuts, st.integers(0, 9))
def test_of_pixels(made: tuple[Segmentation, Case], cuts: list[int], order: int) -> None:
    task, case = made
    names = Segmentation.metrics
    expected = {name: oracle.OF_CLASSES[name](case.rows(), case.labels(), case.outputs.shape[-1]) for name in names}
    check(task, case, expected, cuts, order)


@st.composite
def of_tokens(draw: st.DrawFn) -> tuple[LanguageModelling, Case]:
    """Sequences that end with padding, of one token or more."""
    vocabulary, places, count = draw(st.integers(2, 4)), draw(st.integers(1, 4)), draw(st.integers(0, 3))
    padding = draw(st.sampled_from([None, vocabulary - 1]))
    words = labels_from(draw, vocabulary - 1, (count, places)).clamp(min=0)
    if padding is not None:
        for row in words:
            row[draw(st.integers(1, places)) :] = padding
    task, form = LanguageModelling(), InputForm("tokens", vocabulary, padding)
    asked = task.asked(words, torch.zeros(count), TargetView(form))
    return task, Case(outputs_from(draw, (count, places, vocabulary)), asked)


@FEW
@given(of_tokens(), Cuts, st.integers(0, 9))
def test_of_tokens(made: tuple[LanguageModelling, Case], cuts: list[int], order: int) -> None:
    task, case = made
    for sequence in case.asked.tolist():
        assert sequence[-1] == -1, "nothing follows the last token"
    names = LanguageModelling.metrics
    expected = {name: oracle.OF_CLASSES[name](case.rows(), case.labels(), case.outputs.shape[-1]) for name in names}
    check(task, case, expected, cuts, order)


SCALES = [(0.0, 1.0), (200.0, 40.0), (-1e6, 0.5), (0.0, 1e-20), (1e4, 1e4)]
"""Mean and deviation of targets."""


@st.composite
def of_numbers(draw: st.DrawFn) -> tuple[Regression, TargetView, Case]:
    """Targets as they are learned, standardised or not, a number or a vector, with a learned variance or not."""
    task = Regression(learned_variance=draw(st.booleans()), standardise=draw(st.booleans()))
    count, outputs = draw(st.integers(0, 7)), draw(st.sampled_from([0, 2, 3]))
    shape, wide = (count, *([outputs] if outputs else [])), max(outputs, 1)
    chosen = [draw(st.sampled_from(SCALES)) for _ in range(wide)]
    mean, std = (torch.tensor(one).reshape(shape[1:]) for one in zip(*chosen, strict=True))
    size = math.prod(shape)
    parts = st.lists(st.integers(-8, 8), min_size=size, max_size=size)
    one_value = draw(st.sampled_from([False, False, True]))
    asked = torch.tensor(draw(parts), dtype=torch.float32).reshape(shape) / 4
    asked = torch.zeros_like(asked) if one_value else asked
    answered = (torch.tensor(draw(parts), dtype=torch.float32).reshape(shape) / 4).to(draw(Kinds))
    if task.learned_variance:
        answered = answered.reshape(count, wide)
        answered = torch.cat([answered, torch.ones_like(answered)], 1)
    view = TargetView(mean=mean, std=std) if task.standardise else NO_VIEW
    return task, view, Case(answered, asked)


@FEW
@given(of_numbers(), Cuts, st.integers(0, 9))
def test_of_numbers(made: tuple[Regression, TargetView, Case], cuts: list[int], order: int) -> None:
    task, view, case = made
    wide = max(1, math.prod(case.asked.shape[1:]))
    learned = case.outputs.double().reshape(len(case), wide * (1 + task.learned_variance))[:, :wide]
    mean, std = (
        (one.double().reshape(1, -1) for one in (view.mean, view.std))
        if view.mean is not None and view.std is not None
        else (torch.zeros(1, wide), torch.ones(1, wide))
    )
    answered, wanted = ((mean + std * one).tolist() for one in (learned, case.asked.double().reshape(len(case), wide)))
    found = scored(task, case.pieces(cuts), view)
    expected = {
        "mean_absolute_error": oracle.mean_absolute_error(answered, wanted),
        "r2": oracle.r2(answered, wanted) if len(case) else None,
    }
    places = torch.from_numpy(np.random.default_rng(order).permutation(len(case)))
    for batches in (case.pieces(cuts), case.at(places).pieces(cuts)):
        found = scored(task, batches, view)
        for name, value in expected.items():
            assert close(found[name], value, 1e-9), (name, found[name], value)
        assert (found["loss"] is None) == (len(case) == 0)
    assert found["mean_absolute_error"] is None or found["mean_absolute_error"] >= 0
    assert found["r2"] is None or found["r2"] <= 1


def test_every_metric_of_every_task_has_its_definition_here() -> None:
    known = {
        "classification": set(oracle.OF_CLASSES),
        "binary": set(oracle.ONE_LOGIT),
        "multi_label": set(oracle.ONE_LOGIT),
        "regression": {"mean_absolute_error", "r2", "loss"},
        "segmentation": set(oracle.OF_CLASSES),
        "language_modelling": set(oracle.OF_CLASSES),
    }
    assert set(known) == set(TASKS.rows)
    for name, metrics in known.items():
        assert set(TASKS.find(name).metrics) <= metrics
        assert set(TASKS.find(name).tested) <= set(TASKS.find(name).metrics)


@pytest.mark.parametrize("name", TASKS.rows)
def test_sums_hold_a_bounded_metric_even_where_no_batch_follows(name: str) -> None:
    task, case = TASKS.find(name)(), sample(name)
    for metric in type(task).metrics:
        scoring = task.scoring(metric)
        tally, resumed, after = scoring.tally(), scoring.tally(), scoring.tally()
        if not tally.bounded:
            continue
        resumed.resume(tally.sums())
        for batch in case.pieces([2]):
            for one in (tally, resumed):
                one.add(task.answers(batch.outputs, batch.asked, NO_VIEW))
        after.resume(tally.sums())
        assert tally.value() is not None
        assert tally.value() == resumed.value() == after.value(), metric
        assert after.sums() == tally.sums()


def sample(name: str) -> Case:
    """Five examples of a task, not all answered right."""
    chance = torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[tuple[int, ...], int]] = {
        "classification": ((5, 2), 2),
        "binary": ((5,), 2),
        "multi_label": ((5, 3), 2),
        "regression": ((5,), 0),
        "segmentation": ((5, 2, 2, 3), 3),
        "language_modelling": ((5, 4, 3), 3),
    }
    shape, classes = shapes[name]
    outputs = torch.randn(shape, generator=chance)
    asked = shape if name in ("binary", "multi_label", "regression") else shape[:-1]
    labels = torch.arange(math.prod(asked)).reshape(asked)
    return Case(outputs, labels % classes if classes else labels.float())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", TASKS.rows)
def test_outputs_that_are_no_numbers_never_look_like_a_result(name: str, bad: float) -> None:
    """A test with a value that is not finite is recorded as diverged."""
    task, case = TASKS.find(name)(), sample(name)
    case.outputs[1] = bad
    tally = RunningMetrics(task=task, test=True)
    tally.add(Learned(task.loss(case.outputs, case.asked), case.outputs), case.asked)
    score = tally.score()
    assert not all(math.isfinite(one) for one in (score.loss, *score.metrics.values()))
    if math.isnan(bad):
        assert not math.isfinite(score.metrics.get("auroc", math.nan))


@pytest.mark.parametrize("name", [one for one in TASKS.rows if one != "regression"])
def test_where_no_label_counts_there_is_no_metric(name: str) -> None:
    task, case = TASKS.find(name)(), sample(name)
    nothing = torch.full_like(case.asked, -1)
    tally = RunningMetrics(task=task, test=True)
    tally.add(Learned(task.loss(case.outputs, nothing), case.outputs), nothing)
    assert tally.score() == Score(0.0, {})


def test_the_area_of_two_classes_is_that_of_their_difference_as_one_logit() -> None:
    """However sure the network is: the softmax of both is 1 in float64."""
    logits = torch.tensor([[0.0, 40.0], [0.0, 50.0], [3.0, 70.0], [0.0, -40.0], [0.0, 45.0]])
    asked = torch.tensor([0, 1, 1, 0, 0])
    both = scored(CLASSIFICATION, [Case(logits, asked)])["auroc"]
    assert both == scored(Binary(), [Case(logits[:, 1] - logits[:, 0], asked)])["auroc"] == 1.0
